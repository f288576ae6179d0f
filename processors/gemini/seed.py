"""What a fresh session is told of the talk before it, so that it goes on and does not answer."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.genai import types

from processors.conversation import FORGOTTEN_IMAGE
from processors.gemini.history import MAX_HISTORY_BYTES, MAX_TURNS
from processors.gemini.profiles import ModelProfile

CURRENT_IMAGE: Final = "This is the current image."
NOTHING_SAID: Final = " "  # the least that is a turn


@dataclass(frozen=True, slots=True)
class Seed:
    """Turns for `clientContent`. `complete` closes them, which only a model that was told of a
    history in its setup takes without answering."""

    turns: tuple[types.Content, ...]
    complete: bool


def seed_of(
    contents: Sequence[Mapping[str, Any]],
    profile: ModelProfile,
    image: tuple[str, bytes] | None = None,
) -> Seed | None:
    """None when there is nothing to tell, or nobody who listens.

    `contents` as `Conversation.contents` gives them; `image` (MIME type, bytes) is the current
    one. Of more than a history may hold the oldest is left out, images before words.
    """
    if not profile.conversational:
        return None
    kept = _newest(contents)
    words = sum(_text_bytes(part) for turn in kept for part in turn["parts"])
    shown = [] if image is None else _shown(image)
    taken = 0 if image is None else len(image[1])
    turns: list[types.Content] = []
    for role, parts in _with_images(kept, MAX_HISTORY_BYTES - words - taken):
        _add(turns, role, parts)
    _add(turns, "user", shown)
    if not turns:
        return None
    if profile.seed_needs_user_last and turns[-1].role != "user":
        _add(turns, "user", [types.Part.from_text(text=NOTHING_SAID)])
    return Seed(tuple(turns), profile.seed_needs_history_config)


def _newest(contents: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """As many of the last as a history may hold, by their number and their words."""
    words = 0
    for index in range(len(contents) - 1, -1, -1):
        words += sum(_text_bytes(part) for part in contents[index]["parts"])
        if words > MAX_HISTORY_BYTES or len(contents) - index > MAX_TURNS:
            return contents[index + 1 :]
    return contents


def _with_images(
    contents: Sequence[Mapping[str, Any]], room: int
) -> list[tuple[str, list[types.Part]]]:
    """Roles and parts; of the images the newest, as many as there is `room` for in bytes."""
    found: list[tuple[str, list[types.Part]]] = []
    for turn in reversed(contents):
        parts: list[types.Part] = []
        for part in reversed(turn["parts"]):
            if "inlineData" not in part:
                parts.append(types.Part.from_text(text=part["text"]))
                continue
            data = b64decode(part["inlineData"]["data"])
            room -= len(data)
            parts.append(
                types.Part.from_bytes(data=data, mime_type=part["inlineData"]["mimeType"])
                if room >= 0
                else types.Part.from_text(text=FORGOTTEN_IMAGE)
            )
        found.append((turn["role"], parts[::-1]))
    return found[::-1]


def _shown(image: tuple[str, bytes]) -> list[types.Part]:
    mime_type, data = image
    return [
        types.Part.from_bytes(data=data, mime_type=mime_type),
        types.Part.from_text(text=CURRENT_IMAGE),
    ]


def _add(turns: list[types.Content], role: str, parts: list[types.Part]) -> None:
    """To the last turn, when it is of the same side."""
    if not parts:
        return
    if turns and turns[-1].role == role:
        turns[-1].parts = [*(turns[-1].parts or []), *parts]
    else:
        turns.append(types.Content(role=role, parts=parts))


def _text_bytes(part: Mapping[str, Any]) -> int:
    return len(part.get("text", "").encode())
