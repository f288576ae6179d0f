"""JSON that is made piece by piece is what the standard encoder makes of it."""

import json
from typing import Any

import pytest

from pipeline.long_json import encoded


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"a": 1, "b": None, "c": 0.5, "d": "ä", "e": {"f": [1, {"g": []}]}},
        {"a": [], "b": [1, "x", {"c": [2]}, [3]]},
        {'"': "half a character \ud83d", "b": ["half \ud83d", "whole"], "c": {"\ud83d": 1}},
    ],
)
def test_there_and_back(fields: dict[str, Any]) -> None:
    assert json.loads(encoded(fields)) == fields
