"""What the room's cameras showed in the last seconds, at the size received. Pure: time is an
argument."""

from collections import deque
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
    added: int = 0
    too_old: int = 0
    evicted: int = 0
    refused: int = 0


@dataclass(slots=True)
class CameraReel:
    """Of all the room's cameras together: `keep_s` and `limit_bytes`; the oldest go first.

    A picture that alone is larger than that is refused, and counted.
    """

    keep_s: float = KEEP_S
    limit_bytes: int = LIMIT_BYTES
    kept_bytes: int = 0
    counters: ReelCounters = field(default_factory=ReelCounters)
    _pictures: deque[CameraPicture] = field(default_factory=deque)

    def add(self, picture: CameraPicture) -> None:
        if picture.size > self.limit_bytes:
            self.counters.refused += 1
            return
        self._pictures.append(picture)
        self.kept_bytes += picture.size
        self.counters.added += 1
        self._drop_old(picture.at)
        while self.kept_bytes > self.limit_bytes:
            self._drop_first()
            self.counters.evicted += 1

    def forget(self, peer_id: str) -> None:
        """Its camera is off: whoever switched it off means what it showed as well."""
        kept = [one for one in self._pictures if one.peer_id != peer_id]
        self._pictures = deque(kept)
        self.kept_bytes = sum(one.size for one in kept)

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
            self._drop_first()
            self.counters.too_old += 1

    def _drop_first(self) -> None:
        self.kept_bytes -= self._pictures.popleft().size
