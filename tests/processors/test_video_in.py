import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import pytest_asyncio
from pipecat.frames.frames import Frame, InputImageRawFrame

from processors.pictures import Jpeg
from processors.video_in import EARLY_SHARE, VideoIn, VideoInConfig
from tests.processors.encoded_pictures import encoded, opened, scene

LIMIT_S = 10.0
INTERVAL_S = 0.25
KEY = encoded("VP8", scene(320, 240))


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
    video_in.picture("peer", "VP8", KEY)
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
        video_in.picture("peer", "VP8", KEY)
        await seen.wait_for(1)
        sizes.append(len(seen.frames[0].image))
        await video_in.close()
    assert sizes[0] < sizes[1]


async def test_an_early_picture_waits_for_its_time(video_in: VideoIn, seen: Seen) -> None:
    video_in.picture("peer", "VP8", KEY)
    await seen.wait_for(1)
    video_in.picture("other", "VP8", KEY)
    await seen.wait_for(2)
    assert seen.times[1] - seen.times[0] >= INTERVAL_S * EARLY_SHARE
    assert seen.frames[1].transport_source == "other"


async def test_the_newest_of_those_that_are_early_goes(
    executor: ThreadPoolExecutor, seen: Seen
) -> None:
    video_in = VideoIn(VideoInConfig(interval_s=2.0, long_side_px=160), executor, seen)
    video_in.picture("1", "VP8", KEY)
    await seen.wait_for(1)
    for number in (2, 3):
        video_in.picture(str(number), "VP8", KEY)
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
        video_in.picture("peer", "VP8", KEY)
        await asyncio.sleep(0)
    assert video_in.counters.skipped == 4
    go_on.set()
    await seen.wait_for(1)
    assert len(seen.frames) == 1


async def test_a_bad_picture_is_counted_and_the_next_one_goes(
    video_in: VideoIn, seen: Seen
) -> None:
    video_in.picture("peer", "VP8", b"garbage")
    await until(lambda: video_in.counters.refused == 1)
    assert video_in.latest is None
    await asyncio.sleep(0)  # for its task to end
    video_in.picture("peer", "VP8", KEY)
    await seen.wait_for(1)


async def test_our_own_mistakes_are_logged_and_survived(
    seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    video_in = VideoIn(VideoInConfig(), executor, seen)
    with caplog.at_level(logging.ERROR, "processors.video_in"):
        video_in.picture("peer", "VP8", KEY)
        await until(lambda: video_in.counters.refused == 1)
    assert "could not be converted" in caplog.text
    await video_in.close()


async def test_after_the_close_nothing_comes(
    video_in: VideoIn, seen: Seen, executor: ThreadPoolExecutor
) -> None:
    video_in.picture("peer", "VP8", KEY)
    await seen.wait_for(1)
    video_in.picture("peer", "VP8", encoded("VP8", np.flip(scene(320, 240), 0).copy()))
    latest = video_in.latest
    await until(lambda: video_in.latest is not latest)  # it waits for its time now
    await video_in.close()
    await video_in.close()
    video_in.picture("peer", "VP8", KEY)
    assert video_in.counters.pictures == 2
    assert len(seen.frames) == 1


async def test_one_that_saw_nothing_closes_too(video_in: VideoIn) -> None:
    await video_in.close()


async def test_the_close_does_not_wait_for_a_busy_thread(
    video_in: VideoIn, seen: Seen, executor: ThreadPoolExecutor
) -> None:
    go_on = threading.Event()
    executor.submit(go_on.wait, LIMIT_S)
    video_in.picture("peer", "VP8", KEY)
    await asyncio.sleep(0)
    async with asyncio.timeout(LIMIT_S / 2):
        await video_in.close()
    go_on.set()
    executor.shutdown()
    await asyncio.sleep(0)
    assert seen.frames == []
