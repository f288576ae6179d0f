"""What the body of `POST /start` may change for one room.

Exception
 └── RoomSettingsRefused      the caller's fault; names the field, says what is wrong

Keys are camel case or snake case. Settings of the conversation stand alone (`topP`, `thinking` or
`thinkingLevel`), those of the other parts within `image`, `video` and `budget` or with that word
before them (`imageSize`). `null` goes back to Easel's own default. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic.alias_generators import to_camel, to_snake

from processors.gemini.generation import SettingsModel
from processors.gemini.refusals import Refusal, nearest, refusals
from processors.gemini.refused_levers import NOT_IN_LIVE
from processors.images.settings import NOT_FOR_IMAGES

from .catalogue import Entry, by_key, spoken
from .room_settings import RoomSettings, check

MAX_KEYS: Final = 200
MAX_VALUES: Final = 50_000
"""The largest history there may be has about 26,000."""
MAX_KEY_CHARS: Final = 100
_GROUPS: Final = ("image", "video", "audio", "budget")


class RoomSettingsRefused(Exception):
    """The room is not opened: `field` is not accepted, for the reason in `sentence`.

    `sentence` names the field and is fit to be the `detail` of an answer; it never repeats what
    was given. When several fields are wrong, this is the first.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.field = refusal.field
        self.sentence = refusal.sentence


def room_settings_untrusted(base: RoomSettings, overrides: object, *, vertex: bool) -> RoomSettings:
    """The settings of a room: `base` with the changes a client asks for in parsed JSON.

    An object changes only the settings it names; a list replaces the whole list. None changes
    nothing. Raises RoomSettingsRefused, and nothing else, before anything connects.
    """
    _measure(overrides)
    tree = _tree(overrides)
    try:
        room = RoomSettings.model_validate(_merged(base, tree))
    except ValidationError as error:
        raise refused(refusals(error, RoomSettings, {})[0]) from None
    for refusal in check(room, vertex=vertex):
        raise refused(refusal)
    for refusal in room.budget.raises(base.budget):
        raise refused(refusal.below("budget"))
    return room


def refused(refusal: Refusal) -> RoomSettingsRefused:
    """Of a field below RoomSettings, named as people know it."""
    return RoomSettingsRefused(Refusal(spoken(refusal.path), refusal.predicate))


def _measure(overrides: object) -> None:
    """Refuses what would take long to look at, before it is looked at."""
    waiting, count = [overrides], 0
    while waiting:
        value = waiting.pop()
        parts = list(value.values()) if isinstance(value, dict) else value
        if not isinstance(parts, list):
            continue
        if isinstance(value, dict) and len(value) > MAX_KEYS:
            raise refused(Refusal(("room",), f"must have at most {MAX_KEYS} keys in an object"))
        count += len(parts)
        if count > MAX_VALUES:
            raise refused(Refusal(("room",), f"must have at most {MAX_VALUES} values"))
        waiting.extend(parts)


def _tree(overrides: object) -> dict[str, Any]:
    """The changes as nested dictionaries with the names of the fields."""
    tree: dict[str, Any] = {}
    for entry, value in _changes("", {} if overrides is None else overrides):
        if entry.operator_only:
            by_operator = f"is set by the operator of the service, with {entry.variable}"
            raise refused(Refusal(entry.path, by_operator))
        _place(tree, entry, value)
    return tree


def _changes(group: str, overrides: object) -> Iterator[tuple[Entry, object]]:
    if not isinstance(overrides, dict):
        raise refused(Refusal((group or "room",), "must be an object"))
    for key, value in overrides.items():
        name = _snake(key)
        if group or name not in _GROUPS:
            yield _entry(group, name), value
        elif value is not None:
            yield from _changes(name, value)


def _snake(key: object) -> str:
    if not isinstance(key, str) or not key.isascii() or len(key) > MAX_KEY_CHARS:
        raise refused(Refusal(("room",), "must have the names of settings as its keys"))
    return to_snake(key)


def _entry(group: str, name: str) -> Entry:
    known = by_key()
    entry = known.get(f"{group}_{name}" if group else name)
    if entry is None and group and name.startswith(group):
        # Inside `image`, the size may be called imageSize too, as google-genai calls it.
        entry = known.get(name)
    if entry is None:
        raise refused(_unknown(group, name))
    return entry


def _unknown(group: str, name: str) -> Refusal:
    path = (group, name) if group else (name,)
    reason = NOT_FOR_IMAGES.get(name) if group == "image" else NOT_IN_LIVE.get(name)
    if not group and name.startswith("image_"):
        reason = NOT_FOR_IMAGES.get(name.removeprefix("image_"))
    if reason:
        return Refusal(path, f"is not accepted: {reason}")
    prefix = f"{group}_" if group else ""
    keys = [entry.key for entry in by_key().values() if not entry.operator_only]
    meant = nearest(name, [key.removeprefix(prefix) for key in keys if key.startswith(prefix)])
    hint = f"; did you mean {to_camel(meant)}?" if meant else ""
    return Refusal(path, f"is not a setting{hint}")


def _place(tree: dict[str, Any], entry: Entry, value: object) -> None:
    node: Any = tree
    path = entry.path[1:]
    for step in path[:-1]:
        node = node.setdefault(step, {})
        if not isinstance(node, dict):
            raise _twice(entry)
    if isinstance(value, bool) and f"{entry.key}_enabled" in by_key():
        value = {"enabled": value}
    if isinstance(value, dict) and entry.shape == "object":
        parts = {_snake(key): part for key, part in value.items()}
        whole = node.setdefault(path[-1], {})
        if len(parts) < len(value) or not isinstance(whole, dict) or whole.keys() & parts.keys():
            raise _twice(entry)
        whole.update(parts)
    elif path[-1] in node:
        raise _twice(entry)
    else:
        node[path[-1]] = value


def _twice(entry: Entry) -> RoomSettingsRefused:
    return refused(Refusal(entry.path, "is given twice, in two spellings"))


def _merged(base: SettingsModel, changes: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: getattr(base, name) for name in type(base).model_fields}
    for name, change in changes.items():
        current = values.get(name)
        if change is None and name in values:
            del values[name]
        elif isinstance(change, dict) and isinstance(current, SettingsModel):
            values[name] = _merged(current, change)
        else:
            values[name] = change
    return values
