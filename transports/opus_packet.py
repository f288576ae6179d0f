"""How much sound an Opus packet holds, read from its first byte or two (RFC 6716 section 3)."""

from typing import Final

from transports.errors import PayloadRefused

CLOCK_HZ: Final = 48_000  # Opus over RTP always counts at 48 kHz (RFC 7587 section 4.1)
MAX_DURATION: Final = CLOCK_HZ * 120 // 1000  # RFC 6716 section 3.2.5

# By configuration number (RFC 6716 table 2): SILK, hybrid and CELT, four or two frame sizes each.
_FRAME_DURATIONS: Final = (
    *(480, 960, 1920, 2880) * 3,
    *(480, 960) * 2,
    *(120, 240, 480, 960) * 4,
)
_ARBITRARY_COUNT: Final = 3
# By the whole first byte, whose last two bits say: one frame, two, two, as many as the next says.
_DURATIONS: Final = tuple(
    _FRAME_DURATIONS[toc >> 3] * (1, 2, 2, 0)[toc & _ARBITRARY_COUNT] for toc in range(256)
)


def opus_duration_untrusted(payload: bytes) -> int:
    """The packet's duration in units of 1/48000 s, 120 to 5760.

    Raises `PayloadRefused` when it is empty, cut short or longer than Opus allows.
    """
    if not payload:
        raise PayloadRefused("an Opus packet is empty")
    duration = _DURATIONS[payload[0]]
    if duration:
        return duration
    if len(payload) < 2:
        raise PayloadRefused("an Opus packet is cut short before its frame count")
    duration = _FRAME_DURATIONS[payload[0] >> 3] * (payload[1] & 0x3F)
    if not 0 < duration <= MAX_DURATION:
        raise PayloadRefused("an Opus packet holds no frame or more than 120 ms")
    return duration
