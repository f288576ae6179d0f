"""The states of a `PictureSampler`. Pure."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final


class SamplerState(Enum):
    RESTING = auto()
    WANTED = auto()
    COLLECTING = auto()
    FOLLOWING = auto()


class SamplerEvent(Enum):
    DUE = auto()
    KEY_STARTED = auto()
    COMPLETED = auto()
    ALL_TAKEN = auto()
    TORN = auto()


TRANSITIONS: Final[Mapping[SamplerState, Mapping[SamplerEvent, SamplerState]]] = {
    SamplerState.RESTING: {SamplerEvent.DUE: SamplerState.WANTED},
    SamplerState.WANTED: {SamplerEvent.KEY_STARTED: SamplerState.COLLECTING},
    SamplerState.COLLECTING: {
        SamplerEvent.COMPLETED: SamplerState.RESTING,
        SamplerEvent.ALL_TAKEN: SamplerState.FOLLOWING,
        SamplerEvent.TORN: SamplerState.WANTED,
    },
    SamplerState.FOLLOWING: {
        SamplerEvent.KEY_STARTED: SamplerState.COLLECTING,
        SamplerEvent.TORN: SamplerState.WANTED,
    },
}


class IllegalTransition(RuntimeError):
    """An event that the table has no row for. Changes nothing."""


def next_state(state: SamplerState, event: SamplerEvent) -> SamplerState:
    """Where `event` leads from `state`. Raises `IllegalTransition`."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransition(f"{event.name} in {state.name}") from None
