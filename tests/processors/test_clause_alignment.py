from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from processors.clause_alignment import FARTHEST_S, align


def test_a_steady_voice_pauses_where_its_clauses_end() -> None:
    assert align([1.0, 3.0], [1.0, 3.0], 5.0) == [(1.0, 1.0), (3.0, 3.0)]


def test_a_voice_that_slows_down_and_hurries_is_followed() -> None:
    assert align([1.0, 2.0, 3.0, 4.0], [1.3, 2.5, 3.4, 4.2], 5.0) == [
        (1.3, 1.0),
        (2.5, 2.0),
        (3.4, 3.0),
        (4.2, 4.0),
    ]


def test_not_every_clause_end_is_paused_at() -> None:
    assert align([1.0, 1.6, 3.0], [1.1, 3.1], 5.0) == [(1.1, 1.0), (3.1, 3.0)]


def test_not_every_pause_ends_a_clause() -> None:
    assert align([2.0], [0.7, 2.1, 4.0], 5.0) == [(2.1, 2.0)]


def test_what_is_far_from_anything_belongs_to_nothing() -> None:
    assert align([1.0], [1.0 + FARTHEST_S + 0.1], 9.0) == []
    assert align([], [1.0], 2.0) == []
    assert align([1.0], [], 2.0) == []


def test_long_gaps_are_bridged() -> None:
    """More pauses in a row that end nothing than are looked back at."""
    pauses = [4.0 + 0.4 * number for number in range(12)]
    assert align([1.0, 12.0], [1.0, *pauses, 12.0], 14.0)[0] == (1.0, 1.0)


times = st.lists(st.floats(0.1, 29.9), max_size=12).map(sorted)


@given(times, times)
def test_pairs_rise_on_both_sides(ends: list[float], pauses: list[float]) -> None:
    pairs = align(ends, pauses, 30.0)
    for (pause, end), (later, later_end) in pairwise(pairs):
        assert pause <= later and end <= later_end
    assert all(pause in pauses and end in ends for pause, end in pairs)
    assert all(abs(pause - end) <= FARTHEST_S + 1e-9 for pause, end in pairs)
