"""The functions that a model may call: Python functions, declared from their signatures.

A tool is a plain or an `async` function with annotated parameters and a docstring. Plain ones
run in a thread. What it returns goes to the model as `{"output": …}`, what it raises as
`{"error": …}`. Tools come from the entry point group `easel.tools`, from the module that
`EASEL_TOOLS_MODULE` names, and from the room itself (its image tools).

    def weather(city: Annotated[str, "Name of the city."]) -> str:
        "Tells the weather of a city."

    forecast = tool(weather, time_limit_s=5.0)  # with limits of its own; else `weather` will do
"""

import importlib
import inspect
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import MethodType, ModuleType
from typing import Any, Final

from google.genai import types

from processors import tool_results
from processors.errors import ToolError
from processors.tool_parameters import Parameters, ToolUnusable, parameters_of
from processors.tool_results import Response
from processors.tool_threads import ToolThreads

__all__ = ["Tool", "ToolFunction", "ToolUnusable", "Toolset", "installed_tools", "tool"]

ENTRY_POINTS: Final = "easel.tools"
TIME_LIMIT_S: Final = 30.0

ToolFunction = Callable[..., Any]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Tool:
    """`slow`: a model that must wait for its tools is told "started" and the result later.

    `threads` is None for an `async` function. A plain one has its own: however many of its
    calls never return, the other tools are not touched.
    """

    name: str
    function: ToolFunction
    parameters: Parameters
    declaration: types.FunctionDeclaration
    threads: ToolThreads | None = None
    time_limit_s: float = TIME_LIMIT_S
    slow: bool = False

    def bind(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the function takes them. Raises `ToolError`."""
        return self.parameters.bind(args)

    async def call(self, bound: Mapping[str, Any]) -> Response:
        """Calls it with what `bind` returned. No time limit; cancellable at any time.

        A cancelled plain function runs on in its thread. Raises `ToolError`, and whatever
        `Exception` the function does.
        """
        if self.threads is not None:
            return await self.threads.run(lambda: tool_results.success(self.function(**bound)))
        try:
            return tool_results.success(await self.function(**bound))
        except SystemExit:  # it would end the service
            raise ToolError("It ended with SystemExit.") from None


def tool(function: ToolFunction, *, time_limit_s: float = TIME_LIMIT_S, slow: bool = False) -> Tool:
    """Declares `function` under its own name. Raises `ToolUnusable`."""
    name = getattr(function, "__name__", type(function).__name__)
    try:
        return _declared(name, function, time_limit_s, slow)
    except ToolUnusable as error:
        raise ToolUnusable(f"{name} cannot be a tool: {error}") from error.__cause__


def _declared(name: str, function: ToolFunction, time_limit_s: float, slow: bool) -> Tool:
    if not inspect.isroutine(function) or inspect.isbuiltin(function):
        raise ToolUnusable("it is no Python function")
    if not _NAME.fullmatch(name):
        raise ToolUnusable("its name is not one that Gemini takes")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise ToolUnusable("it yields instead of returning")
    description = inspect.getdoc(function)
    if not description:
        raise ToolUnusable("it has no docstring")
    bound_to_self = isinstance(function, MethodType)
    plain = function.__func__ if isinstance(function, MethodType) else function
    parameters = parameters_of(plain, skip=int(bound_to_self))
    declaration = types.FunctionDeclaration(
        name=name, description=description, parameters_json_schema=parameters.schema
    )
    threads = None if inspect.iscoroutinefunction(function) else ToolThreads()
    return Tool(name, function, parameters, declaration, threads, time_limit_s, slow)


class Toolset(Mapping[str, Tool]):
    """Tools by name, as far as `allows` says of each name. Raises `ToolUnusable` when two have
    the same."""

    def __init__(
        self, tools: Iterable[Tool] = (), allows: Callable[[str], bool] = lambda name: True
    ) -> None:
        self._allows = allows
        self._tools: dict[str, Tool] = {}
        for item in tools:
            if item.name in self._tools:
                raise ToolUnusable(f"two tools are called {item.name}")
            self._tools[item.name] = item

    def __getitem__(self, name: str) -> Tool:
        if not self._allows(name):
            raise KeyError(name)
        return self._tools[name]

    def __iter__(self) -> Iterator[str]:
        return filter(self._allows, self._tools)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def declarations(self) -> list[types.FunctionDeclaration]:
        return [item.declaration for item in self.values()]


def installed_tools(module_name: str | None, *, taken: Collection[str] = ()) -> list[Tool]:
    """Those of the entry points and of the named module. Raises `ToolUnusable`.

    `taken` are names that the service uses itself.
    """
    found = [_loaded(point) for point in entry_points(group=ENTRY_POINTS)]
    if module_name is not None:
        found += public_functions(_imported(module_name))
    tools = Toolset(item if isinstance(item, Tool) else tool(item) for item in found)
    for name in tools:
        if name in taken:
            raise ToolUnusable(f"{name} cannot be a tool: Easel has one of that name")
    return list(tools.values())


def _loaded(point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as error:  # the import runs somebody else's code
        raise ToolUnusable(f"the tool {point.name} cannot be loaded: {error}") from error


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:  # as above
        raise ToolUnusable(f"the tools module {name} cannot be imported: {error}") from error


def public_functions(module: ModuleType) -> list[ToolFunction | Tool]:
    """What `__all__` names, or else the functions and `Tool`s that the module itself defines."""
    names = getattr(module, "__all__", None)
    if names is not None:
        missing = [name for name in names if not hasattr(module, name)]
        if missing:
            raise ToolUnusable(f"the tools module {module.__name__} has no {missing[0]}")
        return [getattr(module, name) for name in names]
    public = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    tools = [value for value in public.values() if isinstance(value, Tool)]
    declared = [item.function for item in tools]
    own = [
        value
        for value in public.values()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and value not in declared
    ]
    return [*tools, *own]
