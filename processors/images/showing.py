"""Shows the Live model what is current in the room, and what somebody points at."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

from processors.errors import ProcessorError
from processors.images.making import still
from processors.images.marks import Mark
from processors.images.pixels import Picture
from processors.images.room_store import RoomStore
from processors.images.sight import sight
from processors.images.tree import Image
from processors.pictures import Jpeg

logger = logging.getLogger(__name__)


class Showing:
    """`show` gets the JPEGs. `current` is the last one of the current image, for connections that
    begin anew. One picture is worked at; a newer wish replaces one that waits."""

    def __init__(self, store: RoomStore, executor: Executor, show: Callable[[Jpeg], None]) -> None:
        self.current: Picture | None = None
        self._store = store
        self._executor = executor
        self._show = show
        self._work: asyncio.Task[None] | None = None
        self._next: tuple[Image | None, Mark | None] | None = None
        self._closed = False

    def look(self, image: Image | None, mark: Mark | None = None) -> None:
        """At the current image, or at what the mark means. `image` None: there is none."""
        if image is None and mark is None:
            self.current = None
            return
        self._next = (image, mark)
        if not self._closed and (self._work is None or self._work.done()):
            self._work = asyncio.create_task(self._look(), name="showing")

    async def close(self) -> None:
        """Idempotent."""
        self._closed = True
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    async def _look(self) -> None:
        while self._next is not None:
            (image, mark), self._next = self._next, None
            try:
                seen = await self._seen(image, mark)
            except ProcessorError as error:
                logger.warning("the model cannot be shown the current image: %s", error)
                continue
            if seen is None:
                continue
            if mark is None:
                self.current = seen
            self._show(Jpeg(seen.data, seen.width, seen.height, seen.width, seen.height))

    async def _seen(self, image: Image | None, mark: Mark | None) -> Picture | None:
        region = None if mark is None else mark.region
        loop = asyncio.get_running_loop()
        if mark is not None and mark.frame is not None:
            frame = await loop.run_in_executor(self._executor, still, (mark.frame,))
            return await loop.run_in_executor(self._executor, partial(sight, frame.data, region))
        data = None if image is None else await self._store.get(image.image_id)
        if data is None:
            return None
        return await loop.run_in_executor(self._executor, partial(sight, data, region))
