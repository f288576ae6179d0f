"""Which of a peer's video streams to sample, when it sends more than one. Pure.

A person who shares the screen while the camera is on wants the screen looked at, and the
camera again afterwards: the stream that began last counts, as long as it sends.
"""

from dataclasses import dataclass, field
from typing import Final

from transports.picture_sampler import STREAM_PAUSED_S

MAX_STREAMS: Final = 8  # of one peer; browsers send two at most


@dataclass(slots=True)
class SourceChoice:
    """`admit` every packet's stream. Times are those of one monotonic clock, in seconds.

    `known` are the streams and when each was heard last, in the order in which they began.
    """

    chosen: int | None = None
    known: dict[int, float] = field(default_factory=dict)

    def admit(self, ssrc: int, now: float) -> bool:
        """Whether a packet of this stream is one to look at; may change `chosen`."""
        if self._silent(ssrc, now):
            self.known.pop(ssrc, None)
            if len(self.known) >= MAX_STREAMS:
                del self.known[next(iter(self.known))]
            self.chosen = ssrc
        elif self.chosen is None or self._silent(self.chosen, now):
            self.chosen = ssrc
        self.known[ssrc] = now
        return ssrc == self.chosen

    def heard(self, ssrc: int, now: float) -> None:
        """A packet of a stream that was admitted before came, the last of several."""
        if ssrc in self.known:
            self.known[ssrc] = max(now, self.known[ssrc])

    def _silent(self, ssrc: int, now: float) -> bool:
        return now - self.known.get(ssrc, float("-inf")) > STREAM_PAUSED_S
