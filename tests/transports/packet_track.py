"""A microphone that is already encoded: a track of ready Opus packets, for stock senders."""

from __future__ import annotations

import asyncio
from collections import deque
from fractions import Fraction
from typing import Any, Final

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.packet import Packet

OPUS_TIME_BASE: Final = Fraction(1, 48_000)
MAX_PACKETS: Final = 25  # half a second: what has not left by then is too late to hear


def opus_packet(payload: bytes, timestamp: int) -> Packet[Any]:
    """A packet that any number of `PacketTrack`s can send. `timestamp` counts at 48 kHz."""
    packet: Packet[Any] = Packet(payload)
    packet.pts = timestamp
    packet.time_base = OPUS_TIME_BASE
    return packet


class PacketTrack(MediaStreamTrack):
    """A track of ready packets, which aiortc's sender passes on without encoding anything.

    Overflow drops the oldest packet, and before the sender asks for a first one there is no
    listener and nothing is kept. Both count in `dropped`.
    """

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.dropped = 0
        self._listening = False
        self._packets: deque[Packet[Any]] = deque()
        self._ready = asyncio.Event()

    def send(self, packet: Packet[Any]) -> None:
        if self.readyState != "live":
            return
        if not self._listening:
            self.dropped += 1
            return
        if len(self._packets) >= MAX_PACKETS:
            self._packets.popleft()
            self.dropped += 1
        self._packets.append(packet)
        self._ready.set()

    async def recv(self) -> Packet[Any]:
        """The next packet. Raises `MediaStreamError` when the track has been stopped."""
        self._listening = True
        while not self._packets:
            if self.readyState != "live":
                raise MediaStreamError
            self._ready.clear()
            await self._ready.wait()
        return self._packets.popleft()

    def stop(self) -> None:
        super().stop()
        self._ready.set()
