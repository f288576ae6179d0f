"""H.264 parameter sets are kept, and sizes are read from what senders send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transports.real_video import ENCODERS, coded_pictures, decoded
from transports.depacketise import ANNEX_B_START, NAL_IDR, NAL_PPS, NAL_SPS, fragment_untrusted
from transports.parameter_sets import MAX_SETS_BYTES, ParameterSets, h264_pixels, vp8_pixels

NO_SETS = ANNEX_B_START + b"\x65slice"


def key_picture(encoder: str, width: int, height: int) -> bytes:
    (picture,) = coded_pictures(encoder, 1, frozenset(), width, height)
    codec = ENCODERS[encoder]
    return b"".join(fragment_untrusted(codec, payload).data for payload in picture.payloads)


def units(data: bytes) -> list[bytes]:
    return [unit for unit in data.split(ANNEX_B_START) if unit]


def of_kind(data: bytes, *kinds: int) -> bytes:
    kept = [unit for unit in units(data) if unit[0] & 0x1F in kinds]
    return b"".join(ANNEX_B_START + unit for unit in kept)


@pytest.mark.parametrize(("width", "height"), [(320, 240), (1280, 720), (16, 16), (640, 368)])
@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_size_is_read_from_a_real_key_picture(encoder: str, width: int, height: int) -> None:
    sets = ParameterSets()
    data = key_picture(encoder, width, height)
    assert sets.completed(ENCODERS[encoder], data) == data
    assert sets.pixels == width * height


def test_sets_sent_once_are_put_before_later_pictures() -> None:
    data = key_picture("libx264", 320, 240)
    sets = ParameterSets()
    assert sets.completed("H264", of_kind(data, NAL_SPS, NAL_PPS)) is None  # shows nothing
    bare = of_kind(data, NAL_IDR)
    for _ in range(2):
        completed = sets.completed("H264", bare)
        assert completed is not None
        (frame,) = decoded("H264", completed)
        assert (frame.width, frame.height) == (320, 240)


def test_new_sets_take_the_place_of_old_ones() -> None:
    small, large = (key_picture("libx264", width, 240) for width in (320, 640))
    sets = ParameterSets()
    assert sets.completed("H264", small) == small
    assert sets.completed("H264", large) == large
    completed = sets.completed("H264", of_kind(large, NAL_IDR))
    assert completed is not None and decoded("H264", completed)[0].width == 640


def test_a_picture_whose_sets_never_came_is_left_as_it_is() -> None:
    sets = ParameterSets()
    assert sets.completed("H264", NO_SETS) == NO_SETS
    assert sets.pixels is None


def test_sets_that_are_far_too_long_are_not_kept() -> None:
    sets = ParameterSets()
    huge = ANNEX_B_START + b"\x67" + bytes(MAX_SETS_BYTES)
    assert sets.completed("H264", huge + NO_SETS) == huge + NO_SETS
    assert sets.completed("H264", NO_SETS) == NO_SETS


@pytest.mark.parametrize("data", [b"", b"\x00" * 9, b"\x00" * 20])
def test_a_vp8_picture_without_a_size(data: bytes) -> None:
    assert vp8_pixels(data) is None


def test_the_scaling_bits_of_vp8_are_no_size() -> None:
    assert vp8_pixels(bytes([0, 0, 0, 0x9D, 1, 0x2A, 0x40, 0x40 | 0x01, 0x10, 0x80])) == 320 * 16


def bits(text: str) -> bytes:
    text = text.replace(" ", "")
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


HEAD = b"\x67\x42\xe0\x1f"


@pytest.mark.parametrize(
    ("unit", "pixels"),
    [
        (HEAD + bits("1 1 010 0 010 0 0"), None),  # order 1
        (HEAD + bits("1 1 011 1 0 00101 00101 1 0"), 5 * 5 * 256),
        (HEAD + bits("1 1 1 1 1 0 00101 00101 1 0"), 5 * 5 * 256),
        (HEAD + bits("1 1 011 1 0 00101 00101 0 0"), 5 * 5 * 512),  # interlaced
        (b"\x67\x64\x00\x1f" + bits("1 1 1 1 1 0 00101 00101 1 0"), None),  # High
        (HEAD, None),
        (HEAD + bits("1 1 1"), None),
        (HEAD + bytes(8), None),
        (HEAD + bytes(2), None),
        (b"\x67", None),
    ],
)
def test_sizes_of_sequence_parameter_sets(unit: bytes, pixels: int | None) -> None:
    assert h264_pixels(unit) == pixels


@given(st.sampled_from(["VP8", "H264"]), st.binary(max_size=60))
def test_any_bytes_are_a_picture_or_none(codec: str, data: bytes) -> None:
    for shown in (data, ANNEX_B_START + b"\x67" + data, ANNEX_B_START + HEAD + data):
        sets = ParameterSets()
        sets.completed(codec, shown)
        assert sets.pixels is None or sets.pixels > 0
