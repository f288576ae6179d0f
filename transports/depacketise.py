"""From RTP payloads to encoded pictures: VP8 (RFC 7741) and H.264 (RFC 6184), pure.

All functions take what strangers sent, end in `_untrusted` and raise `PayloadRefused` only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from transports.errors import PayloadRefused

ANNEX_B_START: Final = b"\x00\x00\x00\x01"

NAL_IDR: Final = 5
NAL_SPS: Final = 7
NAL_PPS: Final = 8
NAL_STAP_A: Final = 24
NAL_FU_A: Final = 28


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a picture.

    `data` can be joined with that of the picture's other packets, in order, and given to a
    decoder. `starts_key` is true on a packet from which on a picture may decode alone.
    """

    data: bytes
    starts_key: bool


def vp8_fragment_untrusted(payload: bytes) -> Fragment:
    """Strips the VP8 payload descriptor (RFC 7741 section 4.2).

    Raises `PayloadRefused` when the descriptor is cut short or nothing follows it.
    """
    offset = _vp8_descriptor_length(payload)
    data = payload[offset:]
    if not data:
        raise PayloadRefused("a VP8 payload holds a descriptor and nothing else")
    starts_picture = bool(payload[0] & 0x10) and (payload[0] & 0x07) == 0
    return Fragment(data, starts_picture and not data[0] & 0x01)


def _vp8_descriptor_length(payload: bytes) -> int:
    try:
        offset = 1
        if payload[0] & 0x80:
            extensions = payload[1]
            offset = 2
            if extensions & 0x80:
                offset += 2 if payload[offset] & 0x80 else 1
            if extensions & 0x40:
                offset += 1
            if extensions & 0x30:
                offset += 1
    except IndexError:
        raise PayloadRefused("a VP8 payload descriptor is cut short") from None
    return offset


def h264_fragment_untrusted(payload: bytes) -> Fragment:
    """One payload as Annex B bytes: single NAL unit, STAP-A or FU-A (RFC 6184 section 5.2).

    A picture may decode alone from its sequence parameter set on, or from the first slice of an
    IDR picture on when the sets were sent before (`parameter_sets.py`). Raises `PayloadRefused`
    for other payload structures, which packetization modes 0 and 1 do not have, and for one that
    is cut short.
    """
    if len(payload) < 2:
        raise PayloadRefused("an H.264 payload is shorter than two bytes")
    unit = payload[0] & 0x1F
    if unit == NAL_FU_A:
        return _h264_fu_a(payload)
    if unit == NAL_STAP_A:
        return _h264_stap_a(payload)
    return Fragment(ANNEX_B_START + payload, _starts_key(_unit_type(payload[0]), payload[1]))


def _starts_key(unit: int, second: int) -> bool:
    """A slice's header begins with first_mb_in_slice, whose code for 0 is a single 1."""
    return unit == NAL_SPS or (unit == NAL_IDR and second & 0x80 != 0)


def _unit_type(header: int) -> int:
    unit = header & 0x1F
    if not 1 <= unit <= 23:
        raise PayloadRefused(f"H.264 unit type {unit} is not supported here")
    return unit


def _h264_fu_a(payload: bytes) -> Fragment:
    unit = _unit_type(payload[1])
    if not payload[1] & 0x80:
        return Fragment(payload[2:], False)
    rebuilt = bytes([(payload[0] & 0xE0) | unit])
    starts_key = len(payload) > 2 and _starts_key(unit, payload[2])
    return Fragment(ANNEX_B_START + rebuilt + payload[2:], starts_key)


def _h264_stap_a(payload: bytes) -> Fragment:
    out = bytearray()
    key = False
    offset = 1
    while offset < len(payload):
        size = int.from_bytes(payload[offset : offset + 2], "big")
        unit = payload[offset + 2 : offset + 2 + size]
        if size == 0 or len(unit) < size:
            raise PayloadRefused("an H.264 aggregation packet is cut short")
        key = _starts_key(_unit_type(unit[0]), unit[1] if size > 1 else 0) or key
        out += ANNEX_B_START + unit
        offset += 2 + size
    return Fragment(bytes(out), key)


_FRAGMENT: Final[Mapping[str, Callable[[bytes], Fragment]]] = {
    "VP8": vp8_fragment_untrusted,
    "H264": h264_fragment_untrusted,
}


def fragment_untrusted(codec: str, payload: bytes) -> Fragment:
    """One payload of `codec`, "VP8" or "H264". Raises `PayloadRefused`, also for others."""
    depacketise = _FRAGMENT.get(codec)
    if depacketise is None:
        raise PayloadRefused(f"{codec} is not a codec that Easel takes")
    return depacketise(payload)
