"""One room's part of the store: its images, their sizes, and what is needed to open it again."""

import json
import logging
from dataclasses import dataclass
from typing import Any, Final

from processors.images.records import RecordDamaged, image_untrusted, tree_untrusted
from processors.images.store import BlobStore
from processors.images.tree import Image, ImageState, ImageTree

ROOM: Final = "room.json"
RECORD: Final = ".json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptRoom:
    """As it lies in the store: the room's record, those of its images, and all the names."""

    room: bytes
    records: tuple[bytes, ...]
    names: frozenset[str]


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
        await self._blobs.put(self._room_id, _image_name(image_id), data)

    async def get(self, image_id: str) -> bytes | None:
        """None: never stored, or not kept any more."""
        return await self._blobs.get(self._room_id, _image_name(image_id))

    async def put_size(self, image_id: str, size: str, data: bytes) -> None:
        await self._blobs.put(self._room_id, f"{image_id}.{size}", data)

    async def get_size(self, image_id: str, size: str) -> bytes | None:
        return await self._blobs.get(self._room_id, f"{image_id}.{size}")

    async def delete(self, image_id: str) -> None:
        # Its record goes first: whatever stops this, it does not come back without its bytes.
        for kind in ("json", "image", "thumbnail", "screen"):
            await self._blobs.delete(self._room_id, f"{image_id}.{kind}")

    async def save_image(self, image_id: str, record: dict[str, Any]) -> None:
        await self._blobs.put(self._room_id, f"{image_id}{RECORD}", _json(record))

    async def save_room(self, record: bytes) -> None:
        """JSON; its `tree` as `records.tree_record` makes it."""
        await self._blobs.put(self._room_id, ROOM, record)

    async def forget_room(self) -> None:
        """It has ended: it is not to be opened again. Its images stay until they are too old."""
        await self._blobs.delete(self._room_id, ROOM)

    async def fetch(self) -> KeptRoom | None:
        """None: no such room was kept."""
        room = await self._blobs.get(self._room_id, ROOM)
        if room is None:
            return None
        names, records = await self._blobs.names(self._room_id), []
        for name in names:
            if name.endswith(RECORD) and name != ROOM:
                record = await self._blobs.get(self._room_id, name)
                if record is not None:  # else it was deleted since
                    records.append(record)
        return KeptRoom(room, tuple(records), frozenset(names))


def saved_untrusted(kept: KeptRoom) -> SavedRoom:
    """Without the images whose record is damaged or whose bytes are gone. Takes its time when there
    are many. Raises `RecordDamaged`."""
    room = _read(kept.room)
    if not isinstance(room, dict):
        raise RecordDamaged("the room")
    images = []
    for record in kept.records:
        try:
            image = image_untrusted(_read(record))
        except RecordDamaged as error:
            logger.warning("an image is lost: %s", error)
            continue
        if _has_bytes(image, kept):
            images.append(image)
    images.sort(key=lambda image: image.created_at)
    return SavedRoom(room, tree_untrusted(room.get("tree"), images))


def _has_bytes(image: Image, kept: KeptRoom) -> bool:
    return image.state is not ImageState.READY or _image_name(image.image_id) in kept.names


def _image_name(image_id: str) -> str:
    return f"{image_id}.image"


def _json(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()


def _read(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise RecordDamaged("it is not JSON") from None
