"""What waits to be sent to Gemini, in order, within bounds. Pure.

While the link is up the outbox is empty most of the time; while it is down it keeps what is
said: audio up to `audio_limit_s` (the oldest goes first, and is counted), the newest picture,
and every text, upload and tool result up to `ITEM_LIMIT` and `ITEM_BYTES_LIMIT`.

What was written to a connection that was already dead is lost without a word of the network.
So texts, uploads and tool results are kept until Gemini shows life after them, and sent a
second time when it never does; not a third, since they may be what ended the connection.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

AUDIO_LIMIT_S: Final = 30.0
ITEM_LIMIT: Final = 256
ITEM_BYTES_LIMIT: Final = 32 << 20
BYTES_PER_S: Final = 32_000  # 16 kHz, 16 bit, mono
CONFIRM_AFTER_S: Final = 0.5  # what Gemini says sooner may have been on its way already
UNCONFIRMED_LIMIT: Final = 16


@dataclass(frozen=True, slots=True)
class Audio:
    """PCM16, 16 kHz, mono."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class AudioEnd:
    """The microphones paused; close the turn with what was heard."""


@dataclass(frozen=True, slots=True)
class ActivityStart:
    """Speech begins; only for a Gemini that does not detect it itself."""


@dataclass(frozen=True, slots=True)
class ActivityEnd:
    """It ends. An activity without audio would end the session: it is not sent."""


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


Outgoing = (
    Audio | AudioEnd | ActivityStart | ActivityEnd | Picture | RealtimeText | Turns | ToolResponse
)


_PASSING: Final = (Audio, AudioEnd, ActivityStart, ActivityEnd, Picture)


@dataclass(slots=True)
class OutboxCounters:
    audio_dropped_s: float = 0.0
    pictures_replaced: int = 0
    items_refused: int = 0
    items_unsendable: int = 0
    items_resent: int = 0


@dataclass(slots=True)
class _Slot:
    """An item and its history. Media is not worth a second try: it is late by then."""

    item: Outgoing
    resent: bool = False
    sent_at: float = 0.0

    @property
    def worth_keeping(self) -> bool:
        return not (self.resent or isinstance(self.item, _PASSING))


