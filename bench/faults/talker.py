"""A peer that says numbers and listens for the model's: aiortc against the service, cheaply."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import aiohttp
import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from bench.faults.codec import PAUSE_S, sound_of
from bench.faults.gaps import Said
from bench.faults.listener import Listener
from bench.rtp_stream import Pacer, RtpStream
from bench.synthetic_peer import OPUS_HZ, SilentTrack
from processors.errors import CodecError
from processors.opus import INPUT_HZ, OpusDecoder
from transports.aiortc_seam import IceBinding, SamplingReceiver, seam
from transports.rtp_arrival import RtpArrival

PACKET_S: Final = 0.02
BIT_RATE: Final = 32_000
TAIL_S: Final = 0.1  # of silence behind an utterance, until the coder has let go of it
CONNECT_LIMIT_S: Final = 30.0
LOOPBACK: Final = IceBinding(("127.0.0.1",))


@cache
def silence() -> bytes:
    """A packet of it."""
    return packets_of(np.zeros(OPUS_HZ // 2, np.int16))[-1]


def packets_of(sound: np.ndarray[Any, np.dtype[np.int16]]) -> list[bytes]:
    """Opus as a browser makes it, of sound at 48 kHz."""
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = OPUS_HZ, "mono", "s16"
    encoder.bit_rate = BIT_RATE
    encoder.options = {
        "application": "voip",
        "frame_duration": "20",
        "fec": "1",
        "packet_loss": "5",
    }
    size = int(OPUS_HZ * PACKET_S)
    packets: list[bytes] = []
    for at in range(0, sound.size - size + 1, size):
        part = sound[at : at + size].reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
        frame.sample_rate, frame.pts = OPUS_HZ, at
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


@cache
def packets_of_words(numbers: tuple[int, ...]) -> list[bytes]:
    tail = np.zeros(round(TAIL_S * OPUS_HZ), np.int16)
    return packets_of(np.concatenate([sound_of(numbers, OPUS_HZ), tail]))


class Mouth:
    """What the peer's stream sends: silence, and what it is told to say."""

    interval_s = PACKET_S
    clock_step = int(PACKET_S * OPUS_HZ)

    def __init__(self) -> None:
        self._left: deque[bytes] = deque()
        self._begun: float | None = None
        self._done = asyncio.Event()
        self._half = asyncio.Event()
        self._half_left = 0

    async def say(self, numbers: Sequence[int]) -> Said:
        """Returns when it is said."""
        self._left.extend(packets_of_words(tuple(numbers)))
        self._begun = None
        self._half_left = len(self._left) // 2
        self._done.clear()
        await self._done.wait()
        self._half.clear()
        begun = time.monotonic() if self._begun is None else self._begun
        return Said(list(numbers), begun, time.monotonic() - TAIL_S - PAUSE_S)

    async def half_said(self) -> None:
        """Waits for the middle of what is being said, or is said next."""
        await self._half.wait()

    def next(self, now: float) -> Sequence[bytes]:
        if not self._left:
            return (silence(),)
        if self._begun is None:
            self._begun = now
        packet = self._left.popleft()
        if len(self._left) <= self._half_left:
            self._half.set()
        if not self._left:
            self._done.set()
        return (packet,)


@dataclass
class Talker:
    """One participant in a room of its own. `join()`, then `mouth.say()`; `close()` at the end."""

    http: aiohttp.ClientSession
    pacer: Pacer
    seat: int
    listener: Listener = field(default_factory=Listener)
    mouth: Mouth = field(default_factory=Mouth)
    told: list[dict[str, Any]] = field(default_factory=list)
    _connection: RTCPeerConnection = field(
        default_factory=lambda: RTCPeerConnection(RTCConfiguration(iceServers=[]))
    )
    _decoder: OpusDecoder = field(default_factory=OpusDecoder)
    _opened: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _first_time: int | None = None

    def wants(self, kind: str, ssrc: int, receiver: SamplingReceiver) -> bool:
        return True

    def on_rtp(self, arrival: RtpArrival, receiver: SamplingReceiver) -> None:
        if arrival.kind != "audio":
            return
        try:
            samples = self._decoder.decode(arrival.payload)
        except CodecError:
            return
        if self._first_time is None:
            self._first_time = arrival.timestamp
        clock = (arrival.timestamp - self._first_time) & 0xFFFFFFFF
        if self.listener.push(samples, clock * INPUT_HZ // OPUS_HZ, time.monotonic()):
            self._news.set()

    async def join(self, room: dict[str, Any]) -> None:
        """Returns when the service says that the bot is ready, or would if it said so."""
        with seam(self, LOOPBACK):
            sender = self._connection.addTrack(SilentTrack("audio"))
        stream = RtpStream(sender, self.mouth, self.pacer, 0.0, self.seat)
        channel = self._connection.createDataChannel("chat")
        channel.on("open", self._opened.set)
        channel.on("message", self._on_message)
        started = await self._post("/start", {"body": {"room": room}})
        with seam(self, LOOPBACK):
            await self._connection.setLocalDescription(await self._connection.createOffer())
        offer = {"sdp": self._connection.localDescription.sdp, "type": "offer", "pc_id": None}
        answer = await self._post(f"/sessions/{started['sessionId']}/api/offer", offer)
        with seam(self, LOOPBACK):
            await self._connection.setRemoteDescription(
                RTCSessionDescription(answer["sdp"], answer["type"])
            )
        async with asyncio.timeout(CONNECT_LIMIT_S):
            await self._opened.wait()
        ready = {"version": "2.0.0", "about": {"library": "bench"}}
        message = {"label": "rtvi-ai", "type": "client-ready", "id": "1", "data": ready}
        channel.send(json.dumps(message))
        stream.begin()

    async def hears(self, number: int, since: float, limit_s: float) -> bool:
        """Waits until the model has said that; False when it did not within the limit."""
        heard = self.listener.heard
        try:
            async with asyncio.timeout(limit_s):
                while not any(word.number == number and word.at >= since for word in heard):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _on_message(self, data: str | bytes) -> None:
        message: dict[str, Any] = json.loads(data)
        body = message.get("data")
        if isinstance(body, dict) and message.get("type") == "server-message":
            if body.get("type") in ("link-status", "audio-dropped"):
                self.told.append({"at": time.monotonic(), **body})

    async def _post(self, path: str, body: Any) -> Any:
        async with self.http.post(path, json=body) as response:
            response.raise_for_status()
            return await response.json()

    async def close(self) -> None:
        await self._connection.close()
