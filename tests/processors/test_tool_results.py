import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from processors.errors import ToolError
from processors.tool_results import (
    MAX_DEPTH,
    MAX_ERROR_CHARS,
    MAX_RESULT_CHARS,
    failure,
    success,
)


class Mood(Enum):
    GOOD = "good"


class Place(BaseModel):
    name: str
    since: date


@dataclass
class Point:
    x: int
    label: Mood


@pytest.mark.parametrize(
    ("value", "output"),
    [
        ("text", "text"),
        (3, 3),
        (True, True),
        ({"a": [1, None]}, {"a": [1, None]}),
        ((1, 2), [1, 2]),
        ({1: "one"}, {"1": "one"}),
        (Mood.GOOD, "good"),
        (Place(name="here", since=date(2026, 1, 2)), {"name": "here", "since": "2026-01-02"}),
        (Point(1, Mood.GOOD), {"x": 1, "label": "good"}),
        (datetime(2026, 1, 2, 3, 4), "2026-01-02T03:04:00"),
        (time(3, 4), "03:04:00"),
        (Decimal("1.5"), "1.5"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("a/b"), "a/b"),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (frozenset({1}), [1]),
    ],
)
def test_what_a_tool_returns_becomes_json(value: object, output: object) -> None:
    assert success(value) == {"output": output}


def test_nothing_is_not_empty_to_the_model() -> None:
    assert success(None) == {"output": "done"}


def _endless() -> list[Any]:
    around: list[Any] = []
    around.append(around)
    return around


def _nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (object(), "it holds a object"),
        (b"bytes", "it holds a bytes"),
        (itertools.count(), "it holds a count"),
        (Point, "it holds a type"),
        ({(1, 2): 3}, "keys must be str"),
        (float("nan"), "Out of range float"),
        ([float("inf")], "Out of range float"),
        (_endless(), "Circular reference"),
        (_nested(5000), "recursion"),
        (10**5000, "4300 digits"),
        ({"a": [10**301]}, "a number that is too large"),
        (_nested(MAX_DEPTH + 1), "nested more than 32 levels deep"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_json_for_gemini_is_an_error(value: object, words: str) -> None:
    with pytest.raises(ToolError, match="^Its result ") as told:
        success(value)
    assert words in str(told.value)


def test_the_deepest_result_allowed_passes() -> None:
    assert success(_nested(MAX_DEPTH)) == {"output": _nested(MAX_DEPTH)}


@pytest.mark.parametrize(
    "value", ["ä" * MAX_RESULT_CHARS, ["a" * (MAX_RESULT_CHARS - 4)]], ids=["text", "list"]
)
def test_the_longest_result_allowed_passes_whole(value: object) -> None:
    assert success(value) == {"output": value}


@pytest.mark.parametrize(
    "value",
    ["ä" * (MAX_RESULT_CHARS + 1), ["a" * (MAX_RESULT_CHARS - 3)], list(range(10**6))],
    ids=["text", "list", "long list"],
)
def test_of_a_longer_one_the_beginning_is_told(value: object) -> None:
    response = success(value)
    whole = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    assert response["output"] == whole[:MAX_RESULT_CHARS]
    assert response["truncated"] == "Only the first 32000 characters of the result are here."


def test_no_more_is_written_than_is_told() -> None:
    looked_at = 0

    class Watched(Mapping[str, str]):
        def __getitem__(self, key: str) -> str:
            return "x" * 1000

        def __iter__(self) -> Iterator[str]:
            nonlocal looked_at
            looked_at += 1
            return iter(["a"])

        def __len__(self) -> int:
            return 1

    assert "truncated" in success([Watched()] * 10_000)
    assert looked_at == 32


def test_a_lone_surrogate_is_replaced() -> None:
    assert success("a\ud800b") == {"output": "a?b"}
    assert success(["\udfff"]) == {"output": ["?"]}


def test_a_failure_is_bounded_and_printable() -> None:
    assert failure("no") == {"error": "no"}
    assert failure("\ud800") == {"error": "?"}
    assert len(failure("x" * 5000)["error"]) == MAX_ERROR_CHARS


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    )
)
def test_whatever_comes_out_is_json_that_utf8_can_carry(value: object) -> None:
    try:
        response = success(value)
    except ToolError:
        return
    text = json.dumps(response, allow_nan=False, ensure_ascii=False)
    text.encode()
    assert json.loads(text) == response
