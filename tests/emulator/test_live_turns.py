import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.live_turns import (
    TRANSITIONS,
    GenerationFinished,
    IllegalTransition,
    Interrupted,
    PlaybackFinished,
    Prompted,
    TurnEvent,
    Turns,
    TurnState,
    UserStarted,
)

EVENTS: list[TurnEvent] = [
    UserStarted(),
    Prompted(),
    GenerationFinished(5.0),
    PlaybackFinished(),
    Interrupted(),
]


def test_a_whole_turn() -> None:
    turns = Turns()
    seen = []
    for event in (UserStarted(), Prompted(), GenerationFinished(7.5)):
        turns.apply(event)
        seen.append((turns.state, turns.model_has_floor, turns.playback_over(7.5)))
    assert seen == [
        (TurnState.USER_ACTIVE, False, False),
        (TurnState.GENERATING, True, False),
        (TurnState.PLAYBACK_WAIT, True, True),
    ]
    assert not turns.playback_over(7.4)
    turns.apply(PlaybackFinished())
    assert (turns.state, turns.playback_until) == (TurnState.IDLE, None)


@pytest.mark.parametrize("phase", [[Prompted()], [Prompted(), GenerationFinished(5.0)]])
def test_both_phases_of_an_answer_can_be_cut(phase: list[TurnEvent]) -> None:
    turns = Turns()
    for event in phase:
        turns.apply(event)
    turns.apply(Interrupted())
    assert turns.state is TurnState.IDLE
    assert turns.playback_until is None


@pytest.mark.parametrize("state", TurnState)
def test_every_state_can_be_left_and_returns_to_idle(state: TurnState) -> None:
    reached = set(TRANSITIONS[state].values())
    for _ in TurnState:
        reached |= {target for known in reached for target in TRANSITIONS[known].values()}
    assert TurnState.IDLE in reached


@given(st.lists(st.sampled_from(EVENTS)))
def test_only_the_table_moves_the_machine(events: list[TurnEvent]) -> None:
    turns = Turns()
    for event in events:
        before = turns.state
        if type(event) in TRANSITIONS[before]:
            turns.apply(event)
            assert turns.state is TRANSITIONS[before][type(event)]
        else:
            with pytest.raises(IllegalTransition):
                turns.apply(event)
            assert turns.state is before
        assert (turns.playback_until is not None) == (turns.state is TurnState.PLAYBACK_WAIT)
