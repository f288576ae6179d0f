"""The shell around the sampler: feedback leaves when it should, and only then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.transports.rtp_streams import video, vp8_payloads
from transports.key_requests import PLI_REPEAT_S
from transports.picture_sampler import STREAM_PAUSED_S, EncodedPicture
from transports.rtp_arrival import RtpArrival
from transports.sampler_state import SamplerState
from transports.video_mode import VideoMode
from transports.video_receiver import BITRATE_REPEAT_S, VideoReceiver

BOUND_S = 5.0
BITS_PER_S = 1_500_000


class Sent:
    """Where the feedback goes: what was sent, in order."""

    def __init__(self) -> None:
        self.items: asyncio.Queue[tuple[object, ...]] = asyncio.Queue()
        self.pictures = 0

    def pictures_of(self, ssrc: int) -> int:
        return self.pictures

    async def request_key_picture(self, ssrc: int) -> None:
        self.items.put_nowait(("pli", ssrc))

    async def request_packets(self, ssrc: int, sequences: tuple[int, ...]) -> None:
        self.items.put_nowait(("nack", ssrc, *sequences))

    async def limit_bitrate(self, ssrc: int, bits_per_s: int) -> None:
        self.items.put_nowait(("remb", ssrc, bits_per_s))

    async def next(self) -> tuple[object, ...]:
        return await asyncio.wait_for(self.items.get(), BOUND_S)

    async def settled(self) -> list[tuple[object, ...]]:
        """All that was sent once the receiver has had every chance to run."""
        for _ in range(20):
            await asyncio.sleep(0)
        return [self.items.get_nowait() for _ in range(self.items.qsize())]


class Clock:
    """Stands still unless moved."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls = 0

    def __call__(self) -> float:
        self.calls += 1
        return self.now


class Bench:
    def __init__(self, *, interval_s: float = 1.0, real: bool = False) -> None:
        self.clock = Clock()
        self.sent = Sent()
        self.pictures: list[EncodedPicture] = []
        clock = asyncio.get_running_loop().time if real else self.clock
        self.second = asyncio.Event()
        self.receiver = VideoReceiver(interval_s, BITS_PER_S, self._took, clock)

    def _took(self, picture: EncodedPicture) -> None:
        self.pictures.append(picture)
        if len(self.pictures) == 2:
            self.second.set()

    def arrive(self, *packets: RtpArrival) -> None:
        for packet in packets:
            self.receiver.on_rtp(packet, self.sent)


@asynccontextmanager
async def bench(*, interval_s: float = 1.0, real: bool = False) -> AsyncIterator[Bench]:
    made = Bench(interval_s=interval_s, real=real)
    task = asyncio.create_task(made.receiver.run())
    try:
        yield made
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def key(number: int, ssrc: int = 7, packets: int = 3) -> list[RtpArrival]:
    return video(vp8_payloads(packets, key=True), 65_534 + 10 * number, 3000 * number, ssrc)


def next_delta(number: int, first: int = 65_534) -> list[RtpArrival]:
    """The pictures that follow a key picture of three packets, at 30 a second."""
    return video(vp8_payloads(1, key=False), first + 2 + number, 3000 * number)


def delta(number: int, ssrc: int = 7) -> list[RtpArrival]:
    return video(vp8_payloads(1, key=False), 65_534 + 10 * number, 3000 * number, ssrc)


REMB, PLI = ("remb", 7, BITS_PER_S), ("pli", 7)


async def test_a_stream_joined_in_the_middle_gets_a_bitrate_and_is_asked_at_once() -> None:
    async with bench() as b:
        assert await b.sent.settled() == []
        b.arrive(*delta(0))
        assert await b.sent.settled() == [REMB, PLI]
        b.arrive(*key(1))
        assert [p.codec for p in b.pictures] == ["VP8"]


async def test_the_bitrate_is_told_from_the_start_and_each_second() -> None:
    async with bench() as b:
        b.arrive(*key(0))  # nothing else to ask for
        assert await b.sent.settled() == [REMB]
        for number in range(1, 4):
            b.clock.now += BITRATE_REPEAT_S / 2
            b.arrive(*next_delta(number))
            assert await b.sent.settled() == ([] if number % 2 else [REMB])


