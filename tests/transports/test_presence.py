"""When a peer counts as there, beat by beat."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.presence import (
    MAX_STEP_S,
    TRANSITIONS,
    Presence,
    PresenceEvent,
    PresenceWatch,
    SilenceLimits,
)

BEAT_S = 0.04
LIMITS = SilenceLimits()


def connected_at(now: float, *, pings: bool) -> PresenceWatch:
    watch = PresenceWatch(LIMITS)
    watch.pings = pings
    assert watch.beat(now, connected=True, heard=True)
    assert watch.state is Presence.PRESENT
    return watch


def changed_at(
    watch: PresenceWatch, start: float, until: float, heard: Callable[[float], bool]
) -> list[float]:
    """The times of the beats between the two that changed something."""
    times = itertools.takewhile(lambda t: t < until, itertools.count(start + BEAT_S, BEAT_S))
    return [now for now in times if watch.beat(now, connected=True, heard=heard(now))]


def test_it_is_coming_until_it_is_connected_however_long_that_takes() -> None:
    watch = PresenceWatch(LIMITS)
    for second in range(60):
        assert not watch.beat(float(second), connected=False, heard=second % 2 == 0)
        assert watch.state is Presence.COMING
    assert watch.beat(60.0, connected=True, heard=False)
    assert watch.state is Presence.PRESENT


@pytest.mark.parametrize(("pings", "limit_s"), [(True, 5.0), (False, 10.0)])
def test_it_is_absent_after_so_long_without_a_datagram(pings: bool, limit_s: float) -> None:
    watch = connected_at(100.0, pings=pings)
    (at,) = changed_at(watch, 100.0, 160.0, lambda now: False)
    assert watch.state is Presence.ABSENT
    assert 100.0 + limit_s < at <= 100.0 + limit_s + 2 * BEAT_S


def test_who_pinged_once_is_expected_to() -> None:
    watch = connected_at(0.0, pings=False)
    assert changed_at(watch, 0.0, 6.0, lambda now: False) == []
    watch.pings = True
    assert len(changed_at(watch, 6.0, 6.1, lambda now: False)) == 1


def test_one_datagram_in_time_is_enough() -> None:
    watch = connected_at(0.0, pings=True)
    assert changed_at(watch, 0.0, 100.0, lambda now: now % 4.9 < BEAT_S) == []


def test_it_is_present_with_the_first_datagram_that_comes_again() -> None:
    watch = connected_at(0.0, pings=True)
    changed_at(watch, 0.0, 30.0, lambda now: False)
    assert watch.beat(30.0, connected=True, heard=True)
    assert watch.state is Presence.PRESENT
    (at,) = changed_at(watch, 30.0, 60.0, lambda now: False)
    assert at > 35.0  # its silence counts from then


def test_a_stall_of_ours_is_no_silence_of_theirs() -> None:
    watch = connected_at(0.0, pings=True)
    assert not watch.beat(3600.0, connected=True, heard=False)
    assert changed_at(watch, 3600.0, 3600.0 + 5.0 - 2 * MAX_STEP_S, lambda now: False) == []


def test_the_table_knows_every_state_and_event() -> None:
    assert set(TRANSITIONS) == set(Presence)
    assert {event for row in TRANSITIONS.values() for event in row} == set(PresenceEvent)


@given(st.booleans(), st.lists(st.tuples(st.floats(0.0, 20.0), st.booleans(), st.booleans())))
def test_what_changes_is_in_the_table(pings: bool, beats: list[tuple[float, bool, bool]]) -> None:
    watch, now = PresenceWatch(LIMITS), 0.0
    watch.pings = pings
    for step_s, connected, heard in beats:
        now += step_s
        before = watch.state
        assert watch.beat(now, connected=connected, heard=heard) is (watch.state is not before)
        assert watch.state is before or watch.state in TRANSITIONS[before].values()
        assert not (heard and watch.state is Presence.ABSENT)
