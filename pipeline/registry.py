"""All rooms of this process: opened, found, and ended together."""

import asyncio
import logging
import secrets
from typing import Final

from pipeline.errors import NO_SUCH_PEER, PeerUnknown, RoomUnknown, ServiceFull
from pipeline.log import log_context
from pipeline.metrics import Metrics
from pipeline.revival import Revival
from pipeline.room import Room
from pipeline.room_record import Revived
from pipeline.room_settings import RoomSettings
from pipeline.shared import Shared

logger = logging.getLogger(__name__)

ID_BYTES: Final = 18  # 144 bits: an id cannot be guessed


class Registry:
    """Owns the rooms and their tasks; the only one who adds or removes any."""

    def __init__(
        self, shared: Shared, metrics: Metrics, *, max_rooms: int, revival: Revival | None = None
    ) -> None:
        self._revival = revival
        self._reviving: dict[str, asyncio.Lock] = {}
        self._shared = shared
        self._metrics = metrics
        self._max_rooms = max_rooms
        self._rooms: dict[str, Room] = {}
        self._lives: set[asyncio.Task[None]] = set()
        self._closing = False

    def __len__(self) -> int:
        return len(self._rooms)

    @property
    def _outlived(self) -> bool:
        """What is saved is there for the next service."""
        return self._shared.blobs.outlives_the_process

    @property
    def accepting(self) -> bool:
        return not self._closing and len(self._rooms) < self._max_rooms

    @property
    def rooms(self) -> list[Room]:
        return list(self._rooms.values())

    def open(self, settings: RoomSettings) -> Room:
        """Raises `ServiceFull`."""
        return self._open(secrets.token_urlsafe(ID_BYTES), settings, None)

    def _open(self, room_id: str, settings: RoomSettings, before: Revived | None) -> Room:
        if self._closing:
            raise ServiceFull("The service is shutting down.")
        if len(self._rooms) >= self._max_rooms:
            raise ServiceFull("The service is full.")
        room = Room(room_id, settings, self._shared, before)
        self._rooms[room.room_id] = room
        self._metrics.add(room)
        life = asyncio.create_task(self._live(room), name=f"room-{room.room_id[:8]}")
        self._lives.add(life)
        life.add_done_callback(self._lives.discard)
        return room

    def find(self, room_id: str) -> Room:
        """Raises `RoomUnknown`; `ServiceFull` when it may be opened again by the next service."""
        room = self._rooms.get(room_id)
        if room is None or room.lifecycle.over:
            if self._closing and self._outlived:
                raise ServiceFull("The service is shutting down.")
            raise RoomUnknown("There is no such session, or it has ended.")
        return room

    async def find_or_revive(self, room_id: str) -> Room:
        """Also one that was there before the service was started anew. Raises `RoomUnknown`,
        `ServiceFull`."""
        if self._revival is None or room_id in self._rooms:
            return self.find(room_id)
        async with self._reviving.setdefault(room_id, asyncio.Lock()):
            try:
                before = None
                if room_id not in self._rooms:
                    before = await self._revival.find_untrusted(room_id)
                # Somebody else may have opened it meanwhile: whoever waits at a lock that is gone
                # from the table does not keep out those who come later.
                if before is not None and room_id not in self._rooms:
                    logger.info("a room is opened again")
                    return self._open(room_id, before.settings, before)
                return self.find(room_id)
            finally:
                self._reviving.pop(room_id, None)

    def find_by_peer(self, peer_id: str) -> Room:
        """The room that the peer is in. Raises `PeerUnknown`."""
        for room in self._rooms.values():
            if room.peers.knows(peer_id) and not room.lifecycle.over:
                return room
        raise PeerUnknown(NO_SUCH_PEER)

    async def close(self, limit_s: float) -> None:
        """Ends all rooms; those that do not end within the limit are cancelled."""
        self._closing = True
        for room in self.rooms:
            room.close("the service is shutting down", may_come_back=self._outlived)
        if not self._lives:
            return
        lives = list(self._lives)
        _, late = await asyncio.wait(lives, timeout=limit_s)
        for life in late:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)

    async def _live(self, room: Room) -> None:
        with log_context(room=room.room_id):
            logger.info("room created")
            try:
                await room.run()
            except Exception:
                logger.exception("room failed")
            finally:
                self._rooms.pop(room.room_id, None)
                self._metrics.retire(room)
                logger.info("room closed")
