import functools
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest

from processors.errors import ToolError
from processors.tools import (
    Toolset,
    ToolUnusable,
    installed_tools,
    tool,
)


def weather(city: Annotated[str, "Name of the city."], days: int = 1) -> str:
    """Tells the weather of a city.

    For some days.
    """
    return f"{days} days of rain in {city}"


async def news() -> list[str]:
    """Tells the news."""
    return [threading.current_thread().name]


def test_a_function_is_declared_from_its_signature_and_docstring() -> None:
    declaration = tool(weather).declaration
    assert declaration.model_dump(exclude_none=True, by_alias=True) == {
        "name": "weather",
        "description": "Tells the weather of a city.\n\nFor some days.",
        "parametersJsonSchema": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Name of the city."},
                "days": {"type": "integer", "default": 1},
            },
            "required": ["city"],
            "additionalProperties": False,
        },
    }


def test_one_that_takes_nothing_is_declared_without_parameters() -> None:
    assert tool(news).declaration.model_dump(exclude_none=True) == {
        "name": "news",
        "description": "Tells the news.",
    }


async def test_a_plain_function_runs_in_a_thread() -> None:
    def where() -> str:
        """Tells the thread."""
        return threading.current_thread().name

    made = tool(where)
    assert await made.call({}) == {"output": "tool"}


async def test_an_async_function_runs_on_the_loop() -> None:
    assert await tool(news).call({}) == {"output": [threading.current_thread().name]}


async def test_a_method_is_called_on_its_instance() -> None:
    class Lamp:
        share = 1.0

        def dim(self, share: float) -> float:
            """Dims the lamp."""
            self.share = share
            return self.share

    lamp = Lamp()
    made = tool(lamp.dim)
    assert await made.call(made.bind({"share": 0.25})) == {"output": 0.25}
    assert lamp.share == 0.25


async def test_the_checked_arguments_are_what_the_function_gets() -> None:
    made = tool(weather)
    assert await made.call(made.bind({"city": "Bern", "days": "2"})) == {
        "output": "2 days of rain in Bern"
    }
    with pytest.raises(ToolError, match="days: Input should be a valid integer"):
        made.bind({"city": "Bern", "days": "many"})


async def test_a_result_that_is_no_json_is_a_tool_error_in_either_kind() -> None:
    def plain() -> object:
        """Returns what is no JSON."""
        return object()

    async def awaited() -> object:
        """Returns what is no JSON."""
        return object()

    for function in (plain, awaited):
        with pytest.raises(ToolError, match="Its result is not JSON: it holds a object"):
            await tool(function).call({})


async def test_an_async_function_cannot_end_the_service() -> None:
    async def leave() -> None:
        """Leaves."""
        sys.exit(3)

    with pytest.raises(ToolError, match="It ended with SystemExit"):
        await tool(leave).call({})


class NotAFunction:
    """Not a function."""

    def __call__(self) -> None: ...


def _yields() -> Iterator[int]:
    """Yields."""
    yield 1


async def _yields_later() -> AsyncIterator[int]:
    """Yields."""
    yield 1


def _silent() -> None: ...


def größe() -> None:
    """Tells the size."""


def _bare(text) -> None:  # type: ignore[no-untyped-def]  # what is tested
    """Has no annotation."""


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (NotAFunction(), "NotAFunction cannot be a tool: it is no Python function"),
        (NotAFunction, "NotAFunction cannot be a tool: it is no Python function"),
        (
            functools.partial(weather, days=3),
            "partial cannot be a tool: it is no Python function",
        ),
        (len, "len cannot be a tool: it is no Python function"),
        (lambda: 1, "<lambda> cannot be a tool: its name is not one that Gemini takes"),
        (größe, "größe cannot be a tool: its name is not one that Gemini takes"),
        (_yields, "_yields cannot be a tool: it yields instead of returning"),
        (_yields_later, "_yields_later cannot be a tool: it yields instead of returning"),
        (_silent, "_silent cannot be a tool: it has no docstring"),
        (_bare, "_bare cannot be a tool: its parameter text has no annotation"),
    ],
)
def test_what_cannot_be_a_tool_says_why(function: Any, sentence: str) -> None:
    with pytest.raises(ToolUnusable) as told:
        tool(function)
    assert str(told.value) == sentence


