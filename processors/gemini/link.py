"""The life of the connection to Gemini across all its breaks. Pure: no asyncio, no SDK.

                 opened
CONNECTING ───────────────► READY
    ▲   │ lost               │ lost
    │   └──────► WAITING ◄───┘
    │  retry due    │
    └───────────────┘        any ── close / fatal ──► CLOSED
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from processors.gemini.errors import ConfigurationFault, ContextFault, GeminiError, QuotaFault

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
    RETRY_DUE = auto()
    FATAL = auto()
    CLOSE = auto()


TRANSITIONS: Final[Mapping[tuple[LinkState, LinkEvent], LinkState]] = {
    (LinkState.CONNECTING, LinkEvent.OPENED): LinkState.READY,
    (LinkState.CONNECTING, LinkEvent.LOST): LinkState.WAITING,
    (LinkState.CONNECTING, LinkEvent.FATAL): LinkState.CLOSED,
    (LinkState.CONNECTING, LinkEvent.CLOSE): LinkState.CLOSED,
    (LinkState.READY, LinkEvent.LOST): LinkState.WAITING,
    (LinkState.READY, LinkEvent.FATAL): LinkState.CLOSED,
    (LinkState.READY, LinkEvent.CLOSE): LinkState.CLOSED,
    (LinkState.WAITING, LinkEvent.RETRY_DUE): LinkState.CONNECTING,
    (LinkState.WAITING, LinkEvent.FATAL): LinkState.CLOSED,
    (LinkState.WAITING, LinkEvent.CLOSE): LinkState.CLOSED,
}


class IllegalTransition(RuntimeError):
    """The shell did what the table does not allow: a mistake of ours. Changes nothing."""


@dataclass(slots=True)
class Link:
    """`state` says what the shell has to do; `deadline` when WAITING is over."""

    rng: random.Random = field(default_factory=random.Random)
    state: LinkState = LinkState.CONNECTING
    handle: str | None = None
    deadline: float | None = None
    connections: int = 0
    failure: GeminiError | None = None
    _attempts: int = 0
    _down_since: float | None = None
    _opened_at: float = 0.0
    _quick_deaths: int = 0

    def opened(self, now: float) -> None:
        self._apply(LinkEvent.OPENED)
        self.connections += 1
        self._attempts = 0
        self._down_since = None
        self._opened_at = now

    def handle_updated(self, handle: str | None) -> None:
        """Keeps the newest handle; an update without one leaves the last that was good."""
        if handle is not None:
            self.handle = handle

    def lost(self, fault: GeminiError, now: float) -> None:
        """The connection broke or did not come up. Ends in WAITING or, when final, CLOSED."""
        self.failure = fault
        self._judge_handle(fault, now)
        if self._down_since is None:
            self._down_since = now
        hopeless = now - self._down_since > GIVE_UP_AFTER_S
        if isinstance(fault, ConfigurationFault) or hopeless:
            self.deadline = None
            self._apply(LinkEvent.FATAL)
            return
        self._apply(LinkEvent.LOST)
        self._attempts += 1
        self.deadline = now + self._wait_s(fault)

    def retry_due(self, now: float) -> None:
        self._apply(LinkEvent.RETRY_DUE)
        self.deadline = None

    def close(self) -> None:
        if self.state is not LinkState.CLOSED:
            self.deadline = None
            self._apply(LinkEvent.CLOSE)

    def _judge_handle(self, fault: GeminiError, now: float) -> None:
        quick = self.state is LinkState.READY and now - self._opened_at < QUICK_DEATH_S
        self._quick_deaths = self._quick_deaths + 1 if quick else 0
        if isinstance(fault, ContextFault) or self._quick_deaths >= QUICK_DEATHS_LIMIT:
            self.handle = None

    def _wait_s(self, fault: GeminiError) -> float:
        """Full jitter (a random share of an exponentially growing limit); the first is at once."""
        if self._attempts == 1 and not isinstance(fault, QuotaFault):
            return 0.0
        first = QUOTA_RETRY_FIRST_S if isinstance(fault, QuotaFault) else RETRY_FIRST_S
        limit = min(RETRY_LIMIT_S, first * float(2 ** min(self._attempts, 10)))
        return self.rng.uniform(0.0, limit)

    def _apply(self, event: LinkEvent) -> None:
        try:
            self.state = TRANSITIONS[self.state, event]
        except KeyError:
            raise IllegalTransition(f"{event.name} in {self.state.name}") from None
