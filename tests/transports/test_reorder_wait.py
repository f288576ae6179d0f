"""How long a gap is waited for, from what came late."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.reorder_wait import LEAST_S, MARGIN, MOST_S, PERIOD_S, ReorderWait


def test_where_nothing_was_late_the_wait_is_the_least() -> None:
    assert ReorderWait().seconds(0.0) == LEAST_S
    assert ReorderWait().seconds(1e9) == LEAST_S


def test_it_follows_the_longest_and_adds_a_margin() -> None:
    wait = ReorderWait()
    for late_s in (0.02, 0.05, 0.03):
        wait.late(late_s, 1.0)
    assert wait.seconds(1.0) == pytest.approx(MARGIN * 0.05)


def test_it_never_exceeds_the_most_and_does_not_follow_what_is_later() -> None:
    wait = ReorderWait()
    wait.late(MOST_S + 0.001, 1.0)
    assert wait.seconds(1.0) == LEAST_S
    wait.late(MOST_S, 1.0)
    assert wait.seconds(1.0) == MOST_S


def test_it_remembers_for_one_to_two_periods() -> None:
    wait = ReorderWait()
    wait.late(0.06, 0.0)
    assert wait.seconds(PERIOD_S * 1.9) == pytest.approx(MARGIN * 0.06)
    wait = ReorderWait()
    wait.late(0.06, 0.0)
    assert wait.seconds(PERIOD_S * 2) == LEAST_S


def test_it_falls_to_what_is_still_seen() -> None:
    wait = ReorderWait()
    wait.late(0.07, 0.0)
    for second in range(1, 11):
        wait.late(0.03, float(second))
    assert wait.seconds(10.5) == pytest.approx(MARGIN * 0.03)


def test_a_clock_that_goes_back_starts_over() -> None:
    wait = ReorderWait()
    wait.late(0.07, 1000.0)
    assert wait.seconds(10.0) == LEAST_S
    wait.late(0.02, 10.0)
    assert wait.seconds(11.0) == pytest.approx(MARGIN * 0.02)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=30))
def test_it_stays_within_its_bounds_whatever_comes(story: list[tuple[float, float]]) -> None:
    wait = ReorderWait()
    for late_s, now in story:
        wait.late(late_s, now)
        assert LEAST_S <= wait.seconds(now) <= MOST_S
