"""A WebRTC client for tests: aiortc against the service, seen packet by packet."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import aiohttp
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

from processors.opus import INPUT_HZ, OpusDecoder
from processors.playout import RTP_CLOCK_HZ
from processors.voice_activity import level_db
from tests.browser.stage_set import room_picture
from tests.transports.udp_path import UdpPath, no_candidates
from transports.aiortc_seam import IceBinding, SamplingReceiver, seam
from transports.rtp_arrival import RtpArrival

Pcm = NDArray[np.int16]

LIMIT_S: Final = 30.0
FRAME_S: Final = 0.02
RATE_HZ: Final = 48_000
AUDIBLE_DB: Final = -50.0
LOOPBACK: Final = IceBinding(("127.0.0.1",))
NO_SERVERS: Final = RTCConfiguration(iceServers=[])  # aiortc's default asks one on the internet


class Microphone(MediaStreamTrack):
    """Silence, and what `say` is given, in real time."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._unsaid = np.zeros(0, np.int16)
        self._start: float | None = None
        self._sent = 0

    def say(self, samples: Pcm) -> None:
        self._unsaid = np.concatenate([self._unsaid, samples])

    @property
    def talking(self) -> bool:
        return self._unsaid.size > 0

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        if self._start is None:
            self._start = loop.time()
        await asyncio.sleep(max(0.0, self._start + self._sent * FRAME_S - loop.time()))
        count = int(RATE_HZ * FRAME_S)
        samples = np.zeros(count, np.int16)
        taken, self._unsaid = self._unsaid[:count], self._unsaid[count:]
        samples[: taken.size] = taken
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        frame.pts = self._sent * count
        frame.time_base = Fraction(1, RATE_HZ)
        self._sent += 1
        return frame


class Camera(MediaStreamTrack):
    """The generated room at `fps`, in real time."""

    kind = "video"

    def __init__(self, fps: int = 30) -> None:
        super().__init__()
        self._fps = fps
        self._start: float | None = None
        self._sent = 0
        self._pictures = [
            VideoFrame.from_ndarray(np.asarray(room_picture(index / 30)), format="rgb24")
            for index in range(30)
        ]

    async def recv(self) -> VideoFrame:
        loop = asyncio.get_running_loop()
        if self._start is None:
            self._start = loop.time()
        await asyncio.sleep(max(0.0, self._start + self._sent / self._fps - loop.time()))
        frame: VideoFrame = self._pictures[self._sent % len(self._pictures)]
        frame.pts = self._sent * 90_000 // self._fps
        frame.time_base = Fraction(1, 90_000)
        self._sent += 1
        return frame


@dataclass(frozen=True)
class Packet:
    """An audio packet from the service. `at` is Unix time, `samples` are at 16 kHz."""

    at: float
    sequence: int
    timestamp: int
    samples: Pcm

    @property
    def audible(self) -> bool:
        return level_db(self.samples) > AUDIBLE_DB


