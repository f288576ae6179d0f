"""What a room may use, in money and in minutes with somebody in it. Pure: time is an argument.

WITHIN ── four fifths used ──► WARNED ── all used ──► SPENT ── turn over, deadline ──► ENDED
   └──────────────────────── all used ─────────────────▲

Spent, a room begins nothing new, but what was asked is answered and the model is not cut in
mid-sentence: the turn is over after `QUIET_S` without an answer or a tool under way, and the room
ends then, or after `LAST_TURN_S`.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from fractions import Fraction
from typing import Any, Final

from processors.billing.prices import usd

logger = logging.getLogger(__name__)

WARNING_SHARE: Final = Fraction(4, 5)
LAST_TURN_S: Final = 30.0
QUIET_S: Final = 3.0  # by then a model has begun to answer what it was asked


class BudgetState(Enum):
    WITHIN = "within"
    WARNED = "warning"
    SPENT = "spent"
    ENDED = "ended"


class BudgetEvent(Enum):
    NEARLY_USED = auto()
    ALL_USED = auto()
    TURN_OVER = auto()
    DEADLINE_PASSED = auto()


TRANSITIONS: Final[Mapping[BudgetState, Mapping[BudgetEvent, BudgetState]]] = {
    BudgetState.WITHIN: {
        BudgetEvent.NEARLY_USED: BudgetState.WARNED,
        BudgetEvent.ALL_USED: BudgetState.SPENT,
    },
    BudgetState.WARNED: {
        BudgetEvent.ALL_USED: BudgetState.SPENT,
    },
    BudgetState.SPENT: {
        BudgetEvent.TURN_OVER: BudgetState.ENDED,
        BudgetEvent.DEADLINE_PASSED: BudgetState.ENDED,
    },
    BudgetState.ENDED: {},
}


class IllegalTransition(RuntimeError):
    """An event that the table has no row for."""


def after(state: BudgetState, event: BudgetEvent) -> BudgetState:
    """Raises `IllegalTransition`."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransition(f"{event.name} in {state.name}") from None


class Kind(Enum):
    """What there is a limit of."""

    COST = "cost"
    MINUTES = "minutes"


@dataclass(frozen=True, slots=True)
class Limits:
    """None: no limit."""

    picodollars: int | None = None
    seconds: float | None = None


_WORDS: Final = {
    (BudgetState.WARNED, Kind.COST): "This conversation has used most of what it may cost.",
    (BudgetState.WARNED, Kind.MINUTES): "This conversation has used most of its time.",
    (BudgetState.SPENT, Kind.COST): "This conversation has used up what it may cost, and ends.",
    (BudgetState.SPENT, Kind.MINUTES): "This conversation has used up its time, and ends.",
}


@dataclass(slots=True)
class BudgetCounters:
    warnings: int = 0
    endings: int = 0


class Budget:
    """`presence` when somebody comes or everybody has gone, `update` every half second or so."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.state = BudgetState.WITHIN
        self.kind: Kind | None = None
        """Which limit the state is about."""
        self.deadline = math.inf
        """When the last turn must be over."""
        self.counters = BudgetCounters()
        self._picodollars = 0
        self._past_s = 0.0
        self._since: float | None = None
        self._quiet_since: float | None = None

    @property
    def is_spent(self) -> bool:
        """Nothing new may begin."""
        return self.state in (BudgetState.SPENT, BudgetState.ENDED)

    @property
    def is_over(self) -> bool:
        """The room must end now."""
        return self.state is BudgetState.ENDED

    def presence(self, here: bool, now: float) -> None:
        """Somebody is here from now on, or nobody. Idempotent."""
        if here and self._since is None:
            self._since = now
        elif not here and self._since is not None:
            self._past_s += now - self._since
            self._since = None

    def used_s(self, now: float) -> float:
        """Time with somebody in the room."""
        return self._past_s + (0.0 if self._since is None else max(0.0, now - self._since))

    def update(self, picodollars: int, now: float, *, turn_under_way: bool) -> bool:
        """Takes what was used so far. True when the state is another than before."""
        self._picodollars = picodollars
        state = self.state
        used = self._most_used(now)
        if used is not None and not self.is_spent:
            share, kind = used
            if share >= 1:
                self._apply(BudgetEvent.ALL_USED)
                self.kind, self.deadline = kind, now + LAST_TURN_S
            elif share >= WARNING_SHARE and state is BudgetState.WITHIN:
                self._apply(BudgetEvent.NEARLY_USED)
                self.kind = kind
        if self.state is BudgetState.SPENT:
            self._end_when_due(now, turn_under_way=turn_under_way)
        return self.state is not state

    def message(self, now: float) -> dict[str, Any] | None:
        """What peers are told of the state; None while there is nothing to tell."""
        if self.kind is None:
            return None
        state = BudgetState.SPENT if self.is_over else self.state
        return {
            "type": "budget",
            "state": state.value,
            "of": self.kind.value,
            "sentence": self.sentence,
            **self._figures(now),
        }

    @property
    def sentence(self) -> str:
        """For peers; empty while there is nothing to tell."""
        state = BudgetState.SPENT if self.is_over else self.state
        return "" if self.kind is None else _WORDS[state, self.kind]

    def summary(self, now: float) -> dict[str, Any] | None:
        """As `GET /sessions/{id}` tells it; None for a room without a budget."""
        if self.limits == Limits():
            return None
        return {"state": self.state.value, **self._figures(now)}

    def _figures(self, now: float) -> dict[str, Any]:
        limits = self.limits
        return {
            "usd": usd(self._picodollars),
            "maxCost": None if limits.picodollars is None else usd(limits.picodollars),
            "minutes": round(self.used_s(now) / 60, 3),
            "maxMinutes": None if limits.seconds is None else round(limits.seconds / 60, 3),
        }

    def _most_used(self, now: float) -> tuple[Fraction | float, Kind] | None:
        """The limit that is nearest, as the share that is used of it."""
        shares: list[tuple[Fraction | float, Kind]] = []
        if self.limits.picodollars is not None:
            shares.append((Fraction(self._picodollars, self.limits.picodollars), Kind.COST))
        if self.limits.seconds is not None:
            shares.append((self.used_s(now) / self.limits.seconds, Kind.MINUTES))
        return max(shares, key=lambda used: used[0], default=None)

    def _end_when_due(self, now: float, *, turn_under_way: bool) -> None:
        if turn_under_way:
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = now
        elif now >= self._quiet_since + QUIET_S:
            self._apply(BudgetEvent.TURN_OVER)
            return
        if now >= self.deadline:
            self._apply(BudgetEvent.DEADLINE_PASSED)

    def _apply(self, event: BudgetEvent) -> None:
        state = after(self.state, event)
        logger.info("budget %s -> %s (%s)", self.state.name, state.name, event.name)
        self.state = state
        self.counters.warnings += state is BudgetState.WARNED
        self.counters.endings += state is BudgetState.ENDED
