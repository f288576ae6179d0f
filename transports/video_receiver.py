"""The shell around a peer's `PictureSampler`: feeds it RTP and sends the feedback it wants."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from transports.aiortc_seam import RtpArrival, SamplingReceiver
from transports.depacketise import PayloadRefused, h264_fragment_untrusted, vp8_fragment_untrusted
from transports.picture_sampler import (
    EncodedPicture,
    PictureSampler,
    RequestKey,
    RequestPackets,
    RtpFragment,
)

logger = logging.getLogger(__name__)

BITRATE_REPEAT_S: Final = 1.0

_FRAGMENT: Final = {"VP8": vp8_fragment_untrusted, "H264": h264_fragment_untrusted}


@dataclass(frozen=True, slots=True)
class _Source:
    receiver: SamplingReceiver
    ssrc: int


class VideoReceiver:
    """Samples the one video source of a peer that sends; a second one replaces it when newer."""

    def __init__(
        self,
        interval_s: float,
        bits_per_s: int,
        on_picture: Callable[[EncodedPicture], None],
    ) -> None:
        self.sampler = PictureSampler(interval_s)
        self.refused = 0
        self.enabled = True
        self._bits_per_s = bits_per_s
        self._on_picture = on_picture
        self._receivers: list[SamplingReceiver] = []
        self._source: _Source | None = None
        self._bitrate_sent_at = float("-inf")
        self._wake = asyncio.Event()
        self._asleep = True

    def attach(self, receiver: SamplingReceiver) -> None:
        self._receivers.append(receiver)

    def on_rtp(self, arrival: RtpArrival, now: float) -> None:
        if not self.enabled:
            return
        if self._source is None or self._source.ssrc != arrival.ssrc:
            self._source = _Source(self._receivers[0], arrival.ssrc)
        fragment_of = _FRAGMENT.get(arrival.codec)
        if fragment_of is None or not arrival.payload:
            return
        try:
            fragment = fragment_of(arrival.payload)
        except PayloadRefused:
            self.refused += 1
            return
        packet = RtpFragment(arrival.sequence, arrival.timestamp, arrival.marker, fragment)
        picture = self.sampler.push(arrival.codec, packet, now)
        if self._asleep:
            self._wake.set()
        if picture is not None:
            self._on_picture(picture)

    async def run(self, ended: asyncio.Event) -> None:
        """Sends PLI, NACK and REMB as long as video comes, until `ended`."""
        stopper = asyncio.create_task(ended.wait())
        stopper.add_done_callback(lambda _: self._wake.set())
        try:
            while not ended.is_set():
                now = time.monotonic()
                await self._send_feedback(now)
                await self._sleep_until(self.sampler.deadline(time.monotonic()))
        finally:
            stopper.cancel()
            await asyncio.gather(stopper, return_exceptions=True)

    async def _sleep_until(self, deadline: float | None) -> None:
        self._wake.clear()
        self._asleep = deadline is None
        try:
            async with asyncio.timeout(
                None if deadline is None else max(0.0, deadline - time.monotonic())
            ):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _send_feedback(self, now: float) -> None:
        source = self._source
        if source is None or not self.enabled:
            return
        feedback = self.sampler.tick(now)
        if feedback and now - self._bitrate_sent_at >= BITRATE_REPEAT_S:
            self._bitrate_sent_at = now
            await source.receiver.limit_bitrate(source.ssrc, self._bits_per_s)
        for item in feedback:
            match item:
                case RequestKey():
                    await source.receiver.request_key_picture(source.ssrc)
                case RequestPackets(sequences):
                    await source.receiver.request_packets(source.ssrc, sequences)
