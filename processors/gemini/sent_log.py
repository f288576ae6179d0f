"""What was sent to Gemini and may have to be sent again on another connection. Pure.

A connection that breaks takes with it what its session heard since the last resumption handle.
So what was sent is kept until a handle holds it, or until it was answered: then it is in the
history. What a connection takes along comes in two parts:

- the exchange: what the model was answering when the connection broke;
- what came after it: above all the utterance that has no answer yet.

Silence is not kept for long, and audio not beyond `KEPT_AUDIO_S`.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from processors.gemini.outbox import (
    BYTES_PER_S,
    Audio,
    AudioEnd,
    Picture,
    RealtimeText,
    Slot,
    ToolResponse,
    Turns,
    size,
)

KEPT_AUDIO_S: Final = 30.0
KEPT_ITEMS: Final = 256  # beside audio
KEPT_ITEM_BYTES: Final = 32 << 20
PRE_ROLL_S: Final = 0.5  # the detectors take a moment to notice speech
QUIET_KEPT_S: Final = 3.0  # of audio in which no speech was noticed
IN_FLIGHT_S: Final = 0.25  # what was sent so shortly before a handle, or an answer, missed it
BREATH_S: Final = 0.75  # the detectors need most of it to notice that speech is over
PICTURE_FRESH_S: Final = 3.0  # a camera sends one a second: an older one shows nothing of now


_ASKS: Final = (RealtimeText, Turns, ToolResponse)


@dataclass(slots=True)
class Exchange:
    """`first` to `last` of what an answer answers; None where nothing is kept of it.

    `spoken`: somebody's voice is among it.
    """

    first: Slot | None
    last: Slot | None
    spoken: bool


@dataclass(slots=True)
class SentLog:
    """Told of everything sent, of speech, answers and handles; `taken_along` when it is lost.

    `forgotten_s` is audio that was neither answered nor held by a handle when it became too old
    to be kept, `forgotten_items` what there was too much of beside it.
    """

    forgotten_s: float = 0.0
    forgotten_items: int = 0
    exchange: Exchange | None = None
    _sent: deque[Slot] = field(default_factory=deque)
    _picture: Slot | None = None  # the newest; the others show what was
    _audio_bytes: int = 0
    _items: int = 0
    _item_bytes: int = 0
    _index: int = 0
    _utterance: Slot | None = None  # the first of what was said and is not answered
    _said: bool = False  # there is an utterance without an answer, kept or not
    _segment: Slot | None = None  # the first of what is being said now
    _speaking: bool = False
    _unmarked: bool = False  # somebody speaks of whom no sound has come yet
    _spoken_on: bool = False  # while what they said before was being answered already
    _on_from: Slot | None = None  # the first of that

    def __iter__(self) -> Iterator[Slot]:
        """What is kept, oldest first."""
        return iter(self._sent)

    def opened(self, messages: int) -> None:
        """A new connection on which `messages` were sent already, beginning with the setup."""
        self._index = messages - 1

    def sent(self, slot: Slot, messages: int = 1) -> None:
        """As so many messages; one that was held back counts as the next that will be sent."""
        slot.index = self._index + max(1, messages)
        self._index += messages
        match slot.item:
            case Picture():
                self._picture = slot
            case _:
                self._sent.append(slot)
                self._count(slot, 1)
                self._trim()
        if self._unmarked and isinstance(slot.item, Audio):
            self._mark(slot)
        if self._spoken_on and isinstance(slot.item, Audio):
            self._follow_breath(slot)

    def speech_began(self, waiting: Iterable[Slot], now: float) -> None:
        """Somebody speaks up; `waiting` is what was not sent yet."""
        self._speaking = True
        recent = (
            slot
            for slot in chain(self._sent, waiting)
            if isinstance(slot.item, Audio) and slot.pushed_at >= now - PRE_ROLL_S
        )
        self._unmarked = True
        first = next(recent, None)
        if first is not None:
            self._mark(first)
        self._said = True

    def speech_ended(self) -> None:
        self._speaking = self._unmarked = self._spoken_on = False
        self._segment = self._on_from = None

    @property
    def unanswered(self) -> bool:
        """Something was said that no answer has begun to answer."""
        return self._said

    def begins_in(self, slots: Collection[Slot]) -> bool:
        """All that is kept of what was said without an answer is among them."""
        return self._said and self._utterance in slots

    def answer_began(self, now: float = float("inf")) -> None:
        """What was sent by now is being answered, but for what somebody is just saying."""
        if self.exchange is not None:
            return
        first, spoken = self._utterance, self._said
        last = self._last_answered(now)
        self._said, self._utterance = False, None
        if self._speaking and self._segment is not None and self._segment is not first:
            self._said, self._utterance = True, self._segment
            last = self._before(self._segment)
        elif self._speaking:
            self._spoken_on, self._on_from = True, None
        self.exchange = Exchange(first, last, spoken)

    def results_answered(self) -> None:
        """The answer waited for the results of its tools, and goes on."""
        for slot in [slot for slot in self._sent if isinstance(slot.item, ToolResponse)]:
            self._sent.remove(slot)
            self._count(slot, -1)

    def answer_ended(self) -> None:
        """It is history now, and so is what it answered."""
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            self._forget_through(exchange.last)

    def give_up(self) -> None:
        """What was said was no turn, or will not be answered."""
        if not self._speaking:
            self._said, self._utterance = False, None

    def covered(self, index: int | None, now: float) -> None:
        """A handle came. It holds the messages up to `index` of this connection; where that is
        not known, what was sent a moment before, but for an utterance that goes on."""
        if index is not None and index > self._index:
            index = None  # it counts something else than we do
        while self._sent and self._is_covered(self._sent[0], index, now):
            self._drop_first()
        if self._picture is not None and self._is_covered(self._picture, index, now):
            self._picture = None
        self.forgotten_s = 0.0

    def taken_along(self, *, answered: bool, now: float) -> list[Slot]:
        """What a lost connection may have taken along, oldest first; the log is empty then.

        `answered`: without the exchange, which is told in words.
        """
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            if answered:
                self._forget_through(exchange.last)
            else:
                self._said = self._said or exchange.spoken
                self._utterance = exchange.first or self._utterance
        kept = self._worth_sending(now)
        self._sent.clear()
        self._picture = None
        self._audio_bytes = self._items = self._item_bytes = 0
        return kept

    def _worth_sending(self, now: float) -> list[Slot]:
        begins = self._utterance
        within = begins is None or begins not in self._sent
        earliest = float("-inf") if self._said else now - QUIET_KEPT_S
        heard = False
        kept: list[Slot] = []
        for slot in self._sent:
            within = within or slot is begins
            match slot.item:
                case Audio() if within and slot.pushed_at >= earliest:
                    heard = True
                    kept.append(slot)
                case Audio():
                    pass
                case AudioEnd() if not heard:
                    pass
                case _:
                    kept.append(slot)
        picture = self._picture
        if picture is not None and picture.pushed_at >= now - PICTURE_FRESH_S:
            after = sum(slot.pushed_at <= picture.pushed_at for slot in kept)
            kept.insert(after, picture)
        return kept

    def _is_covered(self, slot: Slot, index: int | None, now: float) -> bool:
        if index is not None:
            return slot.index <= index
        return slot is not self._utterance and slot.sent_at <= now - IN_FLIGHT_S

    def _mark(self, slot: Slot) -> None:
        """What is being said begins here."""
        self._unmarked, self._segment = False, slot
        if self._utterance is None:
            self._utterance = slot

    def _follow_breath(self, slot: Slot) -> None:
        """Who speaks for long into the answer says something new, and not only its end."""
        if self._on_from is None:
            self._on_from = slot
        elif slot.pushed_at - self._on_from.pushed_at >= BREATH_S:
            self._said, self._spoken_on = True, False
            self._utterance = self._segment = self._on_from

    def _last_answered(self, now: float) -> Slot | None:
        """A text that was sent a moment ago is not, where anything else can be."""
        asked = [slot for slot in self._sent if isinstance(slot.item, _ASKS)]
        late = next((slot for slot in asked if slot.sent_at > now - IN_FLIGHT_S), None)
        if late is not None and (self._said or late is not asked[0]):
            return self._before(late)
        return self._sent[-1] if self._sent else None

    def _before(self, mark: Slot) -> Slot | None:
        """The last slot that was sent before `mark`."""
        before = None
        for slot in self._sent:
            if slot is mark:
                break
            before = slot
        return before

    def _forget_through(self, last: Slot | None) -> None:
        if last is not None and last in self._sent:
            while self._drop_first() is not last:
                pass

    def _drop_first(self) -> Slot:
        slot = self._sent.popleft()
        self._count(slot, -1)
        return slot

    def _count(self, slot: Slot, sign: int) -> None:
        if isinstance(slot.item, Audio):
            self._audio_bytes += sign * size(slot.item)
        else:
            self._items += sign
            self._item_bytes += sign * size(slot.item)

    def _trim(self) -> None:
        """The oldest go first, of audio and of items."""
        open_ended = self._said or self.exchange is not None
        limit_s = KEPT_AUDIO_S if open_ended else QUIET_KEPT_S
        while self._audio_bytes > limit_s * BYTES_PER_S:
            forgotten = self._remove_first(audio=True)
            if forgotten is self._utterance:
                self._utterance = next((s for s in self._sent if isinstance(s.item, Audio)), None)
            if self._said and self.exchange is None:
                self.forgotten_s += forgotten.audio_s
        while self._items > KEPT_ITEMS or self._item_bytes > KEPT_ITEM_BYTES:
            self._remove_first(audio=False)
            self.forgotten_items += 1

    def _remove_first(self, *, audio: bool) -> Slot:
        place, slot = next(
            (place, slot)
            for place, slot in enumerate(self._sent)
            if isinstance(slot.item, Audio) is audio
        )
        del self._sent[place]
        self._count(slot, -1)
        return slot
