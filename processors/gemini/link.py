"""The life of the connection to Gemini across all its breaks. Pure: no asyncio, no SDK.

                 opened
CONNECTING ───────────────► READY
    ▲   │ lost             │ │ lost
    │   └──────► WAITING ◄─┼─┘
    │  retry due    │      │ rotate
    └───────────────┴──────┘        any ── close / fatal ──► CLOSED
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from processors.gemini.errors import (
    ConfigurationFault,
    ContextFault,
    GeminiError,
    QuotaFault,
    TransientFault,
)

RETRY_FIRST_S: Final = 0.2
RETRY_LIMIT_S: Final = 5.0
QUOTA_RETRY_FIRST_S: Final = 2.0
GIVE_UP_AFTER_S: Final = 120.0
QUICK_DEATH_S: Final = 5.0  # a session that dies this soon after resuming is poisoned
QUICK_DEATHS_LIMIT: Final = 2


class LinkState(Enum):
    CONNECTING = auto()
    READY = auto()
    WAITING = auto()
    CLOSED = auto()


class LinkEvent(Enum):
    OPENED = auto()
    LOST = auto()
    ROTATE = auto()
    RETRY_DUE = auto()
    FATAL = auto()
    CLOSE = auto()


TRANSITIONS: Final[Mapping[tuple[LinkState, LinkEvent], LinkState]] = {
    (LinkState.CONNECTING, LinkEvent.OPENED): LinkState.READY,
    (LinkState.CONNECTING, LinkEvent.LOST): LinkState.WAITING,
    (LinkState.CONNECTING, LinkEvent.FATAL): LinkState.CLOSED,
    (LinkState.CONNECTING, LinkEvent.CLOSE): LinkState.CLOSED,
    (LinkState.READY, LinkEvent.LOST): LinkState.WAITING,
    (LinkState.READY, LinkEvent.ROTATE): LinkState.CONNECTING,
    (LinkState.READY, LinkEvent.FATAL): LinkState.CLOSED,
    (LinkState.READY, LinkEvent.CLOSE): LinkState.CLOSED,
    (LinkState.WAITING, LinkEvent.RETRY_DUE): LinkState.CONNECTING,
    (LinkState.WAITING, LinkEvent.CLOSE): LinkState.CLOSED,
}


class IllegalTransition(RuntimeError):
    """The shell did what the table does not allow: a mistake of ours. Changes nothing."""


@dataclass(slots=True)
class Link:
    """`state` says what the shell has to do; `deadline` when WAITING is over.

    `failure` is why the link is not READY, `connections` how often it was. All times are
    monotonic seconds.
    """

    rng: random.Random = field(default_factory=random.Random)
    state: LinkState = LinkState.CONNECTING
    handle: str | None = None
    deadline: float | None = None
    connections: int = 0
    failure: GeminiError | None = None
    _attempts: int = 0  # since the last connection that lived
    _down_since: float | None = None
    _opened_at: float = 0.0
    _quick_deaths: int = 0

    def opened(self, now: float) -> None:
        self._apply(LinkEvent.OPENED)
        self.connections += 1
        self.failure = None
        self._opened_at = now

    def handle_updated(self, handle: str | None) -> None:
        """Keeps the newest handle; an update without one leaves the last that was good."""
        if handle is not None:
            self.handle = handle

    def lost(self, fault: GeminiError, now: float) -> None:
        """The connection broke or did not come up. Ends in WAITING or, when final, CLOSED."""
        if self.state is LinkState.READY:
            self._judge_life(now)
        final = self._is_final(fault, now)
        self._apply(LinkEvent.FATAL if final else LinkEvent.LOST)
        self.failure = _as_final(fault) if final else fault
        if isinstance(fault, ContextFault):
            self.handle = None
        if self._down_since is None:
            self._down_since = now
        self._attempts += 1
        self.deadline = None if final else now + self._wait_s(fault)

    def rotate(self, now: float) -> None:
        """The server asked for a new connection: no fault, and no reason to wait.

        Unless it asks the same of every new one at once.
        """
        quick = now - self._opened_at < QUICK_DEATH_S
        if quick and self._attempts:
            self.lost(TransientFault(0, "sent away at once"), now)
            return
        self._apply(LinkEvent.ROTATE)
        self._recovered()
        self._attempts = int(quick)

    def retry_due(self) -> None:
        self._apply(LinkEvent.RETRY_DUE)
        self.deadline = None

    def close(self) -> None:
        """Idempotent."""
        if self.state is not LinkState.CLOSED:
            self._apply(LinkEvent.CLOSE)
            self.deadline = None

    def _is_final(self, fault: GeminiError, now: float) -> bool:
        if isinstance(fault, ConfigurationFault):
            return True
        if isinstance(fault, ContextFault):  # a fresh session is refused: no other will do
            return self.state is LinkState.CONNECTING and self.handle is None
        return self._down_since is not None and now - self._down_since > GIVE_UP_AFTER_S

    def _judge_life(self, now: float) -> None:
        """A connection that lived has proved the way; one that died at once has not."""
        if now - self._opened_at >= QUICK_DEATH_S:
            self._recovered()
            return
        self._quick_deaths += 1
        if self._quick_deaths >= QUICK_DEATHS_LIMIT:
            self.handle = None

    def _recovered(self) -> None:
        self._attempts = 0
        self._quick_deaths = 0
        self._down_since = None

    def _wait_s(self, fault: GeminiError) -> float:
        """Full jitter (a random share of an exponentially growing limit); the first is at once.

        With the quota spent, a first wait is certain and the jitter comes on top of it.
        """
        if isinstance(fault, QuotaFault):
            return QUOTA_RETRY_FIRST_S + self.rng.uniform(0.0, self._limit_s(QUOTA_RETRY_FIRST_S))
        if self._attempts == 1:
            return 0.0
        return self.rng.uniform(0.0, self._limit_s(RETRY_FIRST_S))

    def _limit_s(self, first_s: float) -> float:
        return min(RETRY_LIMIT_S, first_s * float(2 ** min(self._attempts, 10)))

    def _apply(self, event: LinkEvent) -> None:
        try:
            self.state = TRANSITIONS[self.state, event]
        except KeyError:
            raise IllegalTransition(f"{event.name} in {self.state.name}") from None


def _as_final(fault: GeminiError) -> GeminiError:
    """A session refused from the start was not lost: what we ask for is wrong."""
    if isinstance(fault, ContextFault):
        return ConfigurationFault(fault.code, fault.reason)
    return fault
