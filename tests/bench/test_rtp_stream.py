"""Ready packets over a real connection: what a server sees of a synthetic peer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiortc import RTCConfiguration, RTCPeerConnection

from bench.rtp_stream import Pacer, RtpStream
from bench.synthetic_peer import Camera, Saw, SilentTrack
from transports.aiortc_seam import IceBinding, SamplingReceiver, seam
from transports.rtp_arrival import RtpArrival

LIMIT_S: Final = 30.0
BINDING: Final = IceBinding(("127.0.0.1",))


@dataclass
class Numbered:
    """Frames of two payloads that name frame and place; `frames` at most."""

    frames: int
    interval_s: float = 0.001
    clock_step: int = 3000
    sent: int = 0

    def next(self, now: float) -> Sequence[bytes]:
        self.sent += 1
        if self.sent > self.frames:
            return ()
        return [f"{self.sent} {place}".encode() for place in ("first", "last")]


@dataclass
class Sink:
    """Keeps what came; `reached(n)` waits for so many packets."""

    arrivals: list[RtpArrival] = field(default_factory=list)
    receiver: SamplingReceiver | None = None
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def wants(self, kind: str, ssrc: int, receiver: SamplingReceiver) -> bool:
        return True

    def on_rtp(self, arrival: RtpArrival, receiver: SamplingReceiver) -> None:
        self.arrivals.append(arrival)
        self.receiver = receiver
        self.came.set()

    async def reached(self, count: int) -> None:
        async with asyncio.timeout(LIMIT_S):
            while len(self.arrivals) < count:
                self.came.clear()
                await self.came.wait()


@asynccontextmanager
async def connected(
    source: Any, *, loss: float = 0.0
) -> AsyncIterator[tuple[Any, RtpStream, Sink]]:
    """The sender, its stream, and the sink at the other end. The caller begins."""
    sink = Sink()
    ours, theirs = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    opened = asyncio.Event()
    try:
        with seam(sink, BINDING):
            ours.createDataChannel("chat").on("open", opened.set)
            sender: Any = ours.addTrack(SilentTrack("video"))
            stream = RtpStream(sender, source, Pacer(), loss, seed=1)
            await ours.setLocalDescription(await ours.createOffer())
            await theirs.setRemoteDescription(ours.localDescription)
            await theirs.setLocalDescription(await theirs.createAnswer())
            await ours.setRemoteDescription(theirs.localDescription)
        async with asyncio.timeout(LIMIT_S):
            await opened.wait()
        yield sender, stream, sink
    finally:
        await ours.close()
        await theirs.close()


async def test_frames_arrive_as_a_server_expects_them() -> None:
    async with connected(Numbered(20)) as (_, stream, sink):
        stream.begin()
        await sink.reached(40)
    first = sink.arrivals[0]
    wanted = [f"{frame} {place}".encode() for frame in range(1, 21) for place in ("first", "last")]
    assert [each.payload for each in sink.arrivals] == wanted
    assert [each.marker for each in sink.arrivals] == 20 * [False, True]
    numbers = [(each.sequence - first.sequence) & 0xFFFF for each in sink.arrivals]
    assert numbers == list(range(40))
    times = [(each.timestamp - first.timestamp) & 0xFFFFFFFF for each in sink.arrivals]
    assert times == [frame * 3000 for frame in range(20) for _ in range(2)]
    assert {each.codec for each in sink.arrivals} == {"VP8"}


async def test_nothing_is_sent_before_the_beginning() -> None:
    source = Numbered(5)
    async with connected(source) as (_, stream, sink):
        assert source.sent == 0 and stream.packets == 0 and sink.arrivals == []


async def test_what_is_asked_for_again_comes_again_with_its_old_number() -> None:
    async with connected(Numbered(3)) as (_, stream, sink):
        stream.begin()
        await sink.reached(6)
        lost = sink.arrivals[2]
        assert sink.receiver is not None
        await sink.receiver.request_packets(lost.ssrc, (lost.sequence,))
        await sink.reached(7)
    assert sink.arrivals[6] == lost


async def test_a_share_of_the_packets_is_lost_on_the_way() -> None:
    async with connected(Numbered(300, interval_s=0.004), loss=0.2) as (_, stream, sink):
        stream.begin()
        await sink.reached(320)
    numbers = [each.sequence for each in sink.arrivals[:320]]
    sent = ((numbers[-1] - numbers[0]) & 0xFFFF) + 1  # each lost packet had its number
    assert 0.1 < 1 - 320 / sent < 0.3


async def test_the_reports_tell_of_what_was_sent() -> None:
    async with connected(Numbered(10)) as (sender, stream, sink):
        stream.begin()
        await sink.reached(20)
        stats = await sender.getStats()
    (sent,) = [each for each in stats.values() if each.type == "outbound-rtp"]
    assert sent.packetsSent == 20 and sent.bytesSent == sum(len(a.payload) for a in sink.arrivals)


async def test_a_picture_loss_is_answered_with_the_next_groups_key() -> None:
    saw = Saw()
    groups = [[[b"key-a"], [b"delta-a"]], [[b"key-b"], [b"delta-b"]]]
    camera = Camera(groups, 200, saw)
    async with connected(camera) as (sender, stream, sink):
        sender._send_keyframe = camera.request_key
        stream.begin()
        await sink.reached(1)
        assert sink.receiver is not None
        await sink.receiver.request_key_picture(sink.arrivals[0].ssrc)
        async with asyncio.timeout(LIMIT_S):
            while not saw.keys_asked:
                sink.came.clear()
                await sink.came.wait()
    assert saw.keys_asked == 1


def test_a_camera_that_is_asked_goes_on_with_the_next_group() -> None:
    groups = [[[b"ka"], [b"da"], [b"ea"]], [[b"kb", b"rest"], [b"db"]]]
    camera = Camera(groups, 30, Saw())
    assert [part[4:] for part in camera.next(0.0)] == [b"ka"]
    camera.request_key()
    assert [part[4:] for part in camera.next(0.0)] == [b"kb", b"rest"]
    assert [part[4:] for part in camera.next(0.0)] == [b"db"]
    assert [part[4:] for part in camera.next(0.0)] == [b"ka"]  # the group was over


def test_a_picture_begins_once() -> None:
    """RFC 7741 section 4.2: S is set in the first packet of a picture only."""
    parts = Camera([[[b"a", b"b", b"c"]]], 30, Saw()).next(0.0)
    assert [part[0] for part in parts] == [0x90, 0x80, 0x80]
    assert len({part[2:4] for part in parts}) == 1
