"""The token bucket: a burst at once, a rate in the long run."""

from hypothesis import given
from hypothesis import strategies as st

from transports.rate_limit import TokenBucket


def test_a_full_bucket_lets_a_burst_through_and_no_more() -> None:
    bucket = TokenBucket(per_s=50, burst=200)
    assert [bucket.take(10.0) for _ in range(201)] == [True] * 200 + [False]


def test_it_fills_at_its_rate() -> None:
    bucket = TokenBucket(per_s=50, burst=200)
    for _ in range(200):
        bucket.take(0.0)
    assert not bucket.take(0.019)
    assert bucket.take(0.02)
    assert not bucket.take(0.02)
    assert sum(bucket.take(1.02) for _ in range(100)) == 50


def test_what_is_refused_costs_nothing() -> None:
    bucket = TokenBucket(per_s=1, burst=1)
    assert bucket.take(0.0)
    assert not any(bucket.take(i / 100) for i in range(100))
    assert bucket.take(1.01)


def test_it_never_holds_more_than_a_burst() -> None:
    bucket = TokenBucket(per_s=50, burst=3)
    bucket.take(0.0)
    assert sum(bucket.take(3600.0) for _ in range(10)) == 3


@given(st.lists(st.floats(0, 0.2), max_size=300))
def test_no_pattern_beats_the_rate(gaps: list[float]) -> None:
    bucket, now, taken = TokenBucket(per_s=10, burst=5), 0.0, 0
    for gap in gaps:
        now += gap
        taken += bucket.take(now)
    assert taken <= 5 + 10 * now + 1e-6
