"""The turns a conversation begins with.

Bounded in count and in bytes, because they come from whoever opens a room and are sent to the
model at once. Pure.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ValidationInfo,
    field_serializer,
    field_validator,
)

from .generation import STOP_AT_FIRST, SettingsModel, Text, constant, setting

MAX_TURNS: Final = 200
MAX_PARTS_PER_TURN: Final = 32
MAX_HISTORY_BYTES: Final = 2 * 1024 * 1024
"""Text in UTF-8 and images after decoding, together."""

_STANDARD_ALPHABET: Final = str.maketrans("-_", "+/")


def _decoded(value: object) -> object:
    """Base64 of either alphabet, with or without padding, as the API itself accepts it."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError("must be a text in base64")
    text = value.translate(_STANDARD_ALPHABET).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error):
        raise ValueError("must be a text in base64") from None


def _not_empty(data: bytes) -> bytes:
    if not data:
        raise ValueError("must not be empty")
    return data


ImageBytes = Annotated[bytes, BeforeValidator(_decoded), AfterValidator(_not_empty)]
ImageMimeType = Annotated[Literal["image/jpeg", "image/png", "image/webp"], constant()]


class InlineData(SettingsModel):
    """An image within a turn; `data` is base64 on the wire and bytes here."""

    mime_type: ImageMimeType = setting(..., "What the bytes are.")
    data: ImageBytes = setting(..., "The image, in base64.", repr=False)

    @field_serializer("data", when_used="json")
    def _in_base64(self, data: bytes) -> str:
        return base64.b64encode(data).decode()


class HistoryPart(SettingsModel):
    """Either a text or an image."""

    text: Text | None = setting(None, "What was said or written.", min_length=1, repr=False)
    inline_data: InlineData | None = setting(None, "An image.", validate_default=True)

    @field_validator("inline_data")
    @classmethod
    def _one_of_both(cls, image: InlineData | None, info: ValidationInfo) -> InlineData | None:
        if "text" in info.data and (image is None) == (info.data["text"] is None):
            raise ValueError("must stand alone: a part is either text or inlineData")
        return image

    @property
    def size_bytes(self) -> int:
        """Bytes this part counts against MAX_HISTORY_BYTES."""
        return len((self.text or "").encode()) + len(
            self.inline_data.data if self.inline_data else b""
        )


class HistoryTurn(SettingsModel):
    """What one side said before the conversation began."""

    role: Annotated[Literal["user", "model"], constant()] = setting(..., "Who said it.")
    parts: Annotated[tuple[HistoryPart, ...], STOP_AT_FIRST] = setting(
        ..., "What was said.", min_length=1, max_length=MAX_PARTS_PER_TURN
    )


def _bounded(turns: tuple[HistoryTurn, ...]) -> tuple[HistoryTurn, ...]:
    if sum(part.size_bytes for turn in turns for part in turn.parts) > MAX_HISTORY_BYTES:
        raise ValueError(f"must have at most {MAX_HISTORY_BYTES} bytes of text and images")
    return turns


History = Annotated[tuple[HistoryTurn, ...], STOP_AT_FIRST, AfterValidator(_bounded)]
