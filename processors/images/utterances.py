"""Who speaks and when, so that a wish is made of what its asker showed meanwhile. Pure: time is an
argument."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from processors.voice_activity import STOP_AFTER_S

LEAD_S: Final = 0.5  # one shows first, and then speaks
TRAIL_S: Final = 0.3
JOINED_S: Final = 1.5  # a pause for thought within an utterance
LONGEST_S: Final = 8.0
HEARD_S: Final = 0.6  # no model has heard the end of an utterance and answered it any sooner
MAX_UTTERANCES: Final = 64


@dataclass(frozen=True, slots=True)
class Window:
    """When the wish was made, in monotonic seconds, and by whom; None: nobody is known."""

    peer_id: str | None
    start: float
    end: float


@dataclass(slots=True)
class _Utterance:
    peer_id: str
    start: float
    end: float | None  # None: it goes on
    written: bool = False

    def ended_by(self, now: float) -> float:
        return now if self.end is None else self.end

    def can_be_answered(self, now: float) -> bool:
        return self.written or now - self.start >= HEARD_S


@dataclass(slots=True)
class Utterances:
    """The last ones of a room, in the order in which they began, went on or ended last."""

    _told: list[_Utterance] = field(default_factory=list)

    def heard(self, peer_id: str, speaking: bool, now: float) -> None:
        """As the detector of voices finds it, which waits `STOP_AFTER_S` before it says False."""
        said = self._going_on(peer_id, now)
        if said is None:
            said = _Utterance(peer_id, now, None)
        else:
            self._told.remove(said)
        said.end = None if speaking else max(said.start, now - STOP_AFTER_S)
        self._tell(said)

    def wrote(self, peer_id: str, now: float) -> None:
        self._tell(_Utterance(peer_id, now, now, written=True))

    def left(self, peer_id: str) -> None:
        self._told = [one for one in self._told if one.peer_id != peer_id]

    def window(self, now: float) -> Window:
        """Of the utterance that a model answers now: the last one, as far as it has got. One that
        has only just begun is for the next answer, if another was said shortly before."""
        told = next(self._answerable(now), self._told[-1] if self._told else None)
        if told is None:
            return Window(None, now - LEAD_S, now)
        end = min(now, told.ended_by(now) + (0.0 if told.end is None else TRAIL_S))
        return Window(told.peer_id, max(told.start - LEAD_S, end - LONGEST_S), end)

    def _answerable(self, now: float) -> Iterator[_Utterance]:
        for one in reversed(self._told):
            if one.can_be_answered(now) and now - one.ended_by(now) <= LONGEST_S:
                yield one

    def _going_on(self, peer_id: str, now: float) -> _Utterance | None:
        last = next((one for one in reversed(self._told) if one.peer_id == peer_id), None)
        if last is None or last.written or now - last.ended_by(now) > JOINED_S:
            return None
        return last

    def _tell(self, utterance: _Utterance) -> None:
        self._told.append(utterance)
        del self._told[:-MAX_UTTERANCES]
