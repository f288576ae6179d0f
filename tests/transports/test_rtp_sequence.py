"""Counters that wrap around."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.rtp_sequence import (
    SEQUENCE_MODULUS,
    TIMESTAMP_MODULUS,
    sequence_add,
    sequence_delta,
    timestamp_add,
    timestamp_delta,
)

SEQUENCE = st.integers(0, SEQUENCE_MODULUS - 1)
TIMESTAMP = st.integers(0, TIMESTAMP_MODULUS - 1)


@pytest.mark.parametrize(
    ("later", "earlier", "delta"),
    [
        (1, 0, 1),
        (0, 0, 0),
        (0, 65535, 1),
        (65535, 0, -1),
        (5, 65530, 11),
        (32767, 0, 32767),
        (32768, 0, -32768),
        (0, 32768, -32768),
    ],
)
def test_sequence_delta_goes_the_short_way_round(later: int, earlier: int, delta: int) -> None:
    assert sequence_delta(later, earlier) == delta


@pytest.mark.parametrize(
    ("later", "earlier", "delta"),
    [(960, 0, 960), (100, 2**32 - 860, 960), (2**31, 0, -(2**31)), (0, 1, -1)],
)
def test_timestamp_delta_goes_the_short_way_round(later: int, earlier: int, delta: int) -> None:
    assert timestamp_delta(later, earlier) == delta


@given(SEQUENCE, st.integers(-32768, 32767))
def test_sequence_add_undoes_delta(start: int, count: int) -> None:
    moved = sequence_add(start, count)
    assert 0 <= moved < SEQUENCE_MODULUS
    assert sequence_delta(moved, start) == count


@given(TIMESTAMP, st.integers(-(2**31), 2**31 - 1))
def test_timestamp_add_undoes_delta(start: int, count: int) -> None:
    moved = timestamp_add(start, count)
    assert 0 <= moved < TIMESTAMP_MODULUS
    assert timestamp_delta(moved, start) == count
