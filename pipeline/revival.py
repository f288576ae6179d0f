"""Opens rooms again that were there before the service was started anew."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from pipeline.room_record import Revived, revived
from processors.errors import ProcessorError
from processors.images.records import RecordDamaged
from processors.images.room_store import RoomStore
from processors.images.store import NAME, BlobStore

MAX_LOOKING: Final = 8  # at a time: whoever guesses ids keeps nobody else waiting for long

logger = logging.getLogger(__name__)


class Revival:
    """For `grace_s` from the start of the service on: so long people who were cut off come back."""

    def __init__(
        self, blobs: BlobStore, grace_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._blobs = blobs
        self._clock = clock
        self._until = clock() + grace_s
        self._looking = asyncio.Semaphore(MAX_LOOKING)

    async def find_untrusted(self, room_id: str) -> Revived | None:
        """None: there was no such room, or it is too late."""
        if self._clock() > self._until or not NAME.fullmatch(room_id):
            return None
        async with self._looking:
            try:
                saved = await RoomStore(self._blobs, room_id).load()
                return None if saved is None else revived(saved, time.time())
            except RecordDamaged as error:
                logger.warning("a room cannot be opened again: %s", error)
            except ProcessorError as error:
                logger.warning("a room cannot be looked for: %s", error)
            return None
