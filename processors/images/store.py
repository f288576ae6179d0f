"""Where the bytes of a room's images are. In memory: gone with the room."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, Protocol

from processors.images.pixels import Picture

MEMORY_LIMIT_BYTES: Final = 128 << 20


class ImageStore(Protocol):
    """Ids are unguessable and never used twice."""

    def put(self, image_id: str, picture: Picture) -> None: ...

    def get(self, image_id: str) -> Picture | None: ...


@dataclass(slots=True)
class MemoryStore:
    """Keeps `limit_bytes`; beyond it the image unused for longest goes, and is counted."""

    limit_bytes: int = MEMORY_LIMIT_BYTES
    evicted: int = 0
    _pictures: OrderedDict[str, Picture] = field(default_factory=OrderedDict)
    _bytes: int = 0

    def put(self, image_id: str, picture: Picture) -> None:
        self._pictures[image_id] = picture
        self._bytes += len(picture.data)
        while self._bytes > self.limit_bytes and len(self._pictures) > 1:
            _, old = self._pictures.popitem(last=False)
            self._bytes -= len(old.data)
            self.evicted += 1

    def get(self, image_id: str) -> Picture | None:
        picture = self._pictures.get(image_id)
        if picture is not None:
            self._pictures.move_to_end(image_id)
        return picture
