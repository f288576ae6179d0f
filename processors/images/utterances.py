"""Who speaks and when, so that a wish is made of what its asker showed meanwhile. Pure: time is an
argument."""

from dataclasses import dataclass, field
from typing import Final

LEAD_S: Final = 0.5  # one shows first, and then speaks
TRAIL_S: Final = 0.3
JOINED_S: Final = 1.5  # a pause for thought within an utterance
LONGEST_S: Final = 8.0
MAX_SPEAKERS: Final = 64


@dataclass(frozen=True, slots=True)
class Window:
    """When the wish was made, in monotonic seconds, and by whom; None: nobody is known."""

    peer_id: str | None
    start: float
    end: float


@dataclass(slots=True)
class _Utterance:
    start: float
    end: float | None  # None: it goes on


@dataclass(slots=True)
class Utterances:
    """The last utterance of each peer."""

    _last: dict[str, _Utterance] = field(default_factory=dict)

    def heard(self, peer_id: str, speaking: bool, now: float) -> None:
        last = self._last.pop(peer_id, None)
        if speaking and (last is None or (last.end is not None and now - last.end > JOINED_S)):
            last = _Utterance(now, None)
        elif last is None:
            last = _Utterance(now, now)
        last.end = None if speaking else now
        self._keep(peer_id, last)

    def wrote(self, peer_id: str, now: float) -> None:
        self._last.pop(peer_id, None)
        self._keep(peer_id, _Utterance(now, now))

    def left(self, peer_id: str) -> None:
        self._last.pop(peer_id, None)

    @property
    def asker(self) -> str | None:
        """Who spoke or wrote last."""
        return next(reversed(self._last), None)

    def window(self, now: float) -> Window:
        """Of the last utterance that was begun, as far as it has got."""
        asker = self.asker
        if asker is None:
            return Window(None, now - LEAD_S, now)
        last = self._last[asker]
        end = min(now, now if last.end is None else last.end + TRAIL_S)
        return Window(asker, max(last.start - LEAD_S, end - LONGEST_S), end)

    def _keep(self, peer_id: str, utterance: _Utterance) -> None:
        self._last[peer_id] = utterance
        while len(self._last) > MAX_SPEAKERS:
            del self._last[next(iter(self._last))]