@dataclass
class TalkingPeer:
    """Signalling and RTVI of one participant. `messages` are the RTVI messages so far."""

    http: aiohttp.ClientSession
    connection: RTCPeerConnection
    microphone: Microphone
    session_id: str = ""
    token: str = ""
    peer_id: str = ""
    path: UdpPath | None = None
    messages: list[dict[str, Any]] = field(default_factory=list)
    packets: list[Packet] = field(default_factory=list)
    _decoder: OpusDecoder = field(default_factory=OpusDecoder)
    channel: RTCDataChannel | None = None
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def wants(self, kind: str, ssrc: int, receiver: SamplingReceiver) -> bool:
        return True

    def on_rtp(self, arrival: RtpArrival, receiver: SamplingReceiver) -> None:
        if arrival.kind == "audio":
            samples = self._decoder.decode(arrival.payload)
            self.packets.append(Packet(time.time(), arrival.sequence, arrival.timestamp, samples))

    def sound(self) -> Pcm:
        """All that was received so far, at 16 kHz, each packet where its timestamp puts it."""
        first = self.packets[0].timestamp
        starts = [(p.timestamp - first) * INPUT_HZ // RTP_CLOCK_HZ for p in self.packets]
        sound = np.zeros(starts[-1] + self.packets[-1].samples.size, np.int16)
        for start, packet in zip(starts, self.packets, strict=True):
            sound[start : start + packet.samples.size] = packet.samples
        return sound

    async def join(self, room: dict[str, Any] | None = None, **body: Any) -> None:
        """Start, offer, `client-ready`; returns when the bot is ready.

        With `peer` in the body in the place of that one, where the service still has it.
        """
        wish = {"body": {**body, **({} if room is None else {"room": room})}}
        started = await self.post("/start", wish)
        self.session_id, self.token = started["sessionId"], started["token"]
        place = started.get("peer")
        await self.offer(pc_id=place, restart=place is not None)
        await self.ready()

    async def ready(self) -> None:
        self.send("client-ready", {"version": "2.0.0", "about": {"library": "tests"}})
        await self.told("bot-ready")

    async def offer(
        self, path: str | None = None, *, pc_id: str | None = None, restart: bool = False
    ) -> None:
        """Connects; returns when the data channel is open."""
        self.channel = self.connection.createDataChannel("chat")
        self.channel.on("message", self._on_message)
        self.channel.on("open", self.opened.set)
        with seam(self, LOOPBACK):
            await self.connection.setLocalDescription(await self.connection.createOffer())
        sdp = self.connection.localDescription.sdp
        sdp = sdp if self.path is None else no_candidates(sdp)
        body = {"sdp": sdp, "type": "offer", "pc_id": pc_id, "restart_pc": restart}
        answer = await self.post(path or f"/sessions/{self.session_id}/api/offer", body)
        self.peer_id = answer["pc_id"]
        sdp = answer["sdp"] if self.path is None else self.path.bend(answer["sdp"])
        with seam(self, LOOPBACK):
            await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        async with asyncio.timeout(LIMIT_S):
            await self.opened.wait()

    async def post(self, path: str, body: Any) -> dict[str, Any]:
        async with self.http.post(path, json=body) as response:
            assert response.status == 200, await response.text()
            answer: dict[str, Any] = await response.json()
            return answer

    async def get(self, path: str = "") -> dict[str, Any]:
        """`GET /sessions/{id}` and below."""
        async with self.http.get(f"/sessions/{self.session_id}{path}") as response:
            assert response.status == 200, await response.text()
            answer: dict[str, Any] = await response.json()
            return answer

    def send(self, kind: str, data: Any, message_id: str = "1") -> None:
        message = {"label": "rtvi-ai", "type": kind, "id": message_id, "data": data}
        self.send_raw(json.dumps(message))

    def send_raw(self, data: str | bytes) -> None:
        assert self.channel is not None  # join() opens it
        self.channel.send(data)

    def write(self, text: str) -> None:
        options = {"run_immediately": True, "audio_response": True}
        self.send("send-text", {"content": text, "options": options})

    async def told(
        self,
        kind: str,
        matches: Callable[[Any], bool] = lambda data: True,
        *,
        after: int = 0,
        limit_s: float = LIMIT_S,
    ) -> int:
        """Waits for a message of that kind whose data matches; returns the index behind it."""
        async with asyncio.timeout(limit_s):
            while True:
                for index in range(after, len(self.messages)):
                    message = self.messages[index]
                    if message["type"] == kind and matches(message.get("data")):
                        return index + 1
                self._news.clear()
                await self._news.wait()

    async def transcribed(self, role: str, words: str, *, after: int = 0) -> int:
        """Waits for a final transcript of that role that holds the words."""
        return await self.told(
            "server-message",
            lambda d: (
                d["type"] == "transcript"
                and d["role"] == role
                and d["final"]
                and words in d["text"]
            ),
            after=after,
        )

    def _on_message(self, data: str | bytes) -> None:
        self.messages.append(json.loads(data))
        self._news.set()


@asynccontextmanager
async def talking_peer(
    url: str, *, camera: Camera | None = None, path: UdpPath | None = None
) -> AsyncIterator[TalkingPeer]:
    """A peer that has not joined yet; it leaves at the end. Its media goes by `path`, if given."""
    async with aiohttp.ClientSession(url) as http:
        microphone = Microphone()
        peer = TalkingPeer(http, RTCPeerConnection(NO_SERVERS), microphone, path=path)
        with seam(peer, LOOPBACK):
            peer.connection.addTrack(microphone)
            if camera is not None:
                peer.connection.addTrack(camera)
        try:
            yield peer
        finally:
            await peer.connection.close()
