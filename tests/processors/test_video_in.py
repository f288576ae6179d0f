import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import pytest_asyncio
from pipecat.frames.frames import Frame, InputImageRawFrame

from processors.pictures import CodedPictures, Jpeg
from processors.video_in import EARLY_SHARE, EASEL, MAX_WAITING, VideoIn, VideoInConfig
from tests.processors.encoded_pictures import (
    bars,
    encoded,
    opened,
    psnr_db,
    resized,
    scene,
    stream,
)

LIMIT_S = 10.0
INTERVAL_S = 0.25
WAITED_S = 0.1
KEY = CodedPictures("VP8", (encoded("VP8", scene(320, 240)),))
NO_PICTURE = CodedPictures("VP8", (b"garbage",))


class Seen:
    """What was emitted, and when."""

    def __init__(self) -> None:
        self.frames: list[InputImageRawFrame] = []
        self.times: list[float] = []
        self._arrived = asyncio.Event()

    def __call__(self, frame: Frame) -> None:
        assert isinstance(frame, InputImageRawFrame)
        self.frames.append(frame)
        self.times.append(asyncio.get_running_loop().time())
        self._arrived.set()

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(LIMIT_S):
            while len(self.frames) < count:
                self._arrived.clear()
                await self._arrived.wait()


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as one_thread:
        yield one_thread


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest_asyncio.fixture
async def video_in(executor: ThreadPoolExecutor, seen: Seen) -> AsyncIterator[VideoIn]:
    video = VideoIn(VideoInConfig(interval_s=INTERVAL_S, long_side_px=160), executor, seen)
    yield video
    await video.close()


async def until(condition: Callable[[], object]) -> None:
    """Lets the loop run until the condition holds."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110  # no event tells that a counter moved
            await asyncio.sleep(0)


async def test_a_picture_becomes_a_jpeg(video_in: VideoIn, seen: Seen) -> None:
    video_in.picture("peer", KEY)
    await seen.wait_for(1)
    (frame,) = seen.frames
    assert (frame.size, frame.format, frame.transport_source) == ((160, 120), "JPEG", "peer")
    assert opened(frame.image).shape == (120, 160, 3)
    assert video_in.latest is not None
    assert video_in.latest.data == frame.image
    assert (video_in.counters.pictures, video_in.counters.sent) == (1, 1)


async def test_quality_is_as_configured(executor: ThreadPoolExecutor) -> None:
    sizes = []
    for quality in (30, 90):
        seen = Seen()
        video_in = VideoIn(VideoInConfig(jpeg_quality=quality), executor, seen)
        video_in.picture("peer", KEY)
        await seen.wait_for(1)
        sizes.append(len(seen.frames[0].image))
        await video_in.close()
    assert sizes[0] < sizes[1]


async def test_it_can_be_configured_anew(video_in: VideoIn, seen: Seen) -> None:
    video_in.configure(VideoInConfig(interval_s=0.0, long_side_px=64))
    for _ in range(2):
        video_in.picture("peer", KEY)
        await until(lambda: video_in.counters.sent)
        video_in.counters.sent = 0
    assert [frame.size for frame in seen.frames] == [(64, 48), (64, 48)]
    assert seen.times[1] - seen.times[0] < INTERVAL_S * EARLY_SHARE


async def test_an_early_picture_waits_for_its_time(video_in: VideoIn, seen: Seen) -> None:
    video_in.picture("peer", KEY)
    await seen.wait_for(1)
    video_in.picture("other", KEY)
    await seen.wait_for(2)
    assert seen.times[1] - seen.times[0] >= INTERVAL_S * EARLY_SHARE
    assert seen.frames[1].transport_source == "other"


async def test_the_newest_of_those_that_are_early_goes(
    executor: ThreadPoolExecutor, seen: Seen
) -> None:
    video_in = VideoIn(VideoInConfig(interval_s=2.0, long_side_px=160), executor, seen)
    video_in.picture("1", KEY)
    await seen.wait_for(1)
    for number in (2, 3):
        video_in.picture(str(number), KEY)
        await until(partial(is_newer, video_in, video_in.latest))
    await seen.wait_for(2)
    assert [frame.transport_source for frame in seen.frames] == ["1", "3"]
    assert (video_in.counters.sent, video_in.counters.replaced) == (2, 1)
    await video_in.close()


def is_newer(video_in: VideoIn, latest: Jpeg | None) -> bool:
    return video_in.latest is not latest


async def test_while_one_is_decoded_others_are_skipped(
    video_in: VideoIn, seen: Seen, executor: ThreadPoolExecutor
) -> None:
    go_on = threading.Event()
    executor.submit(go_on.wait, LIMIT_S)  # the only thread is busy
    for _ in range(5):
        video_in.picture("peer", KEY)
        await asyncio.sleep(0)
    assert video_in.counters.skipped == 4
    go_on.set()
    await seen.wait_for(1)
    assert len(seen.frames) == 1


async def test_a_bad_picture_is_counted_and_the_next_one_goes(
    video_in: VideoIn, seen: Seen
) -> None:
    video_in.picture("peer", NO_PICTURE)
    await until(lambda: video_in.counters.refused == 1)
    assert video_in.latest is None
    await asyncio.sleep(0)  # for its task to end
    video_in.picture("peer", KEY)
    await seen.wait_for(1)


async def test_our_own_mistakes_are_logged_and_survived(
    seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    video_in = VideoIn(VideoInConfig(), executor, seen)
    with caplog.at_level(logging.ERROR, "processors.video_in"):
        video_in.picture("peer", KEY)
        await until(lambda: video_in.counters.refused == 1)
    assert "could not be converted" in caplog.text
    await video_in.close()


async def test_after_the_close_nothing_comes(
    video_in: VideoIn, seen: Seen, executor: ThreadPoolExecutor
) -> None:
    video_in.picture("peer", KEY)
    await seen.wait_for(1)
    video_in.picture(
        "peer", CodedPictures("VP8", (encoded("VP8", np.flip(scene(320, 240), 0).copy()),))
    )
    latest = video_in.latest
    await until(lambda: video_in.latest is not latest)  # it waits for its time now
    await video_in.close()
    await video_in.close()
    video_in.picture("peer", KEY)
    assert video_in.counters.pictures == 2
    assert len(seen.frames) == 1


async def test_one_that_saw_nothing_closes_too(video_in: VideoIn) -> None:
    await video_in.close()


async def test_the_close_does_not_wait_for_a_busy_thread(
    video_in: VideoIn, seen: Seen, executor: ThreadPoolExecutor
) -> None:
    go_on = threading.Event()
    executor.submit(go_on.wait, LIMIT_S)
    video_in.picture("peer", KEY)
    await asyncio.sleep(0)
    async with asyncio.timeout(LIMIT_S / 2):
        await video_in.close()
    go_on.set()
    executor.shutdown()
    await asyncio.sleep(0)
    assert seen.frames == []


# ---- streams of which every picture is taken ------------------------------------------------


def moving(count: int, codec: str = "VP8") -> list[bytes]:
    """A key picture and those that build on it."""
    picture = scene(320, 240)
    return stream(codec, [np.roll(picture, 8 * number, axis=1) for number in range(count)])


class Losses:
    """How often a key picture was asked for."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def followed(*parts: bytes, alone: bool = False) -> CodedPictures:
    return CodedPictures("VP8", parts, alone=alone, followed=True)


