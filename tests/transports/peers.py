"""A client made of aiortc, a listener that writes down, and both connected over 127.0.0.1."""

import asyncio
import gc
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from av import VideoFrame

from tests.transports.packet_track import PacketTrack
from tests.transports.real_video import moving_picture
from transports.aiortc_seam import IceBinding, SamplingReceiver, seam
from transports.ice import CandidatePolicy
from transports.jitter import Playable, Received
from transports.peer_config import PeerConfig
from transports.picture_sampler import EncodedPicture
from transports.rtp_arrival import RtpArrival
from transports.sdp import SdpLimits, offer_untrusted
from transports.webrtc_peer import WebRTCPeer

BOUND_S: Final = 10.0
LOOPBACK: Final = IceBinding(hosts=("127.0.0.1",))
POLICY: Final = CandidatePolicy(allow_loopback=True)
CONFIG: Final = PeerConfig(binding=LOOPBACK)

Bend = Callable[[str], str]


class Listener:
    """What a peer told its owner, in queues to wait at."""

    def __init__(self) -> None:
        self.audio: asyncio.Queue[Playable] = asyncio.Queue()
        self.pictures: asyncio.Queue[EncodedPicture] = asyncio.Queue()
        self.messages: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.dropped: asyncio.Queue[str] = asyncio.Queue()

    def on_audio(self, playable: Playable) -> None:
        self.audio.put_nowait(playable)

    def on_picture(self, picture: EncodedPicture) -> None:
        self.pictures.put_nowait(picture)

    def on_message(self, data: str | bytes) -> None:
        self.messages.put_nowait(data)

    def on_dropped(self, counter: str) -> None:
        self.dropped.put_nowait(counter)


class Camera(MediaStreamTrack):
    """Real pictures at 30 a second, encoded by aiortc as they come."""

    kind = "video"

    def __init__(self, width: int = 320, height: int = 240) -> None:
        super().__init__()
        self._size = width, height
        self._number = 0

    async def recv(self) -> VideoFrame:
        await asyncio.sleep(1 / 30)  # the pace of a camera
        self._number += 1
        return moving_picture(self._number, *self._size)


class Client:
    """The other side: a stock connection whose received RTP can be looked at."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.rtp: asyncio.Queue[RtpArrival] = asyncio.Queue()
        self.messages: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.microphone = PacketTrack()
        self.channel: RTCDataChannel | None = None

    def wants(self, kind: str, ssrc: int, receiver: SamplingReceiver) -> bool:
        return True

    def on_rtp(self, arrival: RtpArrival, receiver: SamplingReceiver) -> None:
        self.rtp.put_nowait(arrival)

    def add_microphone(self) -> None:
        with seam(self, LOOPBACK):
            self.connection.addTrack(self.microphone)

    def add_camera(self, codec: str = "VP8", width: int = 320, height: int = 240) -> None:
        with seam(self, LOOPBACK):
            self.connection.addTrack(Camera(width, height))
        known = RTCRtpSender.getCapabilities("video").codecs
        wanted = [c for c in known if c.name in (codec, "rtx")]
        for transceiver in self.connection.getTransceivers():
            if transceiver.kind == "video":
                transceiver.setCodecPreferences(wanted)

    def add_channel(self, label: str = "chat") -> RTCDataChannel:
        channel = self.connection.createDataChannel(label)
        channel.on("message", self.messages.put_nowait)
        self.channel = self.channel or channel
        return channel

    async def offer(self) -> str:
        with seam(self, LOOPBACK):
            await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def accept(self, answer: str) -> None:
        with seam(self, LOOPBACK):
            await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def negotiate(
        self, peer: WebRTCPeer, *, bend_offer: Bend = str, bend_answer: Bend = str
    ) -> None:
        """Offer and answer, each bent on its way."""
        offer = offer_untrusted(bend_offer(await self.offer()), SdpLimits(), POLICY)
        await self.accept(bend_answer(await peer.answer(offer)))

    async def open_channel(self) -> RTCDataChannel:
        """The first channel, once it is open."""
        channel = self.channel
        assert channel is not None
        opened = asyncio.Event()
        channel.on("open", opened.set)
        if channel.readyState != "open":
            await asyncio.wait_for(opened.wait(), BOUND_S)
        return channel


def client_with(
    *, microphone: bool = False, camera: str | None = None, channel: bool = True
) -> Client:
    client = Client()
    if microphone:
        client.add_microphone()
    if camera is not None:
        client.add_camera(camera)
    if channel:
        client.add_channel()
    return client


@dataclass
class Call:
    """A client and a peer that are connected, or about to be."""

    client: Client
    peer: WebRTCPeer
    listener: Listener
    life: asyncio.Task[str]

    async def connected(self) -> None:
        await reached(self.client.connection, "connected")
        if self.client.channel is not None:
            await self.client.open_channel()

    async def packets(self, count: int) -> list[bytes]:
        """So many received Opus payloads, in the order in which they came out."""
        out: list[bytes] = []
        while len(out) < count:
            playable = await asyncio.wait_for(self.listener.audio.get(), BOUND_S)
            assert isinstance(playable, Received)
            out.append(playable.payload)
        return out


async def reached(connection: RTCPeerConnection, state: str) -> None:
    """Waits until the connection is in `state`."""
    changed = asyncio.Event()
    connection.on("connectionstatechange", changed.set)
    while connection.connectionState != state:
        changed.clear()
        await asyncio.wait_for(changed.wait(), BOUND_S)
    connection.remove_listener("connectionstatechange", changed.set)


@asynccontextmanager
async def calling(
    client: Client,
    config: PeerConfig = CONFIG,
    *,
    bend_offer: Bend = str,
    bend_answer: Bend = str,
) -> AsyncIterator[Call]:
    """Offers, answers and runs; on the way out both sides are closed."""
    listener = Listener()
    peer = WebRTCPeer("peer", config, listener)
    try:
        await client.negotiate(peer, bend_offer=bend_offer, bend_answer=bend_answer)
        life = asyncio.create_task(peer.run())
        yield Call(client, peer, listener, life)
        await client.connection.close()
        await asyncio.wait_for(life, BOUND_S)
    finally:
        await client.connection.close()
        await peer.close()


def free(port: int) -> bool:
    """Whether nobody holds this UDP port of 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@dataclass
class Census:
    """What there is before a test, to compare with what is there afterwards."""

    threads: int = field(default_factory=threading.active_count)
    descriptors: int = field(default_factory=descriptors)
    tasks: frozenset[asyncio.Task[object]] = field(
        default_factory=lambda: frozenset(asyncio.all_tasks())
    )

    async def assert_nothing_left(self) -> None:
        """Tasks may take until the bound to end; sockets go with them."""
        left = asyncio.all_tasks() - self.tasks
        if left:
            _, pending = await asyncio.wait(left, timeout=BOUND_S)
            assert not pending
        for _ in range(5):
            await asyncio.sleep(0)  # asyncio closes sockets in callbacks
        gc.collect()
        assert threading.active_count() == self.threads
        assert descriptors() == self.descriptors
