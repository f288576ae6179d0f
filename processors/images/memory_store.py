"""Images in memory: gone with the process. Also the nearest part of every other store. Pure."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from processors.images.store import BlobStore, checked

LIMIT_BYTES: Final = 256 << 20
Key = tuple[str, str]


@dataclass(slots=True)
class StoreCounters:
    stored: int = 0
    evicted: int = 0
    hits: int = 0
    misses: int = 0


@dataclass(slots=True)
class MemoryStore:
    """Keeps `limit_bytes`; beyond it what was unused for longest goes, and is counted.

    The newest is kept whatever its size, since it has just been announced.
    """

    limit_bytes: int = LIMIT_BYTES
    kept_bytes: int = 0
    counters: StoreCounters = field(default_factory=StoreCounters)
    _blobs: "OrderedDict[Key, bytes]" = field(default_factory=OrderedDict)

    @property
    def outlives_the_process(self) -> bool:
        return False

    async def put(self, folder: str, name: str, data: bytes) -> None:
        checked(folder, name)
        self.keep((folder, name), data)

    async def get(self, folder: str, name: str) -> bytes | None:
        checked(folder, name)
        return self.find((folder, name))

    async def delete(self, folder: str, name: str) -> None:
        checked(folder, name)
        self.drop((folder, name))

    async def names(self, folder: str) -> list[str]:
        checked(folder)
        return [name for inside, name in self._blobs if inside == folder]

    async def folders(self) -> list[str]:
        return list(dict.fromkeys(folder for folder, _ in self._blobs))

    async def delete_folder(self, folder: str) -> None:
        for name in await self.names(folder):
            self.drop((folder, name))

    async def close(self) -> None:
        self._blobs.clear()
        self.kept_bytes = 0

    def keep(self, key: Key, data: bytes) -> None:
        self.drop(key)
        self._blobs[key] = data
        self.counters.stored += 1
        self.kept_bytes += len(data)
        while self.kept_bytes > self.limit_bytes and len(self._blobs) > 1:
            self.drop(next(iter(self._blobs)))
            self.counters.evicted += 1

    def find(self, key: Key) -> bytes | None:
        data = self._blobs.get(key)
        if data is None:
            self.counters.misses += 1
            return None
        self.counters.hits += 1
        self._blobs.move_to_end(key)
        return data

    def drop(self, key: Key) -> None:
        data = self._blobs.pop(key, None)
        if data is not None:
            self.kept_bytes -= len(data)


@dataclass(slots=True)
class CachedStore:
    """A store behind a `memory` that holds what was used last."""

    behind: BlobStore
    memory: MemoryStore
    _deletions: int = 0

    @property
    def outlives_the_process(self) -> bool:
        return self.behind.outlives_the_process

    async def put(self, folder: str, name: str, data: bytes) -> None:
        await self.behind.put(folder, name, data)
        self.memory.keep((folder, name), data)

    async def get(self, folder: str, name: str) -> bytes | None:
        data = self.memory.find((folder, name))
        if data is None:
            before = self._deletions
            data = await self.behind.get(folder, name)
            # What was deleted while it was on its way must not live on here.
            if data is not None and before == self._deletions:
                self.memory.keep((folder, name), data)
        return data

    async def delete(self, folder: str, name: str) -> None:
        await self.behind.delete(folder, name)
        self._deletions += 1
        self.memory.drop((folder, name))

    async def names(self, folder: str) -> list[str]:
        return await self.behind.names(folder)

    async def folders(self) -> list[str]:
        return await self.behind.folders()

    async def delete_folder(self, folder: str) -> None:
        await self.behind.delete_folder(folder)
        self._deletions += 1
        await self.memory.delete_folder(folder)

    async def close(self) -> None:
        await self.memory.close()
        await self.behind.close()
