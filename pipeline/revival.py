"""Opens rooms again that were there before the service was started anew."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from pipeline.room_record import Revived, revived
from processors.errors import ProcessorError
from processors.images.records import RecordDamaged
from processors.images.room_store import KeptRoom, RoomStore, saved_untrusted
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
                kept = await RoomStore(self._blobs, room_id).fetch()
                # In a thread: a room of a thousand images is long to read.
                return None if kept is None else await asyncio.to_thread(_revived, kept)
            except RecordDamaged as error:
                logger.warning("a room cannot be opened again: %s", error)
            except ProcessorError as error:
                logger.warning("a room cannot be looked for: %s", error)
            return None


def _revived(kept: KeptRoom) -> Revived | None:
    """Raises `RecordDamaged`."""
    return revived(saved_untrusted(kept), time.time())