async def test_a_gap_is_asked_for_while_a_request_for_a_picture_is_far_away() -> None:
    async with bench(real=True) as b:
        b.arrive(*delta(0))
        assert [await b.sent.next(), await b.sent.next()] == [REMB, PLI]
        first, second, third = key(1)
        b.arrive(first, third)
        assert await b.sent.next() == ("nack", 7, second.sequence)
        b.arrive(second)
        assert len(b.pictures) == 1


async def test_it_asks_again_when_nothing_but_time_passes() -> None:
    async with bench(real=True) as b:
        b.arrive(*delta(0))
        assert await b.sent.next() == REMB
        assert await b.sent.next() == PLI
        assert await b.sent.next() == PLI  # unanswered
        for number in range(12):
            b.arrive(*key(1)) if number == 0 else b.arrive(*next_delta(number, 65_544))
        assert len(b.pictures) == 1  # fast: from now on on request
        while (sent := await b.sent.next()) == REMB:
            pass
        assert sent == PLI  # shortly before the next is due


async def test_it_sleeps_while_no_packets_come_and_wakes_with_the_next() -> None:
    async with bench() as b:
        b.arrive(*delta(0))
        await b.sent.settled()
        b.clock.now += STREAM_PAUSED_S + 1
        assert await b.sent.settled() == []
        b.arrive(*delta(1))
        assert [await b.sent.next(), await b.sent.next()] == [REMB, PLI]


async def test_packets_that_change_nothing_wake_nobody() -> None:
    async with bench() as b:
        b.arrive(*delta(0))
        await b.sent.settled()
        calls = b.clock.calls
        for number in range(1, 51):
            b.arrive(*delta(number))
            await asyncio.sleep(0)
        assert b.clock.calls - calls == 50  # one for each packet, none for `run`


async def test_disabled_it_takes_and_asks_nothing_and_does_not_spin() -> None:
    async with bench() as b:
        b.arrive(*delta(0))  # a request is due at once
        b.receiver.enabled = False
        b.arrive(*key(1))
        calls = b.clock.calls
        for _ in range(10):
            assert await b.sent.settled() == []
        assert b.clock.calls - calls < 10
        assert b.pictures == []


async def test_enabled_again_it_asks_with_the_next_packet() -> None:
    async with bench() as b:
        b.arrive(*delta(0))
        b.receiver.enabled = False
        assert await b.sent.settled() == []
        b.receiver.enabled = True
        assert await b.sent.settled() == []
        b.arrive(*delta(1))
        assert await b.sent.settled() == [REMB, PLI]


async def test_packets_without_payload_are_padding() -> None:
    async with bench() as b:
        b.arrive(*key(0))
        await b.sent.settled()
        b.arrive(RtpArrival("video", "VP8", 7, 1, 0, False, b""))
        b.clock.now += 1.0
        b.arrive(*video(vp8_payloads(1, key=False), 2, 90_000))
        await b.sent.settled()
        b.clock.now += 0.1
        b.arrive(*video(vp8_payloads(1, key=False), 3, 99_000))
        assert await b.sent.settled() == []
        assert len(b.pictures) == 2  # its number was not missed


async def test_a_screen_shared_later_takes_over_from_the_camera() -> None:
    async with bench() as b:
        b.arrive(*key(0, ssrc=7), *delta(0, ssrc=8))
        assert await b.sent.settled() == [("remb", 8, BITS_PER_S), ("pli", 8)]
        b.arrive(*key(1, ssrc=7))
        assert len(b.pictures) == 1
        b.arrive(*key(1, ssrc=8))
        assert len(b.pictures) == 2


async def test_feedback_goes_to_whoever_sent_the_stream() -> None:
    async with bench() as b:
        camera, screen = Sent(), Sent()
        for packet in delta(0, ssrc=7):
            b.receiver.on_rtp(packet, camera)
        for packet in delta(0, ssrc=8):
            b.receiver.on_rtp(packet, screen)
        for packet in delta(1, ssrc=7):
            b.receiver.on_rtp(packet, camera)
        assert ("pli", 8) in await screen.settled()
        assert await camera.settled() == []


async def test_a_failing_sender_ends_the_run() -> None:
    class Broken(Sent):
        async def request_key_picture(self, ssrc: int) -> None:
            raise OSError("no route")

    made = Bench()
    made.sent = Broken()
    task = asyncio.create_task(made.receiver.run())
    made.arrive(*delta(0))
    with pytest.raises(OSError, match="no route"):
        await asyncio.wait_for(task, BOUND_S)


