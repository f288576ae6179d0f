"""The settings a room is set to now, and what of them may be shown. Pure."""

from __future__ import annotations

from typing import Any, Final

from pydantic_core import to_jsonable_python

from .catalogue import Entry, entries
from .room_settings import RoomSettings

_OF_THE_OPERATOR: Final = frozenset({"labels", "image_labels"})  # names of somebody's accounts


class InForce:
    """Whoever opens the room makes it, `Changes` replaces `settings`, all others read it."""

    def __init__(self, settings: RoomSettings) -> None:
        self.settings = settings


def shown(settings: RoomSettings) -> dict[str, Any]:
    """What is set, by the keys that `body.room` takes; what is left to the model is left out.

    Instructions, the greeting and the history are somebody's words and not repeated.
    """
    found = {entry.wire_key: _value(settings, entry) for entry in entries() if _is_shown(entry)}
    return {
        key: to_jsonable_python(value, by_alias=True)
        for key, value in found.items()
        if value is not None and value != () and value != {}
    }


def _is_shown(entry: Entry) -> bool:
    private = entry.operator_only or not entry.info.repr or entry.key in _OF_THE_OPERATOR
    return not private and entry.shape != "object"


def _value(settings: RoomSettings, entry: Entry) -> Any:
    value: Any = settings
    for step in entry.path[1:]:
        value = getattr(value, step, None)
    return value
