"""What is sent to Gemini, and the queue in which it waits. Pure.

While the link is up the outbox is empty most of the time; while it is down it keeps what is
said: audio up to `audio_limit_s` (the oldest goes first, and is counted), the newest picture,
and every text, upload and tool result up to `ITEM_LIMIT` and `ITEM_BYTES_LIMIT`.

What was sent stays known to `sent_log.py` and comes back as the first when a connection is lost.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

AUDIO_LIMIT_S: Final = 30.0
ITEM_LIMIT: Final = 256
ITEM_BYTES_LIMIT: Final = 32 << 20
BYTES_PER_S: Final = 32_000  # 16 kHz, 16 bit, mono
TRIES_LIMIT: Final = 3  # on connections that died at once: it may be what they died of


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


@dataclass(frozen=True, slots=True)
class ContextUpdate:
    """What the session is told anew, for models that take it; None leaves it as it is.

    `declarations` are the tools of a setup, in the SDK's types; empty takes all away.
    """

    instruction: str | None
    declarations: tuple[Any, ...] | None


Outgoing = (
    Audio
    | AudioEnd
    | ActivityStart
    | ActivityEnd
    | Picture
    | RealtimeText
    | Turns
    | ToolResponse
    | ContextUpdate
)


@dataclass(slots=True)
class OutboxCounters:
    audio_dropped_s: float = 0.0
    pictures_replaced: int = 0
    items_refused: int = 0
    items_unsendable: int = 0
    items_resent: int = 0
    items_given_up: int = 0


@dataclass(slots=True, eq=False)
class Slot:
    """An item on its way. Times are monotonic seconds; `sent_at` and `index` are those of the
    last sending, and count for nothing while it waits."""

    item: Outgoing
    pushed_at: float
    sent_at: float = 0.0
    index: int = 0
    in_activity: bool = False
    tries: int = 0
    own: bool = False  # the link's own words, which are said when they are needed

    @property
    def audio_s(self) -> float:
        return len(self.item.pcm) / BYTES_PER_S if isinstance(self.item, Audio) else 0.0


@dataclass(slots=True)
class Outbox:
    """`push` at one end. At the other `pop`, and then one of `sent`, `put_back`, `defer`,
    `unsendable`."""

    audio_limit_s: float = AUDIO_LIMIT_S
    counters: OutboxCounters = field(default_factory=OutboxCounters)
    _waiting: deque[Slot] = field(default_factory=deque)
    _deferred: list[Slot] = field(default_factory=list)
    _in_hand: Slot | None = None
    _in_activity: bool = False  # as far as the connection knows
    _activity_heard: bool = False
    _audio_bytes: int = 0
    _items: int = 0
    _item_bytes: int = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Slot]:
        """What waits, the first to go first."""
        return chain(self._deferred, self._waiting)

    @property
    def in_activity(self) -> bool:
        """The connection was told that somebody speaks, and not yet that they have ended."""
        return self._in_activity

    @property
    def audio_s(self) -> float:
        return self._audio_bytes / BYTES_PER_S

    def push(self, item: Outgoing, now: float) -> bool:
        """False when there was no room for it."""
        match item:
            case Audio():
                self._append(item, now)
                self._drop_old_audio()
            case Picture():
                if self._remove_first(Picture):
                    self.counters.pictures_replaced += 1
                self._append(item, now)
            case AudioEnd() if self._waiting and self._waiting[-1].item == item:
                pass  # the pause goes on
            case _:
                if not self._has_room(item):
                    self.counters.items_refused += 1
                    return False
                self._append(item, now)
        return True

    def push_first(self, item: Outgoing, now: float) -> None:
        """Before all that waits, whatever the bounds are: the link's own words, which are few."""
        self._prepend(Slot(item, now, own=True))

    def pop(self) -> Outgoing | None:
        """The next to send; None when nothing waits."""
        self._skip_empty_activities()
        if not self._waiting:
            return None
        self._in_hand = self._waiting.popleft()
        self._count(self._in_hand.item, -1)
        return self._in_hand.item

    def sent(self, now: float) -> Slot | None:
        """The item in hand was written to the connection."""
        slot, self._in_hand = self._in_hand, None
        if slot is not None:
            slot.sent_at = now
            slot.in_activity = self._in_activity
            self._follow_activity(slot.item)
        if not self._in_activity:
            self._resume_deferred()
        return slot

    def defer(self) -> None:
        """The item in hand must not be sent within an activity, and goes right after it."""
        slot, self._in_hand = self._in_hand, None
        if slot is not None:
            self._deferred.append(slot)

    def put_back(self, *, blamed: bool = False) -> None:
        """The item in hand could not be sent, and is the first again; `blamed`: the connection
        may have died of it, so that it is given up after `TRIES_LIMIT`."""
        slot, self._in_hand = self._in_hand, None
        if slot is None:
            return
        slot.tries += blamed
        if slot.tries >= TRIES_LIMIT:
            self.counters.items_given_up += 1
            return
        if isinstance(slot.item, Picture) and self._holds(Picture):
            self.counters.pictures_replaced += 1
            return
        self._prepend(slot)

    def unsendable(self) -> None:
        """The item in hand is nothing that can be sent at all: it is dropped."""
        self._in_hand = None
        self.counters.items_unsendable += 1

    def reclaim(self, again: Sequence[Slot]) -> None:
        """The connection is gone: `again` is what it may have taken with it, oldest first.

        It comes before all that waits. Speech that was being sent goes on in an activity of its
        own.
        """
        within, self._in_activity, self._activity_heard = self._in_activity, False, False
        self._resume_deferred()
        for slot in reversed(again):
            if slot.tries >= TRIES_LIMIT:
                self.counters.items_given_up += 1
            elif isinstance(slot.item, Picture) and self._holds(Picture):
                self.counters.pictures_replaced += 1
            else:
                self.counters.items_resent += not isinstance(slot.item, Audio)
                self._prepend(slot)
                within = slot.in_activity
        if within:
            self._prepend(Slot(ActivityStart(), self._waiting[0].pushed_at if self else 0.0))
        self._drop_old_audio()

    def drop_updates(self) -> None:
        """What waits to be told anew stands in the setup of the session that begins."""
        while self._remove_first(ContextUpdate) is not None:
            pass

    def _resume_deferred(self) -> None:
        while self._deferred:
            self._prepend(self._deferred.pop())

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

    def _append(self, item: Outgoing, now: float) -> None:
        self._waiting.append(Slot(item, now))
        self._count(item, 1)

    def _prepend(self, slot: Slot) -> None:
        self._waiting.appendleft(slot)
        self._count(slot.item, 1)

    def _has_room(self, item: Outgoing) -> bool:
        return self._items < ITEM_LIMIT and self._item_bytes + size(item) <= ITEM_BYTES_LIMIT

    def _count(self, item: Outgoing, sign: int) -> None:
        if isinstance(item, Audio):
            self._audio_bytes += sign * size(item)
        elif not isinstance(item, Picture):
            self._items += sign
            self._item_bytes += sign * size(item)

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
            self.counters.audio_dropped_s += size(oldest) / BYTES_PER_S


def size(item: Outgoing) -> int:
    """Bytes that count against the limits; what is small by nature counts nothing."""
    match item:
        case Audio(pcm):
            return len(pcm)
        case Turns():
            return sum(len(data) for _, data in item.images)
        case _:
            return 0
