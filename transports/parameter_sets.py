"""What a decoder must know before a picture, and how large that is: VP8 and H.264. Pure.

An H.264 picture refers to parameter sets (RFC 6184 section 8.4), which a sender repeats before
every IDR picture, or sends once and never again. They are kept here and put before pictures that
come without.
"""

from dataclasses import dataclass
from typing import Final

from transports.depacketise import ANNEX_B_START, NAL_IDR, NAL_PPS, NAL_SPS

MAX_SETS_BYTES: Final = 1 << 12
_VP8_KEY_HEADER: Final = 10  # RFC 6386 section 9.1: tag, start code, width, height
_SIMPLE_PROFILES: Final = frozenset({66, 77, 88})  # others have more in their sets
_MAX_ZEROS: Final = 16


@dataclass(slots=True)
class ParameterSets:
    """Of one stream. Show it each picture that may decode alone."""

    _sets: bytes = b""
    _pixels: int | None = None

    def completed(self, codec: str, data: bytes) -> bytes | None:
        """The picture with what it needs, or None when it does not decode alone after all."""
        if codec != "H264":
            self._pixels = vp8_pixels(data)
            return data
        units = [unit for unit in data.split(ANNEX_B_START) if unit]
        kinds = {unit[0] & 0x1F for unit in units}
        if NAL_SPS in kinds:
            self._keep(units)
        if NAL_IDR not in kinds:
            return None
        if NAL_SPS in kinds or not self._sets:
            return data
        return self._sets + data

    def _keep(self, units: list[bytes]) -> None:
        sets = [unit for unit in units if unit[0] & 0x1F in (NAL_SPS, NAL_PPS)]
        joined = b"".join(ANNEX_B_START + unit for unit in sets)
        if len(joined) <= MAX_SETS_BYTES:
            self._sets = joined
            self._pixels = h264_pixels(next(unit for unit in sets if unit[0] & 0x1F == NAL_SPS))

    @property
    def pixels(self) -> int | None:
        """Of the last picture, if it could be read from it."""
        return self._pixels


def vp8_pixels(data: bytes) -> int | None:
    """Of a key picture."""
    if len(data) < _VP8_KEY_HEADER:
        return None
    width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    return width * height or None


def h264_pixels(unit: bytes) -> int | None:
    """Of a sequence parameter set (ITU-T H.264 section 7.3.2.1.1), without cropping."""
    if len(unit) < 4 or unit[1] not in _SIMPLE_PROFILES:
        return None
    bits = _Bits(unit[4:].replace(b"\x00\x00\x03", b"\x00\x00"))
    try:
        bits.skip_numbers(2)  # seq_parameter_set_id, log2_max_frame_num_minus4
        order = bits.number()
        if order == 0:
            bits.skip_numbers(1)
        elif order == 1:
            return None  # nobody sends it
        bits.skip_numbers(1)  # max_num_ref_frames
        bits.take(1)
        width, height = bits.number() + 1, bits.number() + 1
        fields = 2 - bits.take(1)  # frame_mbs_only_flag
    except ValueError:
        return None
    return width * height * fields * 256


class _Bits:
    """Reads a bit string. Raises `ValueError` at its end."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("the bits have ended")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def number(self) -> int:
        """An Exp-Golomb code (section 9.1)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > _MAX_ZEROS:
                raise ValueError("no size is so large")
        return (1 << zeros) - 1 + self.take(zeros)

    def skip_numbers(self, count: int) -> None:
        for _ in range(count):
            self.number()
