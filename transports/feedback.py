"""What a receiver of video asks of its sender by RTCP."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Send a PLI (RFC 4585 section 6.3.1)."""


@dataclass(frozen=True, slots=True)
class RequestPackets:
    """Send a generic NACK (RFC 4585 section 6.2.1) for these sequence numbers."""

    sequences: tuple[int, ...]


Feedback = RequestKey | RequestPackets
