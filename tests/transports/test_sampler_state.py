"""The sampler's table, row by row."""

from itertools import product

import pytest

from transports.sampler_state import (
    TRANSITIONS,
    IllegalTransition,
    SamplerEvent,
    SamplerState,
    next_state,
)

RESTING, WANTED, COLLECTING, FOLLOWING = SamplerState

ROWS = {
    (RESTING, SamplerEvent.DUE): WANTED,
    (WANTED, SamplerEvent.KEY_STARTED): COLLECTING,
    (COLLECTING, SamplerEvent.COMPLETED): RESTING,
    (COLLECTING, SamplerEvent.ALL_TAKEN): FOLLOWING,
    (COLLECTING, SamplerEvent.TORN): WANTED,
    (FOLLOWING, SamplerEvent.KEY_STARTED): COLLECTING,
    (FOLLOWING, SamplerEvent.TORN): WANTED,
}


@pytest.mark.parametrize(("state", "event"), list(product(SamplerState, SamplerEvent)))
def test_every_row_of_the_table(state: SamplerState, event: SamplerEvent) -> None:
    if (state, event) in ROWS:
        assert next_state(state, event) is ROWS[state, event]
    else:
        with pytest.raises(IllegalTransition, match=f"{event.name} in {state.name}"):
            next_state(state, event)


def test_the_table_has_every_state() -> None:
    assert set(TRANSITIONS) == set(SamplerState)
