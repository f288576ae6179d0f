"""Pictures put together from their RTP packets, whatever order they come in. Pure."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from transports.rtp_sequence import sequence_add, sequence_delta

MAX_PICTURE_BYTES: Final = 1 << 19
MAX_PICTURE_PACKETS: Final = 1024


class _Part(NamedTuple):
    timestamp: int
    marker: bool
    data: bytes
    starts_key: bool


@dataclass(frozen=True, slots=True)
class WholePicture:
    """`starts_key`: it may decode alone."""

    timestamp: int
    data: bytes
    starts_key: bool


@dataclass(slots=True)
class PictureAssembly:
    """The pictures of a stream, one after another, from packet number `first` on.

    A picture ends at the packet with the marker bit (RFC 7741 section 4.1, RFC 6184 section 5.1),
    or where the next packet has another timestamp. Packets without payload are padding and
    belong to none. `too_large`: more was to be held than a picture may have; start a new one.
    """

    first: int
    too_large: bool = False
    _whole_to: int = 0  # offset from `first` of the picture that is not whole yet
    _unbroken_to: int = 0  # offset of the first packet that is not here
    _newest: int = -1  # the highest offset that is here
    _size: int = 0
    _parts: dict[int, _Part] = field(default_factory=dict)
    _whole: deque[WholePicture] = field(default_factory=deque)

    def add(
        self, sequence: int, timestamp: int, *, marker: bool, data: bytes, starts_key: bool
    ) -> None:
        """Copies, and packets before the first that is still wanted, are left out."""
        offset = self._whole_to + sequence_delta(sequence, self._sequence(self._whole_to))
        if offset < self._whole_to or offset in self._parts:
            return
        if offset - self._whole_to >= MAX_PICTURE_PACKETS:
            self.too_large = True
            return
        self._parts[offset] = _Part(timestamp, marker, data, starts_key)
        self._newest = max(self._newest, offset)
        self._size += len(data)
        if self._size > MAX_PICTURE_BYTES:
            self.too_large = True
        while (part := self._parts.get(self._unbroken_to)) is not None:
            self._advance(part)

    def _advance(self, part: _Part) -> None:
        """Over the next packet in order."""
        if self._unbroken_to > self._whole_to:
            if part.timestamp != self._parts[self._whole_to].timestamp:
                self._close()
        if self._unbroken_to == self._whole_to and not part.data:
            del self._parts[self._unbroken_to]
            self._whole_to = self._unbroken_to = self._unbroken_to + 1
            return
        self._unbroken_to += 1
        if part.marker:
            self._close()

    def _close(self) -> None:
        """The picture ends before `_unbroken_to`."""
        parts = [self._parts.pop(offset) for offset in range(self._whole_to, self._unbroken_to)]
        data = b"".join(part.data for part in parts)
        self._size -= len(data)
        starts_key = any(part.starts_key for part in parts)
        self._whole.append(WholePicture(parts[0].timestamp, data, starts_key))
        self._whole_to = self._unbroken_to

    def whole(self) -> Iterator[WholePicture]:
        """The pictures that are whole now, each given once."""
        while self._whole:
            yield self._whole.popleft()

    def missing(self, pictures: int) -> tuple[int, ...]:
        """The sequence numbers still wanted for so many pictures, as far as it is known that
        there are such."""
        out: list[int] = []
        seen: set[int] = set()
        for offset in range(self._whole_to, self._newest + 1):
            part = self._parts.get(offset)
            if part is None:
                out.append(self._sequence(offset))
                continue
            seen.add(part.timestamp)
            if len(seen) > pictures:
                break
        return tuple(out)

    @property
    def begun(self) -> bool:
        """Whether a part of a picture is here."""
        return bool(self._parts)

    @property
    def broken(self) -> bool:
        """Whether a packet is missing that another has come behind."""
        return self._unbroken_to <= self._newest

    def _sequence(self, offset: int) -> int:
        return sequence_add(self.first, offset)
