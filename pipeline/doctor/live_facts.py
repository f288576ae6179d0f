"""What was on the wire of one Live connection, and what it amounts to. Pure.

Times are monotonic seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

OUTPUT_HZ: Final = 24_000
BYTES_PER_SAMPLE: Final = 2
KNOWN_KEYS: Final = frozenset(
    {
        "setupComplete",
        "serverContent",
        "toolCall",
        "toolCallCancellation",
        "usageMetadata",
        "goAway",
        "sessionResumptionUpdate",
        "voiceActivityDetectionSignal",
        "voiceActivity",
    }
)

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `body` is empty when it was no JSON object. `size` in bytes."""

    t: float
    ours: bool
    body: Object
    binary: bool
    size: int


@dataclass(frozen=True, slots=True)
class Closed:
    """`by` is "client", "server" or "line"."""

    t: float
    code: int
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Sound:
    """A piece of an answer."""

    t: float
    seconds: float
    mime_type: str
    whole: bool
    """Whether it is base64 of whole samples."""


def message_of(t: float, data: bytes | str, *, ours: bool) -> Message:
    """What a frame holds."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        body = {}
    size = len(data.encode() if isinstance(data, str) else data)
    return Message(t, ours, body if isinstance(body, dict) else {}, isinstance(data, bytes), size)


@dataclass(slots=True)
class Stretch:
    """A part of a connection's life: its messages in order, and its end if it ended."""

    messages: list[Message] = field(default_factory=list)
    closed: Closed | None = None

    @property
    def server(self) -> list[Message]:
        """What Gemini said."""
        return [message for message in self.messages if not message.ours]

    @property
    def contents(self) -> list[tuple[float, Object]]:
        """Each `serverContent` with its time."""
        return [(m.t, _object(m.body, "serverContent")) for m in self.server]

    @property
    def sounds(self) -> list[Sound]:
        return [
            _sound(t, blob)
            for t, content in self.contents
            for part in _parts(content)
            if str((blob := _object(part, "inlineData")).get("mimeType", "")).startswith("audio/")
        ]

    @property
    def said(self) -> str:
        return self._words("outputTranscription")

    @property
    def heard(self) -> str:
        return self._words("inputTranscription")

    @property
    def answers(self) -> bool:
        """Whether the model said, wrote or called anything."""
        written = any(part.get("text") for _, content in self.contents for part in _parts(content))
        return bool(self.sounds or self.said or self.calls or written)

    @property
    def busy(self) -> bool:
        """Whether an answer has begun and its turn is not complete."""
        for message in reversed(self.server):
            one = Stretch([message])
            if one.at("turnComplete") is not None:
                return False
            if one.answers:
                return True
        return False

    @property
    def calls(self) -> list[tuple[float, Object]]:
        return [
            (message.t, call)
            for message in self.server
            for call in _list(_object(message.body, "toolCall"), "functionCalls")
        ]

    @property
    def handles(self) -> list[tuple[float, str]]:
        """Those that can be resumed from."""
        updates = [(m.t, _object(m.body, "sessionResumptionUpdate")) for m in self.server]
        return [
            (t, str(update["newHandle"]))
            for t, update in updates
            if update.get("newHandle") and update.get("resumable")
        ]

    @property
    def usages(self) -> list[tuple[float, Object]]:
        """Those that count anything."""
        found = [(m.t, _object(m.body, "usageMetadata")) for m in self.server]
        return [(t, usage) for t, usage in found if usage]

    @property
    def prompt_tokens(self) -> int:
        """Of the last usage that tells them; 0 when none does."""
        counts = [int(usage.get("promptTokenCount") or 0) for _, usage in self.usages]
        return next((count for count in reversed(counts) if count), 0)

    def at(self, flag: str) -> float | None:
        """When `serverContent` first held this flag."""
        return next((t for t, content in self.contents if content.get(flag)), None)

    def count(self, flag: str) -> int:
        return sum(1 for _, content in self.contents if content.get(flag))

    def go_away(self) -> tuple[float, str] | None:
        """When goAway came, and its `timeLeft`."""
        for message in self.server:
            if "goAway" in message.body:
                return message.t, str(_object(message.body, "goAway").get("timeLeft", ""))
        return None

    def since(self, t: float) -> Stretch:
        return Stretch([message for message in self.messages if message.t >= t], self.closed)

    def until(self, t: float) -> Stretch:
        return Stretch([message for message in self.messages if message.t <= t])

    def _words(self, key: str) -> str:
        pieces = [_object(content, key).get("text") for _, content in self.contents]
        return "".join(str(piece) for piece in pieces if piece).strip()


def _object(value: Object, key: str) -> Object:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}


def _list(value: Object, key: str) -> Iterator[Object]:
    inner = value.get(key)
    for each in inner if isinstance(inner, Sequence) and not isinstance(inner, str) else ():
        if isinstance(each, dict):
            yield each


def _parts(content: Object) -> list[Object]:
    return list(_list(_object(content, "modelTurn"), "parts"))


def _sound(t: float, blob: Object) -> Sound:
    digits = len(str(blob.get("data", "")).rstrip("="))
    size = digits * 3 // 4
    whole = digits % 4 != 1 and size % BYTES_PER_SAMPLE == 0
    return Sound(t, size / BYTES_PER_SAMPLE / OUTPUT_HZ, str(blob["mimeType"]), whole)
