"""One received RTP packet, as the rest of this package sees it."""

from typing import NamedTuple


class RtpArrival(NamedTuple):
    """An RTP packet after SRTP and RTX. `kind` is "audio" or "video", `codec` "opus", "VP8" …

    `sequence`, `timestamp` and `ssrc` are unsigned numbers of 16, 32 and 32 bits that wrap
    around (RFC 3550 section 5.1); `payload` may be anything.
    """

    kind: str
    codec: str
    ssrc: int
    sequence: int
    timestamp: int
    marker: bool
    payload: bytes
