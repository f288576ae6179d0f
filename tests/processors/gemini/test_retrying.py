import random

import pytest

from processors.gemini.errors import QuotaFault, TransientFault
from processors.gemini.retrying import QUOTA_RETRY_FIRST_S, RETRY_FIRST_S, RETRY_LIMIT_S, wait_s

BROKEN = TransientFault(1011, "Internal error encountered.")
SPENT = QuotaFault(1011, "RESOURCE_EXHAUSTED")


def test_the_first_is_at_once() -> None:
    assert wait_s(BROKEN, 1, random.Random(1)) == 0.0


@pytest.mark.parametrize("attempts", [2, 5, 2000])
def test_the_others_wait_a_random_part_of_a_growing_time(attempts: int) -> None:
    rng = random.Random(1)
    limit_s = min(RETRY_LIMIT_S, RETRY_FIRST_S * 2.0 ** min(attempts, 10))
    waits = [wait_s(BROKEN, attempts, rng) for _ in range(200)]
    assert 0.8 * limit_s < max(waits) <= limit_s
    assert min(waits) < 0.2 * limit_s


def test_a_spent_quota_needs_a_wait_from_the_first() -> None:
    rng = random.Random(1)
    waits = [wait_s(SPENT, 1, rng) for _ in range(200)]
    assert min(waits) >= QUOTA_RETRY_FIRST_S
    assert max(waits) <= QUOTA_RETRY_FIRST_S + RETRY_LIMIT_S
