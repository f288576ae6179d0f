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
        self._play(self.jitter.push(arrival, now), now)

    def close(self) -> None:
        """Forgets what is held back. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _play(self, playables: list[Playable], now: float) -> None:
        for playable in playables:
            self._on_playable(playable)
        deadline = self.jitter.deadline
        if deadline is not None and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, deadline - now), self._expire)

    def _expire(self) -> None:
        self._timer = None
        now = self._clock()
        self._play(self.jitter.expire(now), now)
