"""How often something may happen: a token bucket, pure."""

import math
from dataclasses import dataclass


@dataclass(slots=True)
class TokenBucket:
    """At most `burst` at once and `per_s` (above 0) each second in the long run. Starts full.

    Times are those of one monotonic clock, in seconds.
    """

    per_s: float
    burst: float
    _tokens: float = math.inf
    _filled_at: float = -math.inf

    def take(self, now: float) -> bool:
        """True when it may happen now. Only what happens counts."""
        self._tokens = min(self.burst, self._tokens + (now - self._filled_at) * self.per_s)
        self._filled_at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
