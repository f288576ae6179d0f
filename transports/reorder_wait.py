"""How long a gap in an RTP stream is worth waiting for: as long as packets came late lately.

What waits is only what came behind a gap, and what it waits for is only a packet that others
have overtaken: a lost one does not come (audio has no NACK), and its FEC is in the packet that
shows the gap. So:

* Where nothing was late lately, the wait is `LEAST_S`. That covers packets which change places
  in parallel queues or within a burst, and is half a usual packet.
* What comes late, also after it was given up, sets the wait: the longest of the last `PERIOD_S`
  to twice that, and a margin. RACK follows reordering in TCP like this (RFC 8985 section 6.2):
  up by what turned out to be late, down again after a while without.
* Nothing later than `MOST_S` is waited for: it costs the talk more than FEC costs the word.

NetEq (libwebrtc, `reorder_optimizer`) weighs instead 20 ms of delay against one per cent of
packets that come too late, since its delay is that of every packet. Here packets in order never
wait, so the longest seen is not too dear. What is late less often than once in a period, 0.4 %
of usual packets, is left to FEC.
"""

import math
from dataclasses import dataclass
from typing import Final

LEAST_S: Final = 0.01
MOST_S: Final = 0.1
PERIOD_S: Final = 5.0
MARGIN: Final = 1.25


@dataclass(slots=True)
class ReorderWait:
    """Times are those of one monotonic clock, in seconds."""

    _period_from: float = -math.inf
    _longest: float = 0.0  # of this period
    _longest_before: float = 0.0  # of the one before it

    def late(self, late_s: float, now: float) -> None:
        """A packet came `late_s` after the first that had overtaken it."""
        self._turn(now)
        if self._longest < late_s <= MOST_S:
            self._longest = late_s

    def seconds(self, now: float) -> float:
        """`LEAST_S` to `MOST_S`."""
        self._turn(now)
        longest = max(self._longest, self._longest_before)
        return min(max(MARGIN * longest, LEAST_S), MOST_S)

    def _turn(self, now: float) -> None:
        """Begins a new period when it is time, and also when the clock went back."""
        age = now - self._period_from
        if 0.0 <= age < PERIOD_S:
            return
        self._longest_before = self._longest if 0.0 <= age < 2 * PERIOD_S else 0.0
        self._longest = 0.0
        self._period_from = now
