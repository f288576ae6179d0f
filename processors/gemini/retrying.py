"""How long to wait before another connection to Gemini is tried. Pure."""

import random
from typing import Final

from processors.gemini.errors import GeminiError, QuotaFault

RETRY_FIRST_S: Final = 0.2
RETRY_LIMIT_S: Final = 5.0
QUOTA_RETRY_FIRST_S: Final = 2.0


def wait_s(fault: GeminiError, attempts: int, rng: random.Random) -> float:
    """Full jitter (a random share of an exponentially growing limit); the first is at once.

    `attempts` were made since there was a connection that lived. With the quota spent, a first
    wait is certain and the jitter comes on top of it.
    """
    if isinstance(fault, QuotaFault):
        return QUOTA_RETRY_FIRST_S + rng.uniform(0.0, _limit_s(QUOTA_RETRY_FIRST_S, attempts))
    return 0.0 if attempts == 1 else rng.uniform(0.0, _limit_s(RETRY_FIRST_S, attempts))


def _limit_s(first_s: float, attempts: int) -> float:
    return min(RETRY_LIMIT_S, first_s * float(2 ** min(attempts, 10)))
