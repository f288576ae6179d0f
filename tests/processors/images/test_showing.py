"""What the Live model is shown: the current image, and what somebody points at."""

import asyncio
import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import pytest
from PIL import Image as Pillow

from processors.images.compositing import OUTLINE
from processors.images.marks import Mark
from processors.images.memory_store import MemoryStore
from processors.images.room_store import RoomStore
from processors.images.showing import Showing
from processors.images.sight import LONG_SIDE
from processors.images.tree import Image
from processors.pictures import Jpeg
from tests.processors.images.hostile import encoded
from tests.processors.images.test_sources import REGION
from tests.processors.images.test_tree import image

WAIT_LIMIT_S: Final = 5.0


class Shown:
    """What the model saw; `until` so many pictures have come."""

    def __init__(self) -> None:
        self.pictures: list[Pillow.Image] = []
        self._came = asyncio.Event()

    def __call__(self, jpeg: Jpeg) -> None:
        self.pictures.append(Pillow.open(io.BytesIO(jpeg.data)).convert("RGB"))
        self._came.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(WAIT_LIMIT_S):
            while len(self.pictures) < count:
                self._came.clear()
                await self._came.wait()

    @property
    def colours(self) -> list[str]:
        """Which of red, green and blue is most of each."""
        means = [np.asarray(one).reshape(-1, 3).mean(axis=0) for one in self.pictures]
        return ["rgb"[int(mean.argmax())] for mean in means]


class OneThread(ThreadPoolExecutor):
    """`asked`: something was given to it."""

    def __init__(self) -> None:
        super().__init__(1)
        self.asked = asyncio.Event()

    def submit(self, *work: Any, **more: Any) -> Any:
        self.asked.set()
        return super().submit(*work, **more)


@pytest.fixture
def executor() -> Iterator[OneThread]:
    with OneThread() as threads:
        yield threads


async def kept(store: RoomStore, name: str, colour: str) -> Image:
    await store.put(name, encoded(Pillow.new("RGB", (1200, 900), colour), "PNG"))
    return image(name)


async def test_the_current_image_as_a_small_jpeg(executor: OneThread) -> None:
    store, shown = RoomStore(MemoryStore(), "room"), Shown()
    showing = Showing(store, executor, shown)
    showing.look(await kept(store, "a", "red"))
    await shown.until(1)
    assert (shown.pictures[0].size, shown.colours) == ((LONG_SIDE, LONG_SIDE * 3 // 4), ["r"])
    had = showing.current
    assert had is not None
    showing.look(None)
    assert showing.current is None, "a connection that begins anew must not see it"
    await showing.close()


async def test_of_those_that_wait_the_newest_is_shown(executor: OneThread) -> None:
    store, shown = RoomStore(MemoryStore(), "room"), Shown()
    images = [await kept(store, name, name) for name in ("red", "lime", "blue")]
    showing = Showing(store, executor, shown)
    may_go_on = threading.Event()
    executor.submit(may_go_on.wait, WAIT_LIMIT_S)
    executor.asked.clear()
    showing.look(images[0])
    async with asyncio.timeout(WAIT_LIMIT_S):
        await executor.asked.wait()
    for one in images[1:]:
        showing.look(one)
    may_go_on.set()
    await shown.until(2)
    assert shown.colours == ["r", "b"]
    await showing.close()


async def test_pointing_is_seen_and_is_not_what_is_current(executor: OneThread) -> None:
    store, shown = RoomStore(MemoryStore(), "room"), Shown()
    showing = Showing(store, executor, shown)
    house = await kept(store, "a", "blue")
    showing.look(house)
    await shown.until(1)
    before = showing.current
    showing.look(house, Mark(REGION, "a", "ada", 0.0))
    await shown.until(2)
    pink = np.abs(np.asarray(shown.pictures[1]).astype(int) - OUTLINE).max(axis=2) < 90
    assert pink.any()
    assert showing.current is before
    await showing.close()


async def test_what_is_not_kept_any_more_is_not_shown_and_closing_ends_it(
    executor: OneThread,
) -> None:
    store, shown = RoomStore(MemoryStore(), "room"), Shown()
    showing = Showing(store, executor, shown)
    showing.look(image("gone"))
    showing.look(await kept(store, "a", "red"))
    await shown.until(1)
    await showing.close()
    await showing.close()
    showing.look(image("gone"))
    assert len(shown.pictures) == 1
