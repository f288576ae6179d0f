"""Where the bytes of a room's images are. In memory: gone with the room. Pure."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, Protocol

from processors.images.pixels import Picture

MEMORY_LIMIT_BYTES: Final = 128 << 20


class ImageStore(Protocol):
    """Ids are unguessable and never used twice."""

    def put(self, image_id: str, picture: Picture) -> None: ...

    def get(self, image_id: str) -> Picture | None:
        """None: never stored, or not kept any more."""


@dataclass(slots=True)
class StoreCounters:
    stored: int = 0
    evicted: int = 0


@dataclass(slots=True)
class MemoryStore:
    """Keeps `limit_bytes`; beyond it the image unused for longest goes, and is counted.

    The newest is kept whatever its size, since it has just been announced.
    """

    limit_bytes: int = MEMORY_LIMIT_BYTES
    kept_bytes: int = 0
    counters: StoreCounters = field(default_factory=StoreCounters)
    _pictures: OrderedDict[str, Picture] = field(default_factory=OrderedDict)

    def put(self, image_id: str, picture: Picture) -> None:
        self._remove(image_id)
        self._pictures[image_id] = picture
        self.counters.stored += 1
        self.kept_bytes += len(picture.data)
        while self.kept_bytes > self.limit_bytes and len(self._pictures) > 1:
            self._remove(next(iter(self._pictures)))
            self.counters.evicted += 1

    def get(self, image_id: str) -> Picture | None:
        picture = self._pictures.get(image_id)
        if picture is not None:
            self._pictures.move_to_end(image_id)
        return picture

    def _remove(self, image_id: str) -> None:
        picture = self._pictures.pop(image_id, None)
        if picture is not None:
            self.kept_bytes -= len(picture.data)