async def test_pictures_that_build_on_others_are_decoded(video_in: VideoIn, seen: Seen) -> None:
    coded, losses = moving(5), Losses()
    runs = [followed(coded[0], alone=True), followed(*coded[1:4]), followed(coded[4])]
    for number, run in enumerate(runs, 1):
        video_in.picture("peer", run, losses)
        await seen.wait_for(number)
    wanted = resized(np.roll(scene(320, 240), 32, axis=1), 160, 120)
    assert psnr_db(opened(seen.frames[-1].image), wanted) > 28
    assert losses.count == 0


async def test_two_peers_keep_apart(video_in: VideoIn, seen: Seen) -> None:
    one, other = moving(2), stream("VP8", [bars(320, 240), bars(320, 240)])
    for peer, coded in (("one", one), ("other", other)):
        video_in.picture(peer, followed(coded[0], alone=True))
        await until(lambda: video_in.latest is not None)
    video_in.picture("one", followed(one[1]))
    await seen.wait_for(2)
    await until(lambda: video_in.counters.pictures == 3)
    assert video_in.counters.refused == video_in.counters.skipped == 0


async def test_without_what_it_builds_on_a_picture_asks_for_a_key(video_in: VideoIn) -> None:
    losses = Losses()
    video_in.picture("peer", followed(moving(2)[1]), losses)
    assert (losses.count, video_in.counters.skipped) == (1, 1)


async def test_one_that_does_not_decode_asks_for_a_key_and_ends_the_stream(
    video_in: VideoIn, seen: Seen
) -> None:
    coded, losses = moving(2), Losses()
    video_in.picture("peer", followed(coded[0], alone=True), losses)
    await seen.wait_for(1)
    video_in.picture("peer", followed(b"garbage"), losses)
    await until(lambda: losses.count == 1)
    video_in.picture("peer", followed(coded[1]), losses)
    assert (losses.count, video_in.counters.refused) == (2, 1)
    video_in.picture("peer", followed(coded[0], alone=True), losses)
    await seen.wait_for(2)
    assert losses.count == 2


