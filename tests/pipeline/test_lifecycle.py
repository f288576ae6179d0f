import itertools
import logging

import pytest

from pipeline.lifecycle import (
    CLOSING_LIMIT_S,
    TRANSITIONS,
    IllegalTransition,
    Lifecycle,
    RoomEvent,
    RoomState,
)

IDLE_S = 60.0
PATHS: dict[RoomState, list[RoomEvent]] = {
    RoomState.OPEN: [],
    RoomState.LIVE: [RoomEvent.PEER_CAME],
    RoomState.EMPTY: [RoomEvent.PEER_CAME, RoomEvent.PEERS_GONE],
    RoomState.CLOSING: [RoomEvent.CLOSE_REQUESTED],
    RoomState.CLOSED: [RoomEvent.CLOSE_REQUESTED, RoomEvent.RELEASED],
}


def room_in(state: RoomState, now: float = 0.0) -> Lifecycle:
    life = Lifecycle(now, idle_limit_s=IDLE_S)
    for event in PATHS[state]:
        life.apply(event, now, "on the way")
    assert life.state is state
    return life


def test_a_room_opens_and_waits_for_somebody() -> None:
    life = Lifecycle(100.0, idle_limit_s=IDLE_S)
    assert life.state is RoomState.OPEN
    assert life.deadline == 160.0
    assert not life.over


def test_a_whole_life() -> None:
    life = Lifecycle(0.0, idle_limit_s=IDLE_S)
    story = [
        (RoomEvent.PEER_CAME, 10.0, RoomState.LIVE, None),
        (RoomEvent.PEERS_GONE, 20.0, RoomState.EMPTY, 80.0),
        (RoomEvent.PEER_CAME, 30.0, RoomState.LIVE, None),
        (RoomEvent.PEERS_GONE, 40.0, RoomState.EMPTY, 100.0),
        (RoomEvent.DEADLINE_PASSED, 100.0, RoomState.CLOSING, 100.0 + CLOSING_LIMIT_S),
        (RoomEvent.RELEASED, 101.0, RoomState.CLOSED, None),
    ]
    for event, now, state, deadline in story:
        life.apply(event, now, "a test")
        assert (life.state, life.deadline) == (state, deadline)


@pytest.mark.parametrize("state", RoomState)
def test_a_room_is_over_once_it_closes(state: RoomState) -> None:
    assert room_in(state).over is (state in (RoomState.CLOSING, RoomState.CLOSED))


@pytest.mark.parametrize(("state", "event"), list(itertools.product(RoomState, RoomEvent)))
def test_the_table_is_what_happens_and_nothing_else_does(
    state: RoomState, event: RoomEvent
) -> None:
    life = room_in(state)
    before = life.deadline
    if event in TRANSITIONS[state]:
        life.apply(event, 1.0, "a test")
        assert life.state is TRANSITIONS[state][event]
    else:
        with pytest.raises(IllegalTransition, match=f"{event.name} in {state.name}"):
            life.apply(event, 1.0, "a test")
        assert (life.state, life.deadline) == (state, before)


@pytest.mark.parametrize("state", RoomState)
def test_every_room_can_be_ended(state: RoomState) -> None:
    """From any state some way leads to CLOSED."""
    reached, before = {state}, set[RoomState]()
    while reached != before:
        before = set(reached)
        reached |= {after for each in before for after in TRANSITIONS[each].values()}
    assert RoomState.CLOSED in reached


def test_a_change_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="pipeline.lifecycle")
    room_in(RoomState.LIVE)
    assert [record.getMessage() for record in caplog.records] == ["OPEN -> LIVE (on the way)"]
