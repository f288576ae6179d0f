"""What the room's cameras showed in the last seconds, at the size received. Pure: time is an
argument."""

from bisect import insort
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from processors.pictures import CodedPictures, Jpeg

KEEP_S: Final = 8.0
LIMIT_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class CameraPicture:
    """`at` is monotonic seconds. Still encoded where it decodes alone; a JPEG where it does not."""

    picture: CodedPictures | Jpeg
    at: float
    peer_id: str = ""

    @property
    def size(self) -> int:
        """In bytes."""
        picture = self.picture
        return picture.size if isinstance(picture, CodedPictures) else len(picture.data)


@dataclass(slots=True)
class ReelCounters:
    """`evicted` were not too old yet; `refused` would not have fitted alone."""

    added: int = 0
    too_old: int = 0
    evicted: int = 0
    refused: int = 0


@dataclass(slots=True)
class CameraReel:
    """Of all the room's cameras together: `keep_s` and `limit_bytes`; the oldest go first.

    They may be added a little out of order: those that must be decoded first come later. One that
    is shown again, as of a still screen, is held once, however often it was seen.
    """

    keep_s: float = KEEP_S
    limit_bytes: int = LIMIT_BYTES
    kept_bytes: int = 0
    counters: ReelCounters = field(default_factory=ReelCounters)
    _pictures: list[CameraPicture] = field(default_factory=list)  # in the order of `at`
    _times_held: Counter[int] = field(default_factory=Counter)  # by the identity of what is shown

    def add(self, picture: CameraPicture) -> None:
        if picture.size > self.limit_bytes:
            self.counters.refused += 1
            return
        insort(self._pictures, picture, key=_at)
        self._hold(picture)
        self.counters.added += 1
        self._drop_old(self._pictures[-1].at)
        while self.kept_bytes > self.limit_bytes:
            self._let_go(self._pictures.pop(0))
            self.counters.evicted += 1

    def forget(self, peer_id: str) -> None:
        """Its camera is off: whoever switched it off means what it showed as well."""
        for one in self._pictures:
            if one.peer_id == peer_id:
                self._let_go(one)
        self._pictures = [one for one in self._pictures if one.peer_id != peer_id]

    def between(
        self, start: float, end: float, now: float, peer_id: str | None = None
    ) -> list[CameraPicture]:
        """Of one peer, or of all, the oldest first."""
        self._drop_old(now)
        return [
            one
            for one in self._pictures
            if start <= one.at <= end and peer_id in (None, one.peer_id)
        ]

    def newest(self, now: float, peer_id: str | None = None) -> CameraPicture | None:
        found = self.between(now - self.keep_s, now, now, peer_id)
        return found[-1] if found else None

    def _drop_old(self, now: float) -> None:
        while self._pictures and self._pictures[0].at < now - self.keep_s:
            self._let_go(self._pictures.pop(0))
            self.counters.too_old += 1

    def _hold(self, picture: CameraPicture) -> None:
        self._times_held[id(picture.picture)] += 1
        if self._times_held[id(picture.picture)] == 1:
            self.kept_bytes += picture.size

    def _let_go(self, picture: CameraPicture) -> None:
        key = id(picture.picture)
        self._times_held[key] -= 1
        if not self._times_held[key]:
            del self._times_held[key]
            self.kept_bytes -= picture.size


def _at(picture: CameraPicture) -> float:
    return picture.at
