"""The life of a room. Pure: time is an argument.

OPEN ── first peer ──► LIVE ◄──► EMPTY (all peers gone or absent, or one back)
  │                      │          │ deadline
  └── deadline, close ───┴──────────┴──► CLOSING ── released, deadline ──► CLOSED
"""

import logging
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

logger = logging.getLogger(__name__)

CLOSING_LIMIT_S: Final = 8.0


class RoomState(Enum):
    OPEN = auto()
    LIVE = auto()
    EMPTY = auto()
    CLOSING = auto()
    CLOSED = auto()


class RoomEvent(Enum):
    PEER_CAME = auto()
    PEERS_GONE = auto()
    DEADLINE_PASSED = auto()
    CLOSE_REQUESTED = auto()
    RELEASED = auto()


TRANSITIONS: Final[Mapping[RoomState, Mapping[RoomEvent, RoomState]]] = {
    RoomState.OPEN: {
        RoomEvent.PEER_CAME: RoomState.LIVE,
        RoomEvent.DEADLINE_PASSED: RoomState.CLOSING,
        RoomEvent.CLOSE_REQUESTED: RoomState.CLOSING,
    },
    RoomState.LIVE: {
        RoomEvent.PEERS_GONE: RoomState.EMPTY,
        RoomEvent.CLOSE_REQUESTED: RoomState.CLOSING,
    },
    RoomState.EMPTY: {
        RoomEvent.PEER_CAME: RoomState.LIVE,
        RoomEvent.DEADLINE_PASSED: RoomState.CLOSING,
        RoomEvent.CLOSE_REQUESTED: RoomState.CLOSING,
    },
    RoomState.CLOSING: {
        RoomEvent.RELEASED: RoomState.CLOSED,
        RoomEvent.DEADLINE_PASSED: RoomState.CLOSED,
    },
    RoomState.CLOSED: {},
}


class IllegalTransition(RuntimeError):
    """An event that the table has no row for. Changes nothing."""


class Lifecycle:
    """`state`, and `deadline` (monotonic seconds) when it is one that ends by itself."""

    def __init__(self, now: float, *, idle_limit_s: float) -> None:
        self._limits: Mapping[RoomState, float] = {
            RoomState.OPEN: idle_limit_s,
            RoomState.EMPTY: idle_limit_s,
            RoomState.CLOSING: CLOSING_LIMIT_S,
        }
        self.state = RoomState.OPEN
        self.deadline: float | None = now + idle_limit_s

    @property
    def over(self) -> bool:
        return self.state in (RoomState.CLOSING, RoomState.CLOSED)

    def apply(self, event: RoomEvent, now: float, reason: str) -> None:
        try:
            state = TRANSITIONS[self.state][event]
        except KeyError:
            raise IllegalTransition(f"{event.name} in {self.state.name}") from None
        logger.info("%s -> %s (%s)", self.state.name, state.name, reason)
        limit = self._limits.get(state)
        self.state, self.deadline = state, None if limit is None else now + limit
