"""Whether the peer at the other end of a connection is there. Pure: time is an argument.

COMING ── connected ──► PRESENT ── silent ──► ABSENT
                           ▲        heard       │
                           └────────────────────┘

ICE itself notices after half a minute that nobody is there any more. Until then a peer that is
ABSENT may come back on the same connection, as one does that was only out of reach.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

MAX_STEP_S: Final = 0.5  # a beat that is later says that we were busy, not that they were silent


class Presence(Enum):
    COMING = auto()
    PRESENT = auto()
    ABSENT = auto()


class PresenceEvent(Enum):
    CONNECTED = auto()
    SILENT = auto()
    HEARD = auto()


TRANSITIONS: Final[Mapping[Presence, Mapping[PresenceEvent, Presence]]] = {
    Presence.COMING: {PresenceEvent.CONNECTED: Presence.PRESENT},
    Presence.PRESENT: {PresenceEvent.SILENT: Presence.ABSENT},
    Presence.ABSENT: {PresenceEvent.HEARD: Presence.PRESENT},
}


@dataclass(frozen=True, slots=True)
class SilenceLimits:
    """Who sends nothing for longer, not one datagram, is absent. Seconds.

    Clients that ping do so once a second. Of one that does not and has no device open little else
    comes than its answers to ICE's checks, every 4 to 6 s.
    """

    pinging_s: float = 5.0
    other_s: float = 10.0


class PresenceWatch:
    """Tell it the time regularly, and whether anything came since the last time."""

    def __init__(self, limits: SilenceLimits) -> None:
        self.state = Presence.COMING
        self.pings = False
        """The peer has sent a ping."""
        self._limits = limits
        self._silent_s = 0.0
        self._beat_at: float | None = None

    def beat(self, now: float, *, connected: bool, heard: bool) -> bool:
        """Whether that changed `state`. `now` is in seconds, of any clock that does not jump."""
        step_s = 0.0 if self._beat_at is None else min(now - self._beat_at, MAX_STEP_S)
        self._beat_at = now
        self._silent_s = 0.0 if heard else self._silent_s + step_s
        event = self._event(connected, heard)
        if event is None:
            return False
        self.state = TRANSITIONS[self.state][event]
        self._silent_s = 0.0
        return True

    def _event(self, connected: bool, heard: bool) -> PresenceEvent | None:
        if self.state is Presence.COMING:
            return PresenceEvent.CONNECTED if connected else None
        if self.state is Presence.ABSENT:
            return PresenceEvent.HEARD if heard else None
        return PresenceEvent.SILENT if self._silent_s > self._limit_s else None

    @property
    def _limit_s(self) -> float:
        return self._limits.pinging_s if self.pings else self._limits.other_s
