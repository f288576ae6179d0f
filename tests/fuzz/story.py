"""What happens to a stream, read from a fuzzer's bytes: packets, their order, and the clock."""

from collections.abc import Iterator
from dataclasses import dataclass

from transports.rtp_arrival import RtpArrival
from transports.rtp_sequence import sequence_add, timestamp_add


class Bytes:
    """Reads from the front. At the end come zeros, so that each input means something."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def number(self, size: int = 1, *, signed: bool = False) -> int:
        return int.from_bytes(self.take(size).ljust(size, b"\0"), "big", signed=signed)

    def take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        self._at += size
        return taken


@dataclass(slots=True)
class _Stream:
    kind: str
    codec: str
    step: int
    ssrc: int = 1
    sequence: int = 65_530
    timestamp: int = 2**32 - 5_000

    def packet(self, payload: bytes, *, marker: bool) -> RtpArrival:
        """The one after the last."""
        arrival = RtpArrival(
            self.kind, self.codec, self.ssrc, self.sequence, self.timestamp, marker, payload
        )
        self.sequence = sequence_add(self.sequence, 1)
        return arrival


def story(data: bytes, kind: str, codec: str, step: int) -> Iterator[tuple[RtpArrival, float]]:
    """Packets and when each comes. `step` is the usual distance of their timestamps.

    Of each packet the first byte says what is odd about it, the second how long after the one
    before it comes and how long its payload is.
    """
    source, stream, now = Bytes(data), _Stream(kind, codec, step), 1000.0
    while source:
        oddity, shape = source.number(), source.number()
        _bend(stream, oddity, source)
        now += _pause_s(shape & 0x07, source)
        payload = source.take(shape >> 3)
        yield stream.packet(payload, marker=bool(oddity & 0x01)), now


def _bend(stream: _Stream, oddity: int, source: Bytes) -> None:
    """0 to 127: none, but that every other packet is of the picture of the one before."""
    if not oddity & 0x02:
        stream.timestamp = timestamp_add(stream.timestamp, stream.step)
    match oddity >> 4:
        case 8:
            stream.sequence = sequence_add(stream.sequence, source.number(1, signed=True))
        case 9:
            stream.sequence = source.number(2)
        case 10:
            stream.timestamp = timestamp_add(stream.timestamp, source.number(2, signed=True) * 16)
        case 11:
            stream.timestamp = source.number(4)
        case 12:
            back = source.number()  # a gap, or one that was overtaken, with its own timestamp
            stream.sequence = sequence_add(stream.sequence, back - 128)
            stream.timestamp = timestamp_add(stream.timestamp, (back - 128) * stream.step)
        case 13:
            stream.ssrc = 1 + source.number() % 3
        case _:
            pass


def _pause_s(shape: int, source: Bytes) -> float:
    if shape == 7:  # a clock that leaps, either way
        return source.number(2, signed=True) / 10
    return (0.0, 0.001, 0.005, 0.02, 0.02, 0.05, 0.12)[shape]
