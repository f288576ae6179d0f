"""What a fresh session is told of the talk before it, so that it goes on and does not answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from google.genai import types

from processors.gemini.history import HistoryTurn
from processors.gemini.profiles import ModelProfile


@dataclass(frozen=True, slots=True)
class Seed:
    """Turns for `clientContent`. `complete` closes them, which only a model that was told of a
    history in its setup takes without answering."""

    turns: tuple[types.Content, ...]
    complete: bool


def seed_of(history: Sequence[HistoryTurn], profile: ModelProfile) -> Seed | None:
    """None when there is nothing to tell."""
    if not history:
        return None
    return Seed(tuple(_content(turn) for turn in history), profile.seed_needs_history_config)


def _content(turn: HistoryTurn) -> types.Content:
    parts = []
    for part in turn.parts:
        if part.text is not None:
            parts.append(types.Part.from_text(text=part.text))
        if part.inline_data is not None:
            image = part.inline_data
            parts.append(types.Part.from_bytes(data=image.data, mime_type=image.mime_type))
    return types.Content(role=turn.role, parts=parts)
