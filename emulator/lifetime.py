"""How long a connection and a session may live; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from emulator.closes import DEADLINE_EXPIRED, GO_AWAY_IGNORED, Close

GO_AWAY_AFTER_S: Final = 540.0
GO_AWAY_LEFT_S: Final = 50.0
AUDIO_LIMIT_S: Final = 900.0
VIDEO_LIMIT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds; None switches a limit off.

    `go_away_after_s` and `go_away_left_s` count from the connection's start. `audio_limit_s` and
    `video_limit_s` bound a whole session without context compression: with sound only, and with
    pictures too.
    """

    go_away_after_s: float | None = GO_AWAY_AFTER_S
    go_away_left_s: float = GO_AWAY_LEFT_S
    audio_limit_s: float | None = AUDIO_LIMIT_S
    video_limit_s: float | None = VIDEO_LIMIT_S

    def faster(self, times: float) -> Limits:
        """The same on a clock that runs so many times as fast."""
        after_s, audio_s, video_s = (
            None if limit is None else limit / times
            for limit in (self.go_away_after_s, self.audio_limit_s, self.video_limit_s)
        )
        return Limits(after_s, self.go_away_left_s / times, audio_s, video_s)


class Stage(Enum):
    OPEN = "open"
    LEAVING = "told to go away"


@dataclass(frozen=True, slots=True)
class GoAway:
    """Announce the end of the connection."""

    left_s: float


class Lifetime:
    """The clock of one connection; `session_age_s` is what the session lived before it."""

    def __init__(
        self, limits: Limits, now: float, *, compressed: bool, session_age_s: float = 0.0
    ) -> None:
        self._limits = limits
        self._compressed = compressed
        self._began_at = now - session_age_s
        self._stage = Stage.OPEN
        self._next_at = None if limits.go_away_after_s is None else now + limits.go_away_after_s
        self.sees = False

    def session_age_s(self, now: float) -> float:
        """How long the session has lived, over all its connections."""
        return now - self._began_at

    def announce(self, left_s: float, now: float) -> GoAway:
        """Say goAway at once, whatever the limits are."""
        self._stage = Stage.LEAVING
        self._next_at = now + left_s
        return GoAway(left_s)

    def deadline(self) -> float | None:
        """When `poll` will have something to say."""
        times = [time for time in (self._next_at, self._session_ends_at()) if time is not None]
        return min(times, default=None)

    def poll(self, now: float) -> GoAway | Close | None:
        """What is due at `now`, once each."""
        ends_at = self._session_ends_at()
        if ends_at is not None and now >= ends_at:
            return DEADLINE_EXPIRED
        if self._next_at is None or now < self._next_at:
            return None
        if self._stage is Stage.LEAVING:
            self._next_at = None
            return GO_AWAY_IGNORED
        return self.announce(self._limits.go_away_left_s, now)

    def _session_ends_at(self) -> float | None:
        if self._compressed:
            return None
        limits = [self._limits.audio_limit_s]
        if self.sees:
            limits.append(self._limits.video_limit_s)
        return min((self._began_at + limit for limit in limits if limit is not None), default=None)
