"""Whether the model still answers: a connection may be open and mute. Pure.

RESTING ── the user's turn ended ──► EXPECTING ── first output ──► ANSWERING
   ▲                                     │                            │
   └────────────── the turn is complete, or the user speaks on ───────┘

What takes too long is answered first by a nudge, then by another connection, then by one that
knows nothing of the old session; after that the turn is given up. A turn that ends with nothing
said is nudged at once. Of speech that Gemini shows no sign of having heard nobody knows whether it
was a turn, or any speech: a nudge would make the model talk to a noise. There it is only another
connection, to which it is said again, and each that was in vain makes the next wait longer. While
people still hear an answer nothing is missed: what woke the model
would cut it off.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

FIRST_OUTPUT_S: Final = 6.0  # the slowest model known answers after 1.4 s
UNNOTICED_S: Final = 9.0  # Gemini has shown no sign of having heard anything
STALL_S: Final = 4.0  # within an answer, which comes faster than it plays
AFTER_NUDGE_S: Final = 3.0
IN_VAIN_LIMIT: Final = 4
MIN_SPEECH_S: Final = 1.0  # with the detectors' half second of silence; less may be a cough


class WatchState(Enum):
    RESTING = auto()
    EXPECTING = auto()
    ANSWERING = auto()


class WatchEvent(Enum):
    USER_ENDED = auto()
    USER_BEGAN = auto()
    OUTPUT = auto()
    COMPLETE = auto()


TRANSITIONS: Final[Mapping[WatchState, Mapping[WatchEvent, WatchState]]] = {
    WatchState.RESTING: {
        WatchEvent.USER_ENDED: WatchState.EXPECTING,
        WatchEvent.USER_BEGAN: WatchState.RESTING,
        WatchEvent.OUTPUT: WatchState.ANSWERING,
        WatchEvent.COMPLETE: WatchState.RESTING,
    },
    WatchState.EXPECTING: {
        WatchEvent.USER_ENDED: WatchState.EXPECTING,
        WatchEvent.USER_BEGAN: WatchState.RESTING,
        WatchEvent.OUTPUT: WatchState.ANSWERING,
        WatchEvent.COMPLETE: WatchState.RESTING,
    },
    WatchState.ANSWERING: {
        WatchEvent.USER_ENDED: WatchState.ANSWERING,
        WatchEvent.USER_BEGAN: WatchState.ANSWERING,
        WatchEvent.OUTPUT: WatchState.ANSWERING,
        WatchEvent.COMPLETE: WatchState.RESTING,
    },
}


class Alarm(Enum):
    """What to do about it, in this order, once each for a turn."""

    NUDGE = auto()
    RECONNECT = auto()
    START_AFRESH = auto()


_STEPS: Final = (Alarm.NUDGE, Alarm.RECONNECT, Alarm.START_AFRESH)
_STEPS_UNNOTICED: Final = (Alarm.RECONNECT,)


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """Seconds. `patience` multiplies them, for a model that thinks for long.

    `signs`: Gemini shows what it hears, since it transcribes.
    """

    first_output_s: float = FIRST_OUTPUT_S
    unnoticed_s: float = UNNOTICED_S
    stall_s: float = STALL_S
    after_nudge_s: float = AFTER_NUDGE_S
    patience: float = 1.0
    signs: bool = True


@dataclass(slots=True)
class WatchCounters:
    no_first_output: int = 0
    stalls: int = 0
    empty_turns: int = 0
    nudges: int = 0
    reconnects: int = 0
    turns_given_up: int = 0


@dataclass(slots=True)
class Watchdog:
    """Told what happens; `poll` says when something must be done. Times are monotonic seconds."""

    limits: WatchLimits = field(default_factory=WatchLimits)
    counters: WatchCounters = field(default_factory=WatchCounters)
    state: WatchState = WatchState.RESTING
    _since: float = 0.0  # of the last sign of life
    _noticed: bool = False
    _steps: int = 0  # taken for this turn
    _in_vain: int = 0  # other connections for what may have been noise, in a row
    _empty: bool = False  # the turn ended with nothing said
    _paused: bool = False
    _unsure: bool = False  # whether what was heard was a turn
    _owed: bool = False  # an answer to what was said during the one before
    _asked_at: float | None = None  # since then an answer is due, though the user may speak on
    _end_owed: bool = False  # of an answer that was interrupted, or is complete but plays on
    _plays_until: float = 0.0

    @property
    def expects(self) -> bool:
        """An answer is due that has not begun."""
        return self.state is WatchState.EXPECTING

    @property
    def is_turn(self) -> bool:
        """What is due is an answer to something that was said, as far as anybody can know."""
        return self._noticed or not self.limits.signs or self.state is WatchState.ANSWERING

    def user_ended(self, now: float, *, spoke_s: float | None) -> None:
        """The user's turn is over; `spoke_s` is None for one that was written."""
        known = self._noticed or self._asked_at is not None
        self._unsure = spoke_s is not None and spoke_s < MIN_SPEECH_S and not known
        if self._unsure:
            return
        self._owed = self.state is WatchState.ANSWERING
        self._apply(WatchEvent.USER_ENDED, now)
        self._noticed = self._noticed or spoke_s is None
        self._steps, self._empty = 0, False
        if self._asked_at is None:
            self._asked_at = now
        else:
            soonest_s = self.limits.after_nudge_s * self.limits.patience
            self._since = max(self._asked_at, min(now, now + soonest_s - self._limit_s()))

    def user_began(self, now: float) -> None:
        self._noticed = self._unsure = self._empty = False
        self._apply(WatchEvent.USER_BEGAN, now)

    def noticed(self, now: float) -> None:
        """Gemini heard the user, or so it says."""
        if not self.is_turn:
            self._steps = 0
        self._noticed, self._in_vain = True, 0
        if self._unsure:
            self._unsure = False
            self._apply(WatchEvent.USER_ENDED, now)
        elif self.state is WatchState.EXPECTING and not self._steps:
            self._since = now

    def output(self, now: float, sound_s: float = 0.0) -> None:
        self._apply(WatchEvent.OUTPUT, now)
        self._empty = self._unsure = self._owed = self._end_owed = False
        self._asked_at = None
        self._plays_until = max(self._plays_until, now) + sound_s

    def carries_on(self, now: float) -> None:
        """The model is asked for the rest of its answer. That is the same turn still."""
        self.state, self._since = WatchState.EXPECTING, now
        self._noticed = self._end_owed = True

    def generated(self, now: float) -> None:
        """All of the answer has come: only its end is missing, which waits for the playing."""
        if self.expects:
            return  # all of nothing
        self._apply(WatchEvent.COMPLETE, now)
        self._steps, self._end_owed = 0, True

    def complete(self, now: float) -> None:
        """The turn ended. One of which nothing was said while an answer was due is empty."""
        if self._end_owed:
            self._end_owed = False
            self._since = max(self._since, min(now, self._plays_until))
            if self._owed:
                self._owed = False
                self._apply(WatchEvent.USER_ENDED, now)
            return
        empty = self.state is WatchState.EXPECTING
        steps = self._steps
        self._apply(WatchEvent.COMPLETE, now)
        self._noticed, self._asked_at = False, None
        if empty:
            self.counters.empty_turns += 1
            self._apply(WatchEvent.USER_ENDED, now)
            self._steps, self._empty, self._noticed = steps, True, True
        else:
            self._steps = 0

    def interrupted(self, now: float) -> None:
        """The user was heard; an answer to that is due when they have ended, or have already."""
        self._end_owed, self._plays_until = True, now
        if self.state is WatchState.ANSWERING:
            self._apply(WatchEvent.COMPLETE, now)
            if self._owed:
                self._apply(WatchEvent.USER_ENDED, now)
            self._steps, self._empty, self._owed = 0, False, False

    def pause(self, paused: bool, now: float) -> None:
        """A tool is at work, or there is no connection: nothing is due meanwhile."""
        if paused != self._paused:
            self._paused, self._since = paused, now

    def due(self) -> float | None:
        if self._paused or self.state is WatchState.RESTING:
            return None
        due, plays_on = self._since + self._limit_s(), self._end_owed or self._is_stalling
        return max(due, self._plays_until) if plays_on and not self._empty else due

    @property
    def _is_stalling(self) -> bool:
        return self.state is WatchState.ANSWERING

    def poll(self, now: float) -> Alarm | None:
        due = self.due()
        if due is None or now < due:
            return None
        self._count()
        steps = _STEPS if self.is_turn else _STEPS_UNNOTICED
        if self._steps >= len(steps):
            self.counters.turns_given_up += self.is_turn
            self._in_vain += not self.is_turn
            self._apply(WatchEvent.COMPLETE, now)
            self._steps, self._asked_at = 0, None
            return None
        step = steps[self._steps]
        self._steps += 1
        self._since, self._empty = now, False
        self.counters.nudges += step is Alarm.NUDGE
        self.counters.reconnects += step is not Alarm.NUDGE
        return step

    def reconnected(self, now: float) -> None:
        """What was not answered is told again: the time for it begins anew."""
        if self.state is WatchState.ANSWERING:
            self.state, self._noticed = WatchState.EXPECTING, True
        self._since, self._paused, self._end_owed = now, False, False

    def _limit_s(self) -> float:
        limits = self.limits
        if self._empty:
            return 0.0
        if self._steps and self.is_turn:
            return limits.after_nudge_s * limits.patience
        if self.state is WatchState.ANSWERING:
            return limits.stall_s * limits.patience
        if self._noticed or self._steps:
            return limits.first_output_s * limits.patience
        return limits.unnoticed_s * limits.patience * 2.0 ** min(self._in_vain, IN_VAIN_LIMIT)

    def _count(self) -> None:
        if self._steps or self._empty:
            return
        self.counters.stalls += self.state is WatchState.ANSWERING
        self.counters.no_first_output += self.state is WatchState.EXPECTING

    def _apply(self, event: WatchEvent, now: float) -> None:
        self.state = TRANSITIONS[self.state][event]
        self._since = now
