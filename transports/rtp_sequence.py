"""RTP's wrapping counters (RFC 3550 section 5.1): 16-bit sequence numbers, 32-bit timestamps."""

from typing import Final

SEQUENCE_MODULUS: Final = 1 << 16
TIMESTAMP_MODULUS: Final = 1 << 32


def sequence_delta(later: int, earlier: int) -> int:
    """How many packets `later` is ahead of `earlier`, in -32768..32767."""
    return (later - earlier + 0x8000) % SEQUENCE_MODULUS - 0x8000


def sequence_add(sequence: int, count: int) -> int:
    """The sequence number `count` packets further on."""
    return (sequence + count) % SEQUENCE_MODULUS


def timestamp_delta(later: int, earlier: int) -> int:
    """How many clock units `later` is ahead of `earlier`, in -2**31..2**31 - 1."""
    return (later - earlier + 0x80000000) % TIMESTAMP_MODULUS - 0x80000000


def timestamp_add(timestamp: int, count: int) -> int:
    """The timestamp `count` clock units further on."""
    return (timestamp + count) % TIMESTAMP_MODULUS
