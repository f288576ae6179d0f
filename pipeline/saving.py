"""Keeps what is needed to open the room again after a restart of the service."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from processors.errors import ProcessorError
from processors.images.room_store import RoomStore

GAP_S: Final = 0.2  # changes come in bursts
ALIVE_S: Final = 30.0  # a room in which nothing changes says so that often that it lives
CLOSE_LIMIT_S: Final = 2.0

logger = logging.getLogger(__name__)


Encode = Callable[[float], bytes]
"""The record as it was, with the time (seconds since the epoch) at which it is saved."""


class Saving:
    """From `begin()` on. `record()` is what is saved, encoded in a thread; `soon()` asks for it,
    `close()` does it once more."""

    def __init__(self, store: RoomStore, record: Callable[[], Encode]) -> None:
        self.failures = 0
        self._store = store
        self._record = record
        self._changed = asyncio.Event()
        self._closing = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._changed.set()
        self._work = asyncio.create_task(self._save_on(), name="saving")

    def soon(self) -> None:
        self._changed.set()

    async def close(self) -> None:
        """Idempotent, within `CLOSE_LIMIT_S`."""
        self._closing.set()
        work, self._work = self._work, None
        if work is None:
            return
        self._changed.set()
        try:
            async with asyncio.timeout(CLOSE_LIMIT_S):
                # Not cancelled: what a thread is writing would come after the last word.
                await asyncio.wait({work})
                await self._save()
        except TimeoutError:
            self.failures += 1
            logger.warning("the room is not saved for a restart: the store takes too long")
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

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
            await _set_within(ALIVE_S, self._changed)
            if self._closing.is_set():
                return
            self._changed.clear()
            await self._save()
            await _set_within(GAP_S, self._closing)

    async def _save(self) -> None:
        try:
            record = await asyncio.to_thread(self._record(), time.time())
            await self._store.save_room(record)
        except ProcessorError as error:
            self.failures += 1
            logger.warning("the room is not saved for a restart: %s", error)
        except Exception:  # the next change may be saved again
            self.failures += 1
            logger.exception("the room is not saved for a restart")


async def _set_within(limit_s: float, event: asyncio.Event) -> None:
    """Waits for it, but not longer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await event.wait()