def test_a_toolset_finds_tools_by_name() -> None:
    tools = Toolset([tool(weather), tool(news)])
    assert list(tools) == ["weather", "news"]
    assert len(tools) == 2
    assert tools["news"].function is news
    assert tools.get("sports") is None
    assert [item.name for item in tools.declarations] == ["weather", "news"]


def test_a_toolset_holds_what_is_allowed_now() -> None:
    allowed = {"news"}
    tools = Toolset([tool(weather), tool(news)], lambda name: name in allowed)
    assert (list(tools), len(tools)) == (["news"], 1)
    assert tools.get("weather") is None and "weather" not in tools
    allowed.add("weather")
    assert [item.name for item in tools.declarations] == ["weather", "news"]


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ToolUnusable, match="two tools are called weather"):
        Toolset([tool(weather), tool(weather)])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """On the path of imports; what is imported from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


HOME = """
from typing import Annotated
from processors.tools import tool
from os.path import join

ROOMS = ["kitchen"]

def light(room: Annotated[str, "Which room."], on: bool) -> str:
    "Switches a light."
    return f"{room} {on}"

async def _hidden() -> None:
    "Not for the model."

def warm(degrees: float) -> None:
    "Heats the house."

heat = tool(warm, time_limit_s=5.0, slow=True)
"""


def test_the_functions_that_a_module_defines_become_tools(folder: Path) -> None:
    (folder / "home_tools.py").write_text(HOME)
    tools = {item.name: item for item in installed_tools("home_tools")}
    assert set(tools) == {"light", "warm"}
    assert tools["light"].time_limit_s == 30.0
    assert (tools["warm"].time_limit_s, tools["warm"].slow) == (5.0, True)


def test_all_names_what_a_module_offers(folder: Path) -> None:
    (folder / "home_tools.py").write_text(HOME + '__all__ = ["light"]\n')
    assert [item.name for item in installed_tools("home_tools")] == ["light"]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ('__all__ = ["nobody"]', "the tools module home_tools has no nobody"),
        (HOME + '__all__ = ["ROOMS"]', "list cannot be a tool: it is no Python function"),
        ("1 / 0", "the tools module home_tools cannot be imported: division by zero"),
        ("import nowhere_at_all", "home_tools cannot be imported: No module named"),
        ("def create_image() -> None: 'Draws.'", "create_image cannot be a tool: Easel has one"),
    ],
)
def test_a_module_that_cannot_be_used_says_why(folder: Path, source: str, sentence: str) -> None:
    (folder / "home_tools.py").write_text(source)
    with pytest.raises(ToolUnusable) as told:
        installed_tools("home_tools", taken=["create_image"])
    assert sentence in str(told.value)


def test_a_module_that_is_not_there_is_named() -> None:
    with pytest.raises(ToolUnusable, match="the tools module nowhere.at_all cannot be imported"):
        installed_tools("nowhere.at_all")


def install(folder: Path, entry_points: str) -> None:
    """A distribution as pip leaves it behind, with entry points of our group."""
    (folder / "home_tools.py").write_text(HOME)
    metadata = folder / "home-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: home\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[easel.tools]\n{entry_points}\n")


def test_installed_packages_bring_tools_by_entry_points(folder: Path) -> None:
    install(folder, "light = home_tools:light\nheat = home_tools:heat")
    assert {item.name for item in installed_tools(None)} == {"light", "warm"}


def test_an_entry_point_that_cannot_be_loaded_is_named(folder: Path) -> None:
    install(folder, "dark = home_tools:dark")
    with pytest.raises(ToolUnusable, match="the tool dark cannot be loaded: module 'home_tools'"):
        installed_tools(None)


def test_a_tool_may_come_from_one_place_only(folder: Path) -> None:
    install(folder, "light = home_tools:light")
    with pytest.raises(ToolUnusable, match="two tools are called light"):
        installed_tools("home_tools")


def test_nothing_installed_is_no_mistake() -> None:
    assert installed_tools(None) == []
