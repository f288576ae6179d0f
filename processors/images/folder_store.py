"""Images as files: `<folder>/<room>/<name>`, for the service's user alone.

A file is written beside its place and moved there, so that a crash leaves the old one or the new
one. What is older than `max_age_s` is deleted now and then, and so is the oldest of what is more
than `max_bytes` together. A file is as young as the youngest of its folder: a room keeps its images
as long as anything happens in it, and those of rooms that are over go before them.
"""

import asyncio
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from processors.images.store import StoreFailed, checked

SWEEP_EVERY_S: Final = 60.0
TOUCH_AFTER_S: Final = 600.0  # by how much a file's time may be behind its last use
MARKER: Final = ".easel-images"  # in a folder without it nothing is ever deleted
FULL_SHARE: Final = 0.9  # of `max_bytes`, which a sweep makes room to
WRITING_LIMIT_S: Final = 3600.0  # what is half written for longer was left by a crash
_BESIDE: Final = re.compile(r"\.[0-9a-f]{16}")

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(slots=True)
class FolderCounters:
    stored: int = 0
    swept: int = 0
    failed: int = 0


class FolderStore:
    """`open` first. Its work is done in threads; the folder may be shared with other services."""

    def __init__(
        self,
        root: Path,
        *,
        max_bytes: int,
        max_age_s: float,
        spared: frozenset[str] = frozenset(),
        apart: frozenset[str] = frozenset(),
    ) -> None:
        """`spared`: folders in which nothing grows old; `apart`: in which each file does by
        itself."""
        self.counters = FolderCounters()
        self._root = root
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._spared = spared
        self._apart = apart
        self._sweeping: asyncio.Task[None] | None = None

    @property
    def outlives_the_process(self) -> bool:
        return True

    async def open(self) -> None:
        """Raises `StoreFailed` where nothing can be written."""
        await self._in_thread(self._try_out)
        self._sweeping = asyncio.create_task(self._sweep_now_and_then(), name="image-sweep")

    async def close(self) -> None:
        sweeping, self._sweeping = self._sweeping, None
        if sweeping is not None:
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)

    async def put(self, folder: str, name: str, data: bytes) -> None:
        checked(folder, name)
        await self._in_thread(lambda: self._write(folder, name, data))
        self.counters.stored += 1

    async def get(self, folder: str, name: str) -> bytes | None:
        checked(folder, name)
        return await self._in_thread(lambda: _read(self._root / folder / name))

    async def delete(self, folder: str, name: str) -> None:
        checked(folder, name)
        await self._in_thread(lambda: (self._root / folder / name).unlink(missing_ok=True))

    async def names(self, folder: str) -> list[str]:
        checked(folder)
        return await self._in_thread(lambda: [one.name for one in _entries(self._root / folder)])

    async def folders(self) -> list[str]:
        return await self._in_thread(
            lambda: [one.name for one in _entries(self._root) if one.is_dir()]
        )

    async def delete_folder(self, folder: str) -> None:
        checked(folder)
        await self._in_thread(lambda: shutil.rmtree(self._root / folder, ignore_errors=True))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            self.counters.failed += 1
            raise StoreFailed(f"the folder of images fails: {error.strerror}") from error

    def _try_out(self) -> None:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        marker = self._root / MARKER
        if not marker.exists():
            if any(self._root.iterdir()):
                raise StoreFailed("the folder holds what is not Easel's: name an empty one")
            marker.touch()
        trial = _beside(self._root)
        trial.write_bytes(b"")
        trial.unlink()

    def _write(self, folder: str, name: str, data: bytes) -> None:
        place = self._root / folder
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _write_file(place, name, data)
        except FileNotFoundError:  # it was empty, and a sweep took it away in this moment
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_file(place, name, data)

    async def _sweep_now_and_then(self) -> None:
        while True:
            try:
                await self.sweep(time.time())
            except StoreFailed as error:
                logger.warning("%s", error)
            await asyncio.sleep(SWEEP_EVERY_S)

    async def sweep(self, now: float) -> None:
        """Deletes what is too old, and the oldest of what is too much. Raises `StoreFailed`."""
        self.counters.swept += await self._in_thread(lambda: self.sweep_now(now))

    def sweep_now(self, now: float) -> int:
        """For a thread."""
        files = self._files()
        kept_bytes = sum(size for _, _, size, _ in files)
        too_much = kept_bytes > self._max_bytes
        swept = 0
        for young_at, _, size, path in files:
            too_old = young_at < now - self._max_age_s
            if not too_old and not (too_much and kept_bytes > self._max_bytes * FULL_SHARE):
                continue
            path.unlink(missing_ok=True)
            kept_bytes -= size
            swept += 1
        self._sweep_half_written(now)
        for folder in _entries(self._root):
            with suppress(OSError):  # it is not empty
                folder.rmdir()
        return swept

    def _files(self) -> list[tuple[float, float, int, Path]]:
        """The oldest first: when its folder was used last, when it was, its bytes, its path."""
        out = []
        for folder in _entries(self._root):
            if folder.name in self._spared or not folder.is_dir():
                continue
            files = list(_with_age(folder))
            youngest = max((used_at for used_at, _, _ in files), default=0.0)
            for used_at, size, path in files:
                young_at = used_at if folder.name in self._apart else youngest
                out.append((young_at, used_at, size, path))
        return sorted(out)

    def _sweep_half_written(self, now: float) -> None:
        for place in (self._root, *_entries(self._root)):
            with suppress(FileNotFoundError, NotADirectoryError):
                for path in place.iterdir():
                    if _BESIDE.fullmatch(path.name):
                        with suppress(FileNotFoundError):
                            if path.stat().st_mtime < now - WRITING_LIMIT_S:
                                path.unlink()


def _beside(place: Path) -> Path:
    """Where a file is written before it is moved to its place."""
    return place / f".{secrets.token_hex(8)}"


def _write_file(place: Path, name: str, data: bytes) -> None:
    beside = _beside(place)
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(data)
        beside.replace(place / name)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _with_age(folder: Path) -> Iterator[tuple[float, int, Path]]:
    for path in _entries(folder):
        with suppress(FileNotFoundError):
            found = path.stat()
            yield found.st_mtime, found.st_size, path


def _read(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    with suppress(OSError):  # it may be gone, or not ours to touch
        if path.stat().st_mtime < time.time() - TOUCH_AFTER_S:
            os.utime(path)
    return data


def _entries(folder: Path) -> list[Path]:
    """Without what is being written, which begins with a dot."""
    try:
        return [one for one in folder.iterdir() if not one.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
