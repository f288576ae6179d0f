"""One picture put together from its RTP packets, whatever order they come in. Pure."""

from dataclasses import dataclass, field
from typing import Final

from transports.rtp_sequence import sequence_add, sequence_delta, timestamp_delta

MAX_PICTURE_BYTES: Final = 1 << 19
MAX_PICTURE_PACKETS: Final = 1024


@dataclass(slots=True)
class PictureAssembly:
    """The packets that carry `timestamp`, from number `first` on.

    The picture ends at the packet with the marker bit (RFC 7741 section 4.1, RFC 6184 section
    5.1), or before the first packet of a later picture: so it is known how much is missing even
    when the last packet is.
    """

    first: int
    timestamp: int
    too_large: bool = False
    _size: int = 0
    _end: int | None = None  # offset from `first` of what comes after the picture
    _parts: dict[int, bytes] = field(default_factory=dict)

    def add(self, sequence: int, *, marker: bool, data: bytes) -> None:
        """A packet of this picture. Copies, and packets before the first, are left out."""
        offset = sequence_delta(sequence, self.first)
        if offset < 0 or offset in self._parts or (self._end is not None and offset >= self._end):
            return
        if marker:
            self._end_at(offset + 1)
        self._parts[offset] = data
        self._size += len(data)
        if offset >= MAX_PICTURE_PACKETS or self._size > MAX_PICTURE_BYTES:
            self.too_large = True

    def later(self, sequence: int, timestamp: int) -> None:
        """A packet of another picture: when of a later one, this one has ended before it."""
        offset = sequence_delta(sequence, self.first)
        if offset > 0 and timestamp_delta(timestamp, self.timestamp) > 0:
            self._end_at(offset)

    def _end_at(self, end: int) -> None:
        """`end` is at most what was believed before: a later packet may have told first."""
        if end > MAX_PICTURE_PACKETS:
            self.too_large = True
        elif self._end is None or end < self._end:
            self._end = end
            self._parts = {o: data for o, data in self._parts.items() if o < end}

    @property
    def complete(self) -> bool:
        return len(self._parts) == self._end

    def missing(self) -> tuple[int, ...]:
        """The sequence numbers still wanted, as far as it is known that there are such."""
        end = max(self._parts, default=-1) + 1 if self._end is None else self._end
        return tuple(sequence_add(self.first, o) for o in range(end) if o not in self._parts)

    def data(self) -> bytes:
        """The picture's bytes. Call it when `complete`."""
        return b"".join(self._parts[offset] for offset in range(len(self._parts)))
