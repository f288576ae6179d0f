"""What a Live session wants done outside of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from emulator.closes import Close
from emulator.json_types import JsonObject


@dataclass(frozen=True, slots=True)
class Send:
    """One server message."""

    body: JsonObject


@dataclass(frozen=True, slots=True)
class Hear:
    """Recognise `pcm` (PCM16 mono 16 kHz); answer with `LiveSession.on_heard(number, …)`."""

    number: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Speak:
    """Synthesise `text`; answer with `LiveSession.on_spoken(number, …)`.

    `voice` is one of Gemini's names, `language` a BCP-47 tag.
    """

    number: int
    text: str
    voice: str
    language: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Cut the TCP connection without a close frame."""


@dataclass(frozen=True, slots=True)
class SendRaw:
    """One frame as it is: text or bytes."""

    frame: str | bytes


@dataclass(frozen=True, slots=True)
class SlowPong:
    """Pongs are late by so many seconds from now on."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class SlowRead:
    """No more than so many bytes are read in a second from now on."""

    bytes_per_s: int


Effect: TypeAlias = Send | SendRaw | Hear | Speak | SlowPong | SlowRead | Close | Drop
