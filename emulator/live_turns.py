"""The turn machine of one Live session: who has the floor.

Everything that moves a session from one state to another is in TRANSITIONS; an event that the
table does not list is a mistake of the emulator's own code.

    IDLE ──UserStarted──► USER_ACTIVE ──Prompted──► GENERATING ──GenerationFinished──► PLAYBACK_WAIT
     ▲ └──────────────────Prompted─────────────────────▲ │                                     │
     ├────────────────────Interrupted────────────────────┘                                     │
     └────────────────────PlaybackFinished, Interrupted────────────────────────────────────────┘

Errors:

    IllegalTransition      the event does not fit the state; the state is unchanged
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final, TypeAlias

logger = logging.getLogger(__name__)


class TurnState(Enum):
    IDLE = "idle"
    USER_ACTIVE = "user active"
    # From the moment the model has its prompt: thinking, waiting for blocking calls, speaking.
    GENERATING = "generating"
    # All was sent; `turnComplete` waits until the client should have played it.
    PLAYBACK_WAIT = "playback wait"


@dataclass(frozen=True, slots=True)
class UserStarted:
    """Speech (or a client's mark) began while nobody else had the floor."""


@dataclass(frozen=True, slots=True)
class Prompted:
    """The model has something to answer: speech, text, content, a tool's result."""


@dataclass(frozen=True, slots=True)
class GenerationFinished:
    """The last chunk was sent; playback ends at `playback_until` (same clock as `now`)."""

    playback_until: float


@dataclass(frozen=True, slots=True)
class PlaybackFinished:
    """The client should have played everything."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The client's input cut the model's turn."""


TurnEvent: TypeAlias = UserStarted | Prompted | GenerationFinished | PlaybackFinished | Interrupted

TRANSITIONS: Final[Mapping[TurnState, Mapping[type[TurnEvent], TurnState]]] = MappingProxyType(
    {
        TurnState.IDLE: {
            UserStarted: TurnState.USER_ACTIVE,
            Prompted: TurnState.GENERATING,
        },
        TurnState.USER_ACTIVE: {
            Prompted: TurnState.GENERATING,
        },
        TurnState.GENERATING: {
            GenerationFinished: TurnState.PLAYBACK_WAIT,
            Interrupted: TurnState.IDLE,
        },
        TurnState.PLAYBACK_WAIT: {
            PlaybackFinished: TurnState.IDLE,
            Interrupted: TurnState.IDLE,
        },
    }
)


class IllegalTransition(Exception):
    """The event does not fit the state."""


class Turns:
    """Holds the state and the one deadline it can have: the end of the playback."""

    def __init__(self) -> None:
        self.state = TurnState.IDLE
        self.playback_until: float | None = None

    @property
    def model_has_floor(self) -> bool:
        """True from the prompt until the turn is complete."""
        return self.state in (TurnState.GENERATING, TurnState.PLAYBACK_WAIT)

    def apply(self, event: TurnEvent) -> None:
        """Move on, or raise IllegalTransition and stay."""
        try:
            state = TRANSITIONS[self.state][type(event)]
        except KeyError:
            raise IllegalTransition(f"{type(event).__name__} in {self.state.name}") from None
        logger.debug("%s -> %s (%s)", self.state.name, state.name, type(event).__name__)
        self.state = state
        self.playback_until = (
            event.playback_until if isinstance(event, GenerationFinished) else None
        )

    def playback_over(self, now: float) -> bool:
        """True when the held `turnComplete` is due."""
        return self.playback_until is not None and now >= self.playback_until
