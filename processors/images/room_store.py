"""One room's part of the store: its images, their sizes, and what is needed to open it again."""

import json
from dataclasses import dataclass
from typing import Any, Final

from processors.images.records import RecordDamaged, image_untrusted, tree_untrusted
from processors.images.store import BlobStore
from processors.images.tree import ImageTree

ROOM: Final = "room.json"
RECORD: Final = ".json"


@dataclass(frozen=True, slots=True)
class SavedRoom:
    """`room` is what `save_room` was given last."""

    room: dict[str, Any]
    tree: ImageTree


class RoomStore:
    """All methods raise `StoreFailed`. Ids are unguessable and never used twice."""

    def __init__(self, blobs: BlobStore, room_id: str) -> None:
        self._blobs = blobs
        self._room_id = room_id

    async def put(self, image_id: str, data: bytes) -> None:
        await self._blobs.put(self._room_id, f"{image_id}.image", data)

    async def get(self, image_id: str) -> bytes | None:
        """None: never stored, or not kept any more."""
        return await self._blobs.get(self._room_id, f"{image_id}.image")

    async def put_size(self, image_id: str, size: str, data: bytes) -> None:
        await self._blobs.put(self._room_id, f"{image_id}.{size}", data)

    async def get_size(self, image_id: str, size: str) -> bytes | None:
        return await self._blobs.get(self._room_id, f"{image_id}.{size}")

    async def delete(self, image_id: str) -> None:
        for kind in ("image", "thumbnail", "screen", "json"):
            await self._blobs.delete(self._room_id, f"{image_id}.{kind}")

    async def save_image(self, image_id: str, record: dict[str, Any]) -> None:
        await self._blobs.put(self._room_id, f"{image_id}{RECORD}", _json(record))

    async def save_room(self, record: dict[str, Any]) -> None:
        """`record["tree"]` as `records.tree_record` makes it."""
        await self._blobs.put(self._room_id, ROOM, _json(record))

    async def forget_room(self) -> None:
        """It has ended: it is not to be opened again. Its images stay until they are too old."""
        await self._blobs.delete(self._room_id, ROOM)

    async def load(self) -> SavedRoom | None:
        """None: no such room was kept. Raises `RecordDamaged` too."""
        data = await self._blobs.get(self._room_id, ROOM)
        if data is None:
            return None
        room = _read(data)
        if not isinstance(room, dict):
            raise RecordDamaged("the room")
        images = []
        for name in await self._blobs.names(self._room_id):
            if name.endswith(RECORD) and name != ROOM:
                record = await self._blobs.get(self._room_id, name)
                images.append(image_untrusted(_read(record or b"")))
        images.sort(key=lambda image: image.created_at)
        return SavedRoom(room, tree_untrusted(room.get("tree"), images))


def _json(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()


def _read(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise RecordDamaged("it is not JSON") from None
