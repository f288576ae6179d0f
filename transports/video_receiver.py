"""The shell around a peer's `PictureSampler`: feeds it RTP and sends the feedback it wants."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from transports.feedback import RequestKey
from transports.picture_sampler import STREAM_PAUSED_S, EncodedPicture, PictureSampler
from transports.rtp_arrival import RtpArrival
from transports.video_source import SourceChoice

BITRATE_REPEAT_S: Final = 1.0  # libwebrtc trusts a REMB of the first two seconds at once


class FeedbackSender(Protocol):
    """Sends RTCP to whoever sends video, and knows how many pictures have come."""

    def pictures_of(self, ssrc: int) -> int: ...

    async def request_key_picture(self, ssrc: int) -> None: ...

    async def request_packets(self, ssrc: int, sequences: tuple[int, ...]) -> None: ...

    async def limit_bitrate(self, ssrc: int, bits_per_s: int) -> None: ...


class VideoReceiver:
    """Samples a peer's video: `on_rtp` takes the packets, `run` must be running meanwhile.

    Of several streams it samples the one that began last and still sends. With `enabled` off
    it takes and asks for nothing.
    """

    def __init__(
        self,
        interval_s: float,
        bits_per_s: int,
        on_picture: Callable[[EncodedPicture], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sampler = PictureSampler(interval_s)
        self._enabled = True
        self._bits_per_s = bits_per_s
        self._on_picture = on_picture
        self._clock = clock
        self._sources = SourceChoice()
        self._sender: FeedbackSender | None = None
        self._bitrate_sent_at = float("-inf")
        self._wake = asyncio.Event()
        self._idle = True  # `run` sleeps until a packet comes
        # Packets of this stream are not wanted before that time: most of all there are.
        self._skipped_ssrc: int | None = None
        self._skip_until = float("-inf")
        self._skipped = 0
        self._skipped_at = float("-inf")

    @property
    def enabled(self) -> bool:
        return self._enabled

    @enabled.setter
    def enabled(self, enabled: bool) -> None:
        if self._enabled and not enabled:
            self._end_skipping()
            self.sampler.lost()
        self._enabled = enabled

    def undecodable(self) -> None:
        """What was handed on could not be decoded, or was not: a key picture must come."""
        self._end_skipping()
        self.sampler.undecodable()
        self._wake.set()

    def wants(self, ssrc: int, sender: FeedbackSender) -> bool:
        """Whether the packet of that stream that has just come is one to read.

        Most are not: they are only noted. `sender` reaches whoever sent it.
        """
        now = self._clock()
        if ssrc == self._skipped_ssrc and now < self._skip_until:
            if now - self._skipped_at <= STREAM_PAUSED_S:
                self._skipped += 1
                self._skipped_at = now
                return False
        self._end_skipping()
        wanted = self._enabled and self._notes(ssrc, sender, now)
        if not wanted and ssrc == self._sources.chosen and not self._idle:
            self._skipped_ssrc, self._skip_until = ssrc, self.sampler.rests_until()
            self._skipped_at = now
        return wanted

    def _end_skipping(self) -> None:
        """Tells the others of the packets that only `wants` knows of."""
        if self._skipped_ssrc is not None:
            self.sampler.skipped(self._skipped, self._skipped_at)
            self._sources.heard(self._skipped_ssrc, self._skipped_at)
            self._skipped_ssrc, self._skipped = None, 0

    def _notes(self, ssrc: int, sender: FeedbackSender, now: float) -> bool:
        before = self._sources.chosen
        if not self._sources.admit(ssrc, now):
            return False
        if ssrc != before:
            self.sampler.restart(now)
        self._sender = sender
        state = self.sampler.state
        wanted = self.sampler.wants_packet(now)
        if self._idle or self.sampler.state is not state:
            self._wake.set()
        return wanted

    def on_rtp(self, arrival: RtpArrival, sender: FeedbackSender) -> None:
        """Reads one packet, wanted or not."""
        if not self._enabled:
            return
        now = self._clock()
        self._end_skipping()
        if not self._notes(arrival.ssrc, sender, now):
            return
        before = self.sampler.phase
        picture = self.sampler.push(arrival, now)
        if picture is not None:
            self._on_picture(picture)
        if picture is not None or self.sampler.phase != before:
            self._wake.set()

    async def run(self) -> None:
        """Sends PLI, NACK and REMB as long as video comes. Ends only when cancelled."""
        while True:
            self._wake.clear()
            await self._send_feedback()
            deadline = self._deadline()
            self._idle = deadline is None
            await self._sleep_until(deadline)

    def _deadline(self) -> float | None:
        return self.sampler.deadline(self._clock()) if self._enabled else None

    async def _sleep_until(self, deadline: float | None) -> None:
        limit = None if deadline is None else max(0.0, deadline - self._clock())
        try:
            async with asyncio.timeout(limit):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _send_feedback(self) -> None:
        self._end_skipping()
        sender, ssrc, now = self._sender, self._sources.chosen, self._clock()
        if sender is None or ssrc is None or not self._enabled:
            return
        picture = self.sampler.take(now)
        if picture is not None:
            self._on_picture(picture)
        if self.sampler.paused(now):
            return
        if now - self._bitrate_sent_at >= BITRATE_REPEAT_S:
            self._bitrate_sent_at = now
            await sender.limit_bitrate(ssrc, self._bits_per_s)
        self.sampler.counted(sender.pictures_of(ssrc), now)
        for item in self.sampler.tick(now):
            if isinstance(item, RequestKey):
                await sender.request_key_picture(ssrc)
            else:
                await sender.request_packets(ssrc, item.sequences)
