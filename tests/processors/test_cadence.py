from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.cadence import Cadence

GAP_S = 0.96


@pytest.fixture
def cadence() -> Cadence[str]:
    return Cadence(GAP_S)


def test_the_first_picture_goes_at_once(cadence: Cadence[str]) -> None:
    assert cadence.deadline is None
    assert cadence.offer("a", 0.0) == "a"
    assert cadence.deadline is None


def test_an_early_one_is_held_until_its_time(cadence: Cadence[str]) -> None:
    cadence.offer("a", 10.0)
    assert cadence.offer("b", 10.9) is None
    assert cadence.deadline == pytest.approx(10.96)
    assert cadence.take(10.95) is None
    assert cadence.take(10.96) == "b"
    assert cadence.deadline is None


def test_the_gap_counts_from_when_the_last_one_really_went(cadence: Cadence[str]) -> None:
    cadence.offer("a", 10.0)
    cadence.offer("b", 10.9)
    assert cadence.take(11.5) == "b"
    assert cadence.offer("c", 12.0) is None
    assert cadence.deadline == pytest.approx(12.46)


def test_a_held_one_that_is_unwanted_is_forgotten(cadence: Cadence[str]) -> None:
    cadence.discard(lambda picture: True)
    cadence.offer("a", 10.0)
    cadence.offer("b", 10.5)
    cadence.discard(lambda picture: picture == "c")
    assert cadence.take(10.96) == "b"
    cadence.offer("c", 11.5)
    cadence.discard(lambda picture: picture == "c")
    assert cadence.take(20.0) is None


def test_a_newer_one_replaces_the_one_that_is_held(cadence: Cadence[str]) -> None:
    cadence.offer("a", 10.0)
    cadence.offer("b", 10.3)
    cadence.offer("c", 10.6)
    assert cadence.replaced == 1
    assert cadence.take(10.96) == "c"


def test_a_newer_one_in_time_goes_instead_of_the_one_that_is_held(cadence: Cadence[str]) -> None:
    cadence.offer("a", 10.0)
    cadence.offer("b", 10.9)
    assert cadence.offer("c", 11.0) == "c"
    assert cadence.replaced == 1
    assert cadence.deadline is None


def test_nothing_to_take(cadence: Cadence[str]) -> None:
    assert cadence.take(1.0) is None
    cadence.offer("a", 2.0)
    assert cadence.take(99.0) is None


@given(st.lists(st.floats(0.0, 3.0), max_size=50))
def test_never_two_within_the_gap_and_none_is_lost_uncounted(steps: list[float]) -> None:
    cadence: Cadence[int] = Cadence(GAP_S)
    now, went = 0.0, []
    for picture, step in enumerate(steps):
        now += step
        went += [(now, passed) for passed in [cadence.offer(picture, now)] if passed is not None]
    held = 1 if cadence.deadline is not None else 0
    assert len(went) + held + cadence.replaced == len(steps)
    assert all(later - earlier >= GAP_S - 1e-9 for (earlier, _), (later, _) in pairwise(went))
    assert [picture for _, picture in went] == sorted(picture for _, picture in went)
