"""RTP streams made by hand: Opus packets of any duration, and pictures cut into payloads."""

from collections.abc import Iterable, Sequence
from functools import cache

from transports.rtp_arrival import RtpArrival

SEQUENCES = 1 << 16
TIMESTAMPS = 1 << 32

KEY_HEADER = bytes([0x00, 0, 0, 0x9D, 0x01, 0x2A, 16, 0, 16, 0])  # RFC 6386 section 9.1

# A first byte for each duration, in units of 1/48000 s (RFC 6716 table 2, one frame).
OPUS_TOC = {120: 16 << 3, 240: 17 << 3, 480: 0, 960: 1 << 3, 1920: 2 << 3, 2880: 3 << 3}


def opus_payload(duration: int, content: bytes = b"") -> bytes:
    return bytes([OPUS_TOC[duration]]) + content


def opus(
    sequence: int, timestamp: int, duration: int = 960, ssrc: int = 1, content: bytes = b""
) -> RtpArrival:
    """A packet whose payload is its own: no other packet of a test has the same."""
    content = content or sequence.to_bytes(4, "big") + ssrc.to_bytes(4, "big")
    return RtpArrival(
        "audio",
        "opus",
        ssrc,
        sequence % SEQUENCES,
        timestamp % TIMESTAMPS,
        False,
        opus_payload(duration, content),
    )


def opus_stream(
    durations: Iterable[int], sequence: int = 0, timestamp: int = 0
) -> list[RtpArrival]:
    """Packets that follow one another without a pause."""
    packets = []
    for duration in durations:
        packets.append(opus(sequence, timestamp, duration))
        sequence, timestamp = sequence + 1, timestamp + duration
    return packets


@cache
def vp8_payloads(pieces: int, *, key: bool, size: int = 20) -> tuple[bytes, ...]:
    """A VP8 picture in so many payloads, each with other bytes (RFC 7741 section 4).

    A key picture is one of 16×16 pixels, so it has bits enough for each.
    """
    head = KEY_HEADER if key else b"\x01"
    heads = [b"\x10" + head, *[b"\x00"] * (pieces - 1)]
    return tuple(head + bytes([number % 256]) * size for number, head in enumerate(heads))


def video(
    payloads: Sequence[bytes], sequence: int, timestamp: int, ssrc: int = 7, codec: str = "VP8"
) -> list[RtpArrival]:
    """The packets of one picture; the last has the marker bit."""
    return [
        RtpArrival(
            "video",
            codec,
            ssrc,
            (sequence + i) % SEQUENCES,
            timestamp % TIMESTAMPS,
            i == len(payloads) - 1,
            payload,
        )
        for i, payload in enumerate(payloads)
    ]
