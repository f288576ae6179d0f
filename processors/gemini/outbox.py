"""What waits to be sent to Gemini, in order, within bounds. Pure.

While the link is up the outbox is empty most of the time; while it is down it keeps what is
said: audio up to `AUDIO_LIMIT_S` (the oldest goes first, and is counted), the newest picture,
and every text, upload and tool result up to `ITEM_LIMIT`.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

AUDIO_LIMIT_S: Final = 30.0
ITEM_LIMIT: Final = 256
BYTES_PER_S: Final = 32_000  # 16 kHz, 16 bit, mono


@dataclass(frozen=True, slots=True)
class Audio:
    """PCM16, 16 kHz, mono."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class AudioEnd:
    """The microphones paused; close the turn with what was heard."""


@dataclass(frozen=True, slots=True)
class Picture:
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class RealtimeText:
    text: str


@dataclass(frozen=True, slots=True)
class Turns:
    """`clientContent`: parts of one user turn, as (MIME type, bytes) and text."""

    images: tuple[tuple[str, bytes], ...]
    text: str
    complete: bool


@dataclass(frozen=True, slots=True)
class ToolResponse:
    call_id: str
    name: str
    response: Mapping[str, Any]
    will_continue: bool = False
    scheduling: str | None = None


Outgoing = Audio | AudioEnd | Picture | RealtimeText | Turns | ToolResponse


@dataclass(slots=True)
class OutboxCounters:
    audio_dropped_s: float = 0.0
    pictures_replaced: int = 0
    items_refused: int = 0


@dataclass(slots=True)
class Outbox:
    counters: OutboxCounters = field(default_factory=OutboxCounters)
    _items: deque[Outgoing] = field(default_factory=deque)
    _audio_bytes: int = 0
    _others: int = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def audio_s(self) -> float:
        return self._audio_bytes / BYTES_PER_S

    def push(self, item: Outgoing) -> bool:
        """False when there was no room for it."""
        match item:
            case Audio(pcm):
                self._audio_bytes += len(pcm)
                self._items.append(item)
                self._drop_old_audio()
            case Picture():
                self._replace_picture(item)
            case _:
                if self._others >= ITEM_LIMIT:
                    self.counters.items_refused += 1
                    return False
                self._others += 1
                self._items.append(item)
        return True

    def pop(self) -> Outgoing | None:
        if not self._items:
            return None
        item = self._items.popleft()
        self._forget(item)
        return item

    def put_back(self, item: Outgoing) -> None:
        """An item that was taken and could not be sent is the first again."""
        self._items.appendleft(item)
        if isinstance(item, Audio):
            self._audio_bytes += len(item.pcm)
        elif not isinstance(item, Picture):
            self._others += 1

    def _forget(self, item: Outgoing) -> None:
        if isinstance(item, Audio):
            self._audio_bytes -= len(item.pcm)
        elif not isinstance(item, Picture):
            self._others -= 1

    def _drop_old_audio(self) -> None:
        while self.audio_s > AUDIO_LIMIT_S:
            oldest = next(item for item in self._items if isinstance(item, Audio))
            self._items.remove(oldest)
            self._forget(oldest)
            self.counters.audio_dropped_s += len(oldest.pcm) / BYTES_PER_S

    def _replace_picture(self, picture: Picture) -> None:
        for waiting in self._items:
            if isinstance(waiting, Picture):
                self._items.remove(waiting)
                self.counters.pictures_replaced += 1
                break
        self._items.append(picture)
