"""The fixed header of an RTP packet, and its payload (RFC 3550 section 5.1). Pure.

The header travels in the clear, so it can be read before anything is decrypted.
"""

from struct import Struct
from typing import Final, NamedTuple

from transports.errors import PayloadRefused

HEADER_BYTES: Final = 12
_FIXED: Final = Struct("!BBHLL")
_EXTENSION: Final = Struct("!HH")
_PADDED: Final = 0x20
_EXTENDED: Final = 0x10


class RtpHeader(NamedTuple):
    """`marker` is 0 or 1; the rest are unsigned numbers of 7, 16, 32 and 32 bits."""

    payload_type: int
    marker: int
    sequence_number: int
    timestamp: int
    ssrc: int


def header_untrusted(packet: bytes) -> RtpHeader:
    """Of a packet whose first byte says that it is RTP. Raises `PayloadRefused`."""
    if len(packet) < HEADER_BYTES:
        raise PayloadRefused("an RTP packet is shorter than its header")
    _, marker_and_type, sequence_number, timestamp, ssrc = _FIXED.unpack_from(packet)
    return RtpHeader(marker_and_type & 0x7F, marker_and_type >> 7, sequence_number, timestamp, ssrc)


def payload_untrusted(packet: bytes) -> bytes:
    """What is behind the header, its extension and before its padding, of a packet in the clear.

    Raises `PayloadRefused`.
    """
    first = packet[0]
    start = HEADER_BYTES + 4 * (first & 0x0F)
    end = len(packet)
    if first & _EXTENDED:
        if end < start + _EXTENSION.size:
            raise PayloadRefused("an RTP packet ends within its extension's header")
        start += _EXTENSION.size + 4 * _EXTENSION.unpack_from(packet, start)[1]
    if first & _PADDED:
        end -= packet[-1]
        if packet[-1] == 0:
            raise PayloadRefused("an RTP packet's padding has no length")
    if start > end:
        raise PayloadRefused("an RTP packet is shorter than it says")
    return packet[start:end]
