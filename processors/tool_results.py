"""What a tool hands back, as JSON that Gemini takes. Pure.

The Live API closes a session for a message that it cannot parse, so nothing goes to it that is
not plain JSON of a bounded size, whatever somebody's tool returns.
"""

import json
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from processors.errors import ToolError

MAX_RESULT_CHARS: Final = 32_000  # of JSON: some 8,000 tokens of the model's context
MAX_ERROR_CHARS: Final = 1000
MAX_DEPTH: Final = 32  # protobuf's JSON parsers give up at 100, our message around it included
MAX_INTEGER: Final = 10**300  # they become doubles
NOTHING: Final = "done"  # models call again when they get an empty answer

Response = dict[str, Any]


def success(value: object) -> Response:
    """`{"output": …}`. Of a value too long for the model, the beginning of its JSON as text.

    Raises `ToolError` when the value cannot be written as JSON.
    """
    if value is None:
        return {"output": NOTHING}
    if isinstance(value, str):
        return _cut(_printable(value[: MAX_RESULT_CHARS + 1]))
    text = _json(value)
    if len(text) > MAX_RESULT_CHARS:
        return _cut(text)
    plain = json.loads(text)
    _check(plain)
    return {"output": plain}


def failure(sentence: str) -> Response:
    return {"error": _printable(sentence[:MAX_ERROR_CHARS])}


def _cut(text: str) -> Response:
    if len(text) <= MAX_RESULT_CHARS:
        return {"output": text}
    told = f"Only the first {MAX_RESULT_CHARS} characters of the result are here."
    return {"output": text[:MAX_RESULT_CHARS], "truncated": told}


def _json(value: object) -> str:
    """Written piece by piece, so that a value without end ends at the limit."""
    encoder = json.JSONEncoder(allow_nan=False, ensure_ascii=False, default=_plain)
    text = ""
    try:
        for piece in encoder.iterencode(value):
            text += piece[: MAX_RESULT_CHARS + 1]
            if len(text) > MAX_RESULT_CHARS:
                break
        return _printable(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ToolError(f"Its result is not JSON: {error}.") from None


def _plain(value: object) -> object:
    """For what JSON has no word for: the next best thing that it has. Raises `TypeError`."""
    match value:
        case BaseModel():
            return value.model_dump(mode="json")
        case Enum():
            return value.value
        case date() | time():
            return value.isoformat()
        case Decimal() | UUID() | PurePath():
            return str(value)
        case Mapping():
            return dict(value)
        case Set():
            return list(value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: getattr(value, field.name) for field in fields(value)}
        case _:
            raise TypeError(f"it holds a {type(value).__name__}")


def _printable(text: str) -> str:
    """Without lone surrogates, which no encoder of UTF-8 takes."""
    return text.encode("utf-8", "replace").decode()


def _check(value: object) -> None:
    """Raises `ToolError` for what is JSON, and beyond what Gemini's parsers take all the same."""
    level = [value]
    for _ in range(MAX_DEPTH):
        if any(isinstance(part, int) and abs(part) > MAX_INTEGER for part in level):
            raise ToolError("Its result holds a number that is too large.")
        level = [part for whole in level for part in _parts(whole)]
        if not level:
            return
    raise ToolError(f"Its result is nested more than {MAX_DEPTH} levels deep.")


def _parts(value: object) -> list[object]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []
