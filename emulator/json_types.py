"""The type of a decoded JSON value, and narrowing readers for values that are already checked."""

from __future__ import annotations

from typing import TypeAlias

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
JsonObject: TypeAlias = dict[str, JSON]


def object_of(value: JSON) -> JsonObject:
    """`value` when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: JSON) -> list[JSON]:
    """`value` when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text_of(value: JSON) -> str:
    """`value` when it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def number_of(value: JSON) -> float | None:
    """A JSON number, or a 64-bit integer written as a string (proto JSON); else None.

    An integer too large for a float is no number.
    """
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, int | float):
            return float(value)
        return float(int(value)) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None
