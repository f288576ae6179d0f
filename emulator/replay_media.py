"""Sound and pictures of the recorded length, in place of those that a recording left out. Pure."""

from __future__ import annotations

import base64
import io
from typing import Final

import numpy as np
from PIL import Image

from emulator.json_types import JSON, JsonObject, number_of, text_of

TONE_HZ: Final = 330.0
SILENT_PEAK: Final = 100
DEFAULT_RATE_HZ: Final = 24_000
MAX_BYTES: Final = 16 * 1024 * 1024
PICTURE_SIZE: Final = (64, 64)
GREY: Final = (128, 140, 150)
_FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}


class Filler:
    """Fills the messages of one connection; its tone runs on from message to message."""

    def __init__(self) -> None:
        self._sample = 0

    def filled(self, body: JsonObject) -> JsonObject:
        """`body` with data in base64 where a recording has measures."""
        return {key: self._value(key, inner, body) for key, inner in body.items()}

    def _value(self, key: str, value: JSON, around: JsonObject) -> JSON:
        match value:
            case dict() if key == "data" and "bytes" in value:
                mime = text_of(around.get("mimeType", around.get("mime_type")))
                return base64.b64encode(self._media(mime, value)).decode()
            case dict():
                return self.filled(value)
            case list():
                return [self._value("", each, {}) for each in value]
            case _:
                return value

    def _media(self, mime: str, measures: JsonObject) -> bytes:
        size = min(int(number_of(measures.get("bytes")) or 0), MAX_BYTES)
        if mime.startswith("audio/pcm"):
            return self._sound(mime, size // 2, number_of(measures.get("peak")) or 0.0)
        if mime in _FORMATS:
            return picture(mime, size)
        return bytes(size)

    def _sound(self, mime: str, samples: int, peak: float) -> bytes:
        rate = mime.rpartition("rate=")[2]
        hertz = int(rate) if rate.isdecimal() and 0 < len(rate) < 7 else DEFAULT_RATE_HZ
        times = (self._sample + np.arange(samples)) / max(hertz, 1)
        self._sample += samples
        if peak < SILENT_PEAK:
            return bytes(samples * 2)
        wave = min(peak, 32767.0) * np.sin(2 * np.pi * TONE_HZ * times)
        return wave.astype("<i2").tobytes()


def picture(mime: str, size: int) -> bytes:
    """A grey picture of at least its own size; what is missing to `size` bytes follows its end."""
    file = io.BytesIO()
    Image.new("RGB", PICTURE_SIZE, GREY).save(file, _FORMATS[mime])
    return file.getvalue().ljust(size, b"\0")
