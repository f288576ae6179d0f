"""The life of the connection to Gemini across all its breaks. Pure: no asyncio, no SDK.

A connection is left in one of two ways. It is lost, and after a wait there is another; or it is
drained: told to go, too old, to be set up anew or not needed for a while, it is left at the
next quiet moment, or when there is no time left to wait for one.
docs/lifecycle.md draws the table.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from processors.gemini.departure import Departure, Purpose
from processors.gemini.errors import (
    ConfigurationFault,
    ContextFault,
    GeminiError,
    TransientFault,
)
from processors.gemini.retrying import wait_s

GIVE_UP_AFTER_S: Final = 120.0
QUICK_DEATH_S: Final = 5.0  # a session that dies this soon after resuming is poisoned
QUICK_DEATHS_LIMIT: Final = 2
LEAVE_BEFORE_S: Final = 5.0  # of the time that a GoAway leaves
CONNECTION_LIMIT_S: Final = 3300.0  # 58 minutes were reported to be the end of one
LIMIT_NOTICE_S: Final = 120.0  # to find a quiet moment in
RENEW_WITHIN_S: Final = 30.0  # a change of settings waits no longer for one
REST_WITHIN_S: Final = 20.0  # nobody is here: an answer, or a tool, may still end
PUT_BACK_S: Final = 0.2  # whoever changed the settings puts the old ones back meanwhile
OPEN_FIRST_S: Final = 3.0  # 0.2 s is usual
OPEN_LIMIT_S: Final = 15.0


class LinkState(Enum):
    CONNECTING = auto()
    READY = auto()
    DRAINING = auto()
    RESUMING = auto()
    RESEEDING = auto()
    WAITING = auto()
    RESTING = auto()
    CLOSED = auto()


class LinkEvent(Enum):
    OPENED = auto()
    LOST = auto()
    DRAIN = auto()
    STAY = auto()
    RESUME = auto()
    RESEED = auto()
    REST = auto()
    FATAL = auto()
    CLOSE = auto()


_OPENING: Final = (LinkState.CONNECTING, LinkState.RESUMING, LinkState.RESEEDING)
_OPEN: Final = (LinkState.READY, LinkState.DRAINING)

TRANSITIONS: Final[Mapping[LinkState, Mapping[LinkEvent, LinkState]]] = {
    **{
        state: {
            LinkEvent.OPENED: LinkState.READY,
            LinkEvent.LOST: LinkState.WAITING,
            LinkEvent.FATAL: LinkState.CLOSED,
            LinkEvent.CLOSE: LinkState.CLOSED,
        }
        for state in _OPENING
    },
    LinkState.READY: {
        LinkEvent.DRAIN: LinkState.DRAINING,
        LinkEvent.LOST: LinkState.WAITING,
        LinkEvent.FATAL: LinkState.CLOSED,
        LinkEvent.CLOSE: LinkState.CLOSED,
    },
    LinkState.DRAINING: {
        LinkEvent.RESUME: LinkState.RESUMING,
        LinkEvent.RESEED: LinkState.RESEEDING,
        LinkEvent.REST: LinkState.RESTING,
        LinkEvent.STAY: LinkState.READY,
        LinkEvent.LOST: LinkState.WAITING,
        LinkEvent.FATAL: LinkState.CLOSED,
        LinkEvent.CLOSE: LinkState.CLOSED,
    },
    LinkState.WAITING: {
        LinkEvent.RESUME: LinkState.RESUMING,
        LinkEvent.RESEED: LinkState.RESEEDING,
        LinkEvent.REST: LinkState.RESTING,
        LinkEvent.CLOSE: LinkState.CLOSED,
    },
    LinkState.RESTING: {
        LinkEvent.RESUME: LinkState.RESUMING,
        LinkEvent.RESEED: LinkState.RESEEDING,
        LinkEvent.CLOSE: LinkState.CLOSED,
    },
    LinkState.CLOSED: {},
}


class IllegalTransition(RuntimeError):
    """The shell did what the table does not allow: a mistake of ours. Changes nothing."""


@dataclass(slots=True)
class LinkCounters:
    connections: int = 0
    rotations: int = 0
    breaks: int = 0
    resumed: int = 0
    reseeded: int = 0
    handles_dropped: int = 0
    rests: int = 0


@dataclass(slots=True)
class Link:
    """`state` says what the shell has to do; `deadline` when WAITING is over.

    `failure` is why the link is not READY. All times are monotonic seconds.
    """

    rng: random.Random = field(default_factory=random.Random)
    connection_limit_s: float = CONNECTION_LIMIT_S
    state: LinkState = LinkState.CONNECTING
    handle: str | None = None
    deadline: float | None = None
    failure: GeminiError | None = None
    counters: LinkCounters = field(default_factory=LinkCounters)
    departure: Departure = field(default_factory=Departure)  # while DRAINING
    _attempts: int = 0  # since the last connection that lived
    _down_since: float | None = None
    _opened_at: float = 0.0
    _resumed: bool = False  # the connection there is, or that is coming up
    _quick_deaths: int = 0
    _quick_rotations: int = 0
    _resting: bool = False  # nobody is here, or it is wished that way
    _renewing: bool = False  # the settings changed, and no connection has proved them yet
    _on_trial: bool = False  # the connection that is coming up will
    _afresh: bool = False  # the next one is, whatever handles may come

    @property
    def connections(self) -> int:
        return self.counters.connections

    @property
    def purpose(self) -> Purpose | None:
        return self.departure.purpose

    @property
    def leave_by(self) -> float | None:
        return self.departure.leave_by

    @property
    def opening(self) -> bool:
        return self.state in _OPENING

    @property
    def is_open(self) -> bool:
        return self.state in _OPEN

    @property
    def resumes(self) -> bool:
        """The connection that is coming up, or is there, goes on where an earlier one was."""
        return self._resumed

    @property
    def renewing(self) -> bool:
        """Whether the settings are new, and no connection has proved them yet."""
        return self._renewing

    @property
    def open_limit_s(self) -> float:
        """For connecting and setting up: short at first, so that one that hangs is found soon."""
        return min(OPEN_LIMIT_S, OPEN_FIRST_S * float(2 ** min(max(0, self._attempts - 1), 10)))

    def opened(self, now: float) -> None:
        reseeded = self.state is LinkState.RESEEDING
        self._apply(LinkEvent.OPENED)
        self.counters.connections += 1
        self.counters.resumed += self._resumed
        self.counters.reseeded += reseeded
        self.failure = None
        self._opened_at = now
        if self._on_trial:
            self._renewing = self._on_trial = False
        if self._resting:
            self._drain(Purpose.REST, now + REST_WITHIN_S)
        elif self._renewing:  # they changed when this one was set up already
            self._drain(Purpose.RENEW, now + RENEW_WITHIN_S)

    def handle_updated(self, handle: str | None) -> bool:
        """Keeps the newest handle; an update without one leaves the last that was good.

        False: it is not the one that will be resumed.
        """
        if handle is None or self._afresh:
            return False
        self.handle = handle
        return True

    def go_away(self, left_s: float, now: float) -> None:
        """The server gives the connection `left_s` more."""
        self._drain(Purpose.ROTATE, now + max(0.0, left_s - LEAVE_BEFORE_S))

    def renew(self, now: float, *, afresh: bool) -> None:
        """A connection with other settings, `afresh` without what the session knows."""
        self._renewing = True
        if afresh:
            self.start_afresh()
        if self.is_open:
            self._drain(Purpose.RENEW, now + RENEW_WITHIN_S)

    def start_afresh(self) -> None:
        """The next connection knows nothing of the session."""
        self.handle, self._afresh = None, True

    def rest(self, now: float) -> None:
        """Nobody is here: no connection until `wake`. Idempotent.

        One that is coming up is closed when it is there.
        """
        self._resting = True
        if self.is_open:
            self._drain(Purpose.REST, now + REST_WITHIN_S)
        elif self.state is LinkState.WAITING:
            self._enter_rest()

    def wake(self) -> None:
        """Somebody is here again. Idempotent."""
        self._resting = False
        if self.state is LinkState.RESTING:
            self._connect_again()
            return
        self.departure.withdraw(Purpose.REST)
        if self.state is LinkState.DRAINING and not self.departure:
            self._apply(LinkEvent.STAY)

    def due(self, quiet_since: float | None) -> float | None:
        """When `leaves` may change its mind, if nothing happens meanwhile. None: never."""
        match self.state:
            case LinkState.READY:
                return self._old_at
            case LinkState.DRAINING:
                return self.departure.due(quiet_since)
            case _:
                return None

    def leaves(self, now: float, *, quiet_since: float | None, covered: bool) -> bool:
        """Whether it is time to leave the connection that there is.

        `quiet_since`: nobody speaks, nothing is being answered; None when somebody does.
        `covered`: the newest handle holds all that was said.
        """
        if self.state is LinkState.READY:
            if now < self._old_at:
                return False
            self._drain(Purpose.AGE, self._opened_at + self.connection_limit_s)
        if self.state is not LinkState.DRAINING:
            return False
        return self.departure.is_time(now, quiet_since=quiet_since, covered=covered)

    @property
    def _old_at(self) -> float:
        """From then on a quiet moment is looked for."""
        notice_s = min(LIMIT_NOTICE_S, self.connection_limit_s / 2)
        return self._opened_at + self.connection_limit_s - notice_s

    def left(self, now: float) -> None:
        """The drained connection was closed: no fault, and no reason to wait.

        Unless the server sends every new one away at once.
        """
        if self.state is LinkState.READY:  # somebody came back while it was being closed
            self._apply(LinkEvent.DRAIN)
        purpose = self.purpose
        self.departure.clear()
        if self._resting:
            self._recovered()
            self._enter_rest()
            return
        quick = now - self._opened_at < QUICK_DEATH_S
        if purpose is Purpose.ROTATE and quick and self._quick_rotations:
            self.lost(TransientFault(0, "sent away at once"), now)
            return
        self.counters.rotations += 1
        self._recovered()
        self._quick_rotations = int(quick)
        self._connect_again()

    def lost(self, fault: GeminiError, now: float) -> None:
        """The connection broke or did not come up. Ends in WAITING or, when final, CLOSED."""
        if self.is_open:
            self.counters.breaks += 1
            self._judge_life(fault, now)
        final = self._is_final(fault, now)
        self._apply(LinkEvent.FATAL if final else LinkEvent.LOST)
        self.departure.clear()
        self.failure = _as_final(fault) if final else fault
        settings_refused = self._on_trial and not self._blames_handle(fault)
        if settings_refused:
            self._renewing = self._on_trial = False
        if isinstance(fault, ContextFault):
            self._drop_handle()
        if self._down_since is None:
            self._down_since = now
        self._attempts += 1
        delay_s = PUT_BACK_S if settings_refused else wait_s(fault, self._attempts, self.rng)
        self.deadline = None if final else now + delay_s
        if self._resting and not final:
            self._enter_rest()

    def retry_due(self) -> None:
        self._connect_again()

    def close(self) -> None:
        """Idempotent."""
        if self.state is not LinkState.CLOSED:
            self._apply(LinkEvent.CLOSE)
            self.departure.clear()
            self.deadline = None

    def _drain(self, purpose: Purpose, leave_by: float) -> None:
        if self.state is not LinkState.DRAINING:
            self._apply(LinkEvent.DRAIN)
        self.departure.wish(purpose, leave_by)

    def _connect_again(self) -> None:
        self._resumed = self.handle is not None
        self._on_trial = self._renewing
        self._afresh = False
        self._apply(LinkEvent.RESUME if self._resumed else LinkEvent.RESEED)
        self.deadline = None

    def _enter_rest(self) -> None:
        self._apply(LinkEvent.REST)
        self.deadline = self._down_since = None
        self.counters.rests += 1

    def _drop_handle(self) -> None:
        self.counters.handles_dropped += self.handle is not None
        self.handle = None

    def _blames_handle(self, fault: GeminiError) -> bool:
        """The refusal may be of the session that was to be resumed, or is no refusal at all."""
        lost_context = isinstance(fault, ContextFault) and self.handle is not None
        return lost_context or not _refused(fault)

    def _is_final(self, fault: GeminiError, now: float) -> bool:
        if self._on_trial and self.opening and _refused(fault):
            return False
        if isinstance(fault, ConfigurationFault):
            return True
        if isinstance(fault, ContextFault):  # a fresh session is refused: no other will do
            return self.opening and self.handle is None
        return self._down_since is not None and now - self._down_since > GIVE_UP_AFTER_S

    def _judge_life(self, fault: GeminiError, now: float) -> None:
        """A connection that lived has proved the way; one that died at once has not.

        What the server itself ended soon after it was resumed will end so again; what merely
        broke is given a second chance.
        """
        if now - self._opened_at >= QUICK_DEATH_S:
            self._recovered()
            return
        self._quick_deaths += 1
        said_so = self._resumed and fault.by_server
        if said_so or self._quick_deaths >= QUICK_DEATHS_LIMIT:
            self._drop_handle()

    def _recovered(self) -> None:
        self._attempts = 0
        self._quick_deaths = 0
        self._quick_rotations = 0
        self._down_since = None

    def _apply(self, event: LinkEvent) -> None:
        try:
            self.state = TRANSITIONS[self.state][event]
        except KeyError:
            raise IllegalTransition(f"{event.name} in {self.state.name}") from None


def _refused(fault: GeminiError) -> bool:
    return isinstance(fault, ConfigurationFault | ContextFault)


def _as_final(fault: GeminiError) -> GeminiError:
    """A session refused from the start was not lost: what we ask for is wrong."""
    if isinstance(fault, ContextFault):
        return ConfigurationFault(fault.code, fault.reason)
    return fault
