"""From RTP payloads to encoded pictures: VP8 (RFC 7741) and H.264 (RFC 6184), pure.

All functions take what strangers sent, end in `_untrusted` and raise `PayloadRefused` only.
"""

from dataclasses import dataclass
from typing import Final

ANNEX_B_START: Final = b"\x00\x00\x00\x01"
VP8_START_CODE: Final = b"\x9d\x01\x2a"

NAL_IDR: Final = 5
NAL_SPS: Final = 7
NAL_PPS: Final = 8
NAL_STAP_A: Final = 24
NAL_FU_A: Final = 28


class PayloadRefused(ValueError):
    """The payload is not what its codec's RFC allows. The peer's fault."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a picture.

    `data` can be joined with that of the picture's other packets, in order, and given to a
    decoder. `starts_key` is true on a packet that begins an independently decodable picture.
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
        raise PayloadRefused("VP8 payload holds a descriptor and nothing else")
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
        raise PayloadRefused("VP8 payload descriptor is cut short") from None
    return offset


def vp8_size_untrusted(picture: bytes) -> tuple[int, int]:
    """Width and height in pixels from a VP8 key picture's header (RFC 6386 section 9.1)."""
    if len(picture) < 10 or picture[0] & 0x01 or picture[3:6] != VP8_START_CODE:
        raise PayloadRefused("not a VP8 key picture")
    width = int.from_bytes(picture[6:8], "little") & 0x3FFF
    height = int.from_bytes(picture[8:10], "little") & 0x3FFF
    return width, height


def h264_fragment_untrusted(payload: bytes) -> Fragment:
    """One payload as Annex B bytes: single NAL unit, STAP-A or FU-A (RFC 6184 section 5.2).

    Packetization modes 0 and 1, which is what browsers send. Raises `PayloadRefused` for
    any other unit or one that is cut short.
    """
    if len(payload) < 2:
        raise PayloadRefused("H.264 payload is shorter than two bytes")
    unit = payload[0] & 0x1F
    if unit == NAL_FU_A:
        return _h264_fu_a(payload)
    if unit == NAL_STAP_A:
        return _h264_stap_a(payload)
    if 1 <= unit <= 23:
        return Fragment(ANNEX_B_START + payload, unit in (NAL_IDR, NAL_SPS))
    raise PayloadRefused(f"H.264 payload structure {unit} is not supported")


def _h264_fu_a(payload: bytes) -> Fragment:
    header = payload[1]
    unit = header & 0x1F
    if not header & 0x80:
        return Fragment(payload[2:], False)
    rebuilt = bytes([(payload[0] & 0xE0) | unit])
    return Fragment(ANNEX_B_START + rebuilt + payload[2:], unit == NAL_IDR)


def _h264_stap_a(payload: bytes) -> Fragment:
    out = bytearray()
    key = False
    offset = 1
    while offset < len(payload):
        size = int.from_bytes(payload[offset : offset + 2], "big")
        unit = payload[offset + 2 : offset + 2 + size]
        if size == 0 or len(unit) < size:
            raise PayloadRefused("H.264 aggregation packet is cut short")
        key = key or (unit[0] & 0x1F) in (NAL_IDR, NAL_SPS)
        out += ANNEX_B_START + unit
        offset += 2 + size
    if not out:
        raise PayloadRefused("H.264 aggregation packet is empty")
    return Fragment(bytes(out), key)
