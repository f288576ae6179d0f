"""The functions that a model may call: Python functions, declared from their signatures.

A tool is a plain or an `async` function with annotated parameters and a docstring. Plain ones
run in a thread. What it returns goes to the model as `{"output": …}`, what it raises as
`{"error": …}`. Tools come from the entry point group `easel.tools`, from the module that
`EASEL_TOOLS_MODULE` names, and from the room itself (its image tools).
"""

import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any, Final

from google.genai import types

from processors.errors import ProcessorError

ENTRY_POINTS: Final = "easel.tools"
TIME_LIMIT_S: Final = 30.0

ToolFunction = Callable[..., Any]


class ToolUnusable(ProcessorError):
    """A function that cannot be declared to the model: its author's fault, found at start."""


@dataclass(frozen=True, slots=True)
class Tool:
    """`slow`: a model that must wait for its tools is told "started" and the result later."""

    name: str
    function: ToolFunction
    declaration: types.FunctionDeclaration
    time_limit_s: float = TIME_LIMIT_S
    slow: bool = False


def tool(function: ToolFunction, *, time_limit_s: float = TIME_LIMIT_S, slow: bool = False) -> Tool:
    """Declares `function` under its own name. Raises `ToolUnusable`."""
    try:
        declaration = types.FunctionDeclaration.from_callable_with_api_option(
            callable=function, use_json_schema=True
        )
    except (ValueError, TypeError) as error:
        raise ToolUnusable(f"{function.__name__} cannot be a tool: {error}") from error
    if not inspect.getdoc(function):
        raise ToolUnusable(f"{function.__name__} cannot be a tool: it has no docstring")
    declaration.response_json_schema = None  # of no use to the model, and not taken by all
    return Tool(function.__name__, function, declaration, time_limit_s, slow)


class Toolset(Mapping[str, Tool]):
    """Tools by name. Raises `ToolUnusable` when two have the same."""

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        for item in tools:
            if item.name in self._tools:
                raise ToolUnusable(f"two tools are called {item.name}")
            self._tools[item.name] = item

    def __getitem__(self, name: str) -> Tool:
        return self._tools[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    @property
    def declarations(self) -> list[types.FunctionDeclaration]:
        return [item.declaration for item in self._tools.values()]


def installed_tools(module_name: str | None) -> list[Tool]:
    """Those of the entry points and of the named module. Raises `ToolUnusable`."""
    functions = [point.load() for point in entry_points(group=ENTRY_POINTS)]
    if module_name is not None:
        try:
            functions += public_functions(importlib.import_module(module_name))
        except ImportError as error:
            raise ToolUnusable(f"the tools module {module_name} cannot be imported") from error
    return [tool(function) for function in functions]


def public_functions(module: ModuleType) -> list[ToolFunction]:
    """The functions in `__all__`, or else those that the module itself defines."""
    names = getattr(module, "__all__", None)
    if names is not None:
        return [getattr(module, name) for name in names]
    return [
        value
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]
