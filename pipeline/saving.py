"""Keeps what is needed to open the room again after a restart of the service."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from processors.errors import ProcessorError
from processors.images.room_store import RoomStore

GAP_S: Final = 0.2  # changes come in bursts
ALIVE_S: Final = 30.0  # a room in which nothing changes says so that often that it lives
CLOSE_LIMIT_S: Final = 2.0

logger = logging.getLogger(__name__)


class Saving:
    """From `begin()` on. `record()` is what is saved, `soon()` asks for it, `close()` does it once
    more."""

    def __init__(self, store: RoomStore, record: Callable[[], dict[str, Any]]) -> None:
        self.failures = 0
        self._store = store
        self._record = record
        self._changed = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self._closed = False

    def begin(self) -> None:
        self._changed.set()
        self._work = asyncio.create_task(self._save_on(), name="saving")

    def soon(self) -> None:
        self._changed.set()

    async def close(self) -> None:
        """Idempotent, within `CLOSE_LIMIT_S`."""
        if self._closed:
            return
        self._closed = True
        work, self._work = self._work, None
        if work is not None:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            try:
                async with asyncio.timeout(CLOSE_LIMIT_S):
                    await self._save()
            except TimeoutError:
                self.failures += 1

    async def forget(self) -> None:
        """The room has ended: it will not be opened again. After `close`."""
        try:
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await self._store.forget_room()
        except (ProcessorError, TimeoutError):
            self.failures += 1
            logger.warning("a room that has ended may be opened again after a restart")

    async def _save_on(self) -> None:
        while True:
            try:
                async with asyncio.timeout(ALIVE_S):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            await self._save()
            await asyncio.sleep(GAP_S)

    async def _save(self) -> None:
        try:
            await self._store.save_room({**self._record(), "saved_at": time.time()})
        except ProcessorError as error:
            self.failures += 1
            logger.warning("the room is not saved for a restart: %s", error)