# ---- most packets are only counted ----------------------------------------------------------


async def resting(b: Bench) -> int:
    """A fast stream whose first request was answered; returns the next sequence number."""
    b.arrive(*key(0))
    for number in range(1, 12):
        b.arrive(*next_delta(number))
    b.clock.now += 0.95
    b.arrive(*next_delta(12))
    assert PLI in await b.sent.settled()
    b.arrive(*video(vp8_payloads(1, key=True), 65_534 + 15, 39_000))
    await b.sent.settled()
    assert b.receiver.sampler.state is SamplerState.RESTING
    return 65_534 + 16


async def test_at_rest_packets_are_not_wanted_until_the_next_is_due() -> None:
    async with bench() as b:
        sequence = await resting(b)
        before = b.receiver.sampler.counters.packets
        for _ in range(80):
            b.clock.now += 0.01
            assert not b.receiver.wants(7, b.sent)
        assert await b.sent.settled() == []
        b.clock.now += 0.2
        assert b.receiver.wants(7, b.sent)
        assert b.receiver.sampler.counters.packets == before + 80
        assert PLI in await b.sent.settled()
        b.arrive(*video(vp8_payloads(1, key=True), sequence + 200, 150_000))
        assert [picture.alone for picture in b.pictures[-2:]] == [True, True]


async def test_a_stream_that_pauses_at_rest_and_resumes_is_asked_at_once() -> None:
    async with bench(interval_s=60.0) as b:
        b.receiver.sampler.restart(0.0)
        b.arrive(*key(0))
        b.receiver.sampler.choice.mode = VideoMode.KEYS
        b.receiver.sampler.lost()
        b.arrive(*key(1))
        await b.sent.settled()
        assert not b.receiver.wants(7, b.sent) and not b.receiver.wants(7, b.sent)
        b.clock.now += STREAM_PAUSED_S + 0.1
        assert b.receiver.wants(7, b.sent)
        assert PLI in await b.sent.settled()


async def test_a_screen_that_begins_while_the_camera_rests_is_looked_at() -> None:
    async with bench() as b:
        await resting(b)
        assert not b.receiver.wants(7, b.sent) and not b.receiver.wants(7, b.sent)
        b.clock.now += PLI_REPEAT_S
        assert b.receiver.wants(8, b.sent)
        assert not b.receiver.wants(7, b.sent)
        assert ("pli", 8) in await b.sent.settled()
        b.clock.now += STREAM_PAUSED_S + 0.1  # the share has ended
        assert b.receiver.wants(7, b.sent)


async def test_what_could_not_be_decoded_is_asked_for_again() -> None:
    async with bench() as b:
        b.arrive(*key(0))
        assert await b.sent.settled() == [REMB]
        b.receiver.undecodable()
        assert await b.sent.settled() == [PLI]


async def test_switched_off_in_the_middle_it_begins_with_a_key_picture() -> None:
    async with bench() as b:
        b.arrive(*key(0))
        await b.sent.settled()
        b.receiver.enabled = False
        assert not b.receiver.wants(7, b.sent)
        b.receiver.enabled = True
        b.arrive(*next_delta(1))
        assert PLI in await b.sent.settled()


async def test_a_stream_that_slows_down_is_known_by_the_pictures_that_were_counted() -> None:
    async with bench() as b:
        sequence = await resting(b)
        for second in range(4):
            b.sent.pictures += 2
            b.clock.now += 1.0
            if b.receiver.wants(7, b.sent):
                at = sequence + 100 * second
                await b.sent.settled()
                b.arrive(*video(vp8_payloads(1, key=True), at, 90_000 * (second + 2)))
            await b.sent.settled()
        assert b.receiver.sampler.choice.mode is VideoMode.ALL
        assert b.receiver.sampler.state is SamplerState.FOLLOWING


async def test_a_picture_goes_when_its_time_has_come_without_a_packet() -> None:
    async with bench(interval_s=0.3, real=True) as b:
        b.arrive(*key(0))
        b.arrive(*video(vp8_payloads(1, key=False), 65_534 + 3, 45_000))
        assert len(b.pictures) == 1
        await asyncio.wait_for(b.second.wait(), BOUND_S)
