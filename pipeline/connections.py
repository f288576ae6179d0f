"""What a room's connections counted, summed over those that live and have ended. Pure."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Protocol


class Connection(Protocol):
    def counters_by_part(self) -> Mapping[str, Any]: ...


class Connections:
    """`began` and `ended` frame each connection's life. No sum ever falls."""

    def __init__(self) -> None:
        self._living: list[Connection] = []
        self._past: dict[str, Any] = {}

    def __len__(self) -> int:
        """How many live."""
        return len(self._living)

    def began(self, connection: Connection) -> None:
        self._living.append(connection)

    def ended(self, connection: Connection) -> None:
        """What it counted stays, the connection itself does not."""
        self._living.remove(connection)
        _add(self._past, connection.counters_by_part())

    def counters(self) -> dict[str, Any]:
        """Each part's counters, a dataclass of numbers; nothing before the first connection."""
        total: dict[str, Any] = {}
        _add(total, self._past)
        for connection in self._living:
            _add(total, connection.counters_by_part())
        return total


def _add(total: dict[str, Any], counters_by_part: Mapping[str, Any]) -> None:
    for part, counters in counters_by_part.items():
        so_far = total.setdefault(part, type(counters)())
        for field in fields(counters):
            value = getattr(so_far, field.name) + getattr(counters, field.name)
            setattr(so_far, field.name, value)
