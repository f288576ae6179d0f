"""The shell around a peer's `JitterWindow`: feeds it RTP and wakes it at its deadline."""

import asyncio
import time
from collections.abc import Callable

from transports.jitter import JitterWindow, Playable
from transports.rtp_arrival import RtpArrival


class AudioReceiver:
    """`on_playable` gets a peer's sound, in order. Belongs to the loop that first calls it."""

    def __init__(
        self,
        on_playable: Callable[[Playable], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.jitter = JitterWindow()
        self._on_playable = on_playable
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None

    def on_rtp(self, arrival: RtpArrival) -> None:
        now = self._clock()
        for playable in self.jitter.push(arrival, now):
            self._on_playable(playable)
        if self._timer is None and self.jitter.deadline is not None:
            self._set_timer(self.jitter.deadline - now)

    def close(self) -> None:
        """Forgets what is held back. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self, in_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(max(0.0, in_s), self._expire)

    def _expire(self) -> None:
        self._timer = None
        now = self._clock()
        for playable in self.jitter.expire(now):
            self._on_playable(playable)
        if self.jitter.deadline is not None:
            self._set_timer(self.jitter.deadline - now)