async def test_followed_pictures_wait_for_a_busy_thread_and_not_for_ever(
    video_in: VideoIn, executor: ThreadPoolExecutor
) -> None:
    coded, losses, gate = moving(MAX_WAITING + 4), Losses(), threading.Event()
    executor.submit(gate.wait)
    video_in.picture("peer", followed(coded[0], alone=True), losses)
    for part in coded[1:4]:
        video_in.picture("peer", followed(part), losses)
    assert (losses.count, video_in.counters.skipped) == (0, 0)
    await asyncio.sleep(0)
    for part in coded[4:]:
        video_in.picture("peer", followed(part), losses)
    assert losses.count >= 1
    gate.set()
    await until(lambda: video_in.counters.pictures == len(coded))


async def test_a_camera_that_is_switched_off_is_seen_no_more(
    executor: ThreadPoolExecutor, video_in: VideoIn, seen: Seen
) -> None:
    """Neither the picture that waits for its time, nor the one that is being decoded."""
    video_in.picture("other", KEY)
    await seen.wait_for(1)
    shown = video_in.latest
    video_in.picture("peer", KEY)
    await until(lambda: video_in.latest is not shown)
    video_in.forget("peer")
    gate = threading.Event()
    executor.submit(gate.wait)
    video_in.picture("peer", KEY)
    await asyncio.sleep(0)
    video_in.forget("peer")
    gate.set()

    def another_is_seen() -> bool:
        video_in.picture("other", KEY)
        return len(seen.frames) > 1

    await until(another_is_seen)
    assert [frame.transport_source for frame in seen.frames] == ["other", "other"]


async def test_what_was_seen_is_told_until_it_is_forgotten(
    executor: ThreadPoolExecutor, seen: Seen
) -> None:
    frames: list[tuple[str, Jpeg, float]] = []
    video_in = VideoIn(
        VideoInConfig(), executor, seen, lambda peer, jpeg, at: frames.append((peer, jpeg, at))
    )
    coded, gate, loop = moving(3), threading.Event(), asyncio.get_running_loop()
    executor.submit(gate.wait)
    video_in.picture("peer", followed(coded[0], alone=True))
    came_at = loop.time()
    await until(lambda: loop.time() > came_at + WAITED_S)  # for the thread
    gate.set()
    await until(lambda: frames)
    gate = threading.Event()
    executor.submit(gate.wait)
    for part in coded[1:]:
        video_in.picture("peer", followed(part))
    await asyncio.sleep(0)
    video_in.forget("peer")
    video_in.forget("nobody")
    gate.set()

    def another_is_seen() -> bool:
        video_in.picture("other", KEY)
        return any(frame.transport_source == "other" for frame in seen.frames)

    await until(another_is_seen)  # after all that waited
    await video_in.close()
    ((peer_id, jpeg, at),) = frames
    assert peer_id == "peer"
    assert (jpeg.width, jpeg.height) == (jpeg.source_width, jpeg.source_height)
    assert abs(at - came_at) < WAITED_S / 2


async def test_what_is_shown_goes_before_the_cameras(video_in: VideoIn, seen: Seen) -> None:
    image = Jpeg(b"the current image", 8, 6, 8, 6)
    video_in.show(image)
    await until(lambda: seen.frames)
    video_in.show(replace(image, data=b"another"))
    video_in.picture("peer", KEY)
    await until(lambda: video_in.latest is not None)
    video_in.forget("peer")  # and the place it had
    await until(lambda: len(seen.frames) > 1)
    assert [frame.image for frame in seen.frames] == [b"the current image", b"another"]
    assert [frame.transport_source for frame in seen.frames] == [EASEL, EASEL]
    await video_in.close()
    video_in.show(image)
    assert len(seen.frames) == 2


async def test_a_still_screen_is_not_sent_again_at_once(video_in: VideoIn, seen: Seen) -> None:
    still = stream("VP8", [bars(320, 240)] * 6)
    video_in.picture("peer", followed(still[0], alone=True))
    await seen.wait_for(1)
    for number, part in enumerate(still[1:], 1):
        video_in.picture("peer", followed(part))
        await until(partial(lambda n: video_in.counters.unchanged >= n - 1, number))
    await until(lambda: video_in.counters.unchanged >= 4)
    assert video_in.counters.sent <= 2