@dataclass(slots=True)
class Outbox:
    """`push` at one end. At the other `pop`, and then one of `sent`, `put_back`, `unsendable`."""

    audio_limit_s: float = AUDIO_LIMIT_S
    counters: OutboxCounters = field(default_factory=OutboxCounters)
    _waiting: deque[_Slot] = field(default_factory=deque)
    _in_hand: _Slot | None = None
    _unconfirmed: deque[_Slot] = field(default_factory=lambda: deque(maxlen=UNCONFIRMED_LIMIT))
    _in_activity: bool = False  # as far as the connection knows
    _activity_heard: bool = False
    _audio_bytes: int = 0
    _items: int = 0
    _item_bytes: int = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def audio_s(self) -> float:
        return self._audio_bytes / BYTES_PER_S

    def push(self, item: Outgoing) -> bool:
        """False when there was no room for it."""
        match item:
            case Audio():
                self._append(item)
                self._drop_old_audio()
            case Picture():
                if self._remove_first(Picture):
                    self.counters.pictures_replaced += 1
                self._append(item)
            case AudioEnd() if self._waiting and self._waiting[-1].item == item:
                pass  # the pause goes on
            case _:
                if not self._has_room(item):
                    self.counters.items_refused += 1
                    return False
                self._append(item)
        return True

    def pop(self) -> Outgoing | None:
        """The next to send; None when nothing waits."""
        self._skip_empty_activities()
        if not self._waiting:
            return None
        self._in_hand = self._waiting.popleft()
        self._count(self._in_hand.item, -1)
        return self._in_hand.item

    def sent(self, now: float) -> None:
        """The item in hand was written to the connection. `now` in monotonic seconds."""
        slot, self._in_hand = self._in_hand, None
        if slot is None:
            return
        self._follow_activity(slot.item)
        if slot.worth_keeping:
            slot.sent_at = now
            self._unconfirmed.append(slot)

    def put_back(self) -> None:
        """The item in hand could not be sent, and is the first again."""
        slot, self._in_hand = self._in_hand, None
        if slot is None:
            return
        if isinstance(slot.item, Picture) and self._holds(Picture):
            self.counters.pictures_replaced += 1
            return
        self._waiting.appendleft(slot)
        self._count(slot.item, 1)

    def unsendable(self) -> None:
        """The item in hand is nothing that can be sent at all: it is dropped."""
        self._in_hand = None
        self.counters.items_unsendable += 1

    def confirm(self, now: float = math.inf) -> None:
        """Gemini said something: what was sent a while before has arrived. Without `now`, all."""
        while self._unconfirmed and self._unconfirmed[0].sent_at <= now - CONFIRM_AFTER_S:
            self._unconfirmed.popleft()

    def reclaim(self) -> None:
        """The connection is lost: what may be lost with it is the first again, in its order.

        Speech that was being sent goes on in an activity of its own.
        """
        if self._in_activity:
            self._in_activity = self._activity_heard = False
            self._waiting.appendleft(_Slot(ActivityStart()))
            self._count(ActivityStart(), 1)
        while self._unconfirmed:
            slot = self._unconfirmed.pop()
            slot.resent = True
            self.counters.items_resent += 1
            self._waiting.appendleft(slot)
            self._count(slot.item, 1)

    def _skip_empty_activities(self) -> None:
        """Their audio may have been too old to keep, or gone with the connection before."""
        while self._waiting:
            match self._waiting[0].item:
                case ActivityStart() if self._next_of(Audio, ActivityEnd) is ActivityEnd:
                    self._remove_first(ActivityStart)
                    self._remove_first(ActivityEnd)
                case ActivityEnd() if not self._activity_heard:
                    self._remove_first(ActivityEnd)  # what is said next still belongs to it
                case _:
                    return

    def _next_of(self, *kinds: type[Outgoing]) -> type[Outgoing] | None:
        return next((type(s.item) for s in self._waiting if isinstance(s.item, kinds)), None)

    def _follow_activity(self, item: Outgoing) -> None:
        match item:
            case Audio():
                self._activity_heard = self._in_activity
            case ActivityStart():
                self._in_activity, self._activity_heard = True, False
            case ActivityEnd():
                self._in_activity, self._activity_heard = False, False

    def _append(self, item: Outgoing) -> None:
        self._waiting.append(_Slot(item))
        self._count(item, 1)

    def _has_room(self, item: Outgoing) -> bool:
        return self._items < ITEM_LIMIT and self._item_bytes + _size(item) <= ITEM_BYTES_LIMIT

    def _count(self, item: Outgoing, sign: int) -> None:
        if isinstance(item, Audio):
            self._audio_bytes += sign * _size(item)
        elif not isinstance(item, Picture):
            self._items += sign
            self._item_bytes += sign * _size(item)

    def _holds(self, kind: type[Outgoing]) -> bool:
        return any(isinstance(slot.item, kind) for slot in self._waiting)

    def _remove_first(self, kind: type[Outgoing]) -> Outgoing | None:
        for index, slot in enumerate(self._waiting):
            if isinstance(slot.item, kind):
                del self._waiting[index]
                self._count(slot.item, -1)
                return slot.item
        return None

    def _drop_old_audio(self) -> None:
        while self.audio_s > self.audio_limit_s and (oldest := self._remove_first(Audio)):
            self.counters.audio_dropped_s += _size(oldest) / BYTES_PER_S


def _size(item: Outgoing) -> int:
    """Bytes that count against the limits; what is small by nature counts nothing."""
    match item:
        case Audio(pcm):
            return len(pcm)
        case Turns():
            return sum(len(data) for _, data in item.images)
        case _:
            return 0
