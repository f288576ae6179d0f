"""Depacketising real VP8 and H.264, and refusing everything else in one way."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.transports.real_video import ENCODERS, coded_pictures, decoded, moving_picture
from transports.depacketise import (
    ANNEX_B_START,
    Fragment,
    fragment_untrusted,
    h264_fragment_untrusted,
    vp8_fragment_untrusted,
)
from transports.errors import PayloadRefused

# ---- real streams ---------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", ENCODERS)
def test_key_pictures_of_a_real_stream_are_found_and_decode_alone(encoder: str) -> None:
    codec = ENCODERS[encoder]
    keys = 0
    for number, picture in enumerate(coded_pictures(encoder, 12, frozenset({5, 11}))):
        fragments = [fragment_untrusted(codec, payload) for payload in picture.payloads]
        assert fragments[0].starts_key == picture.key
        # An H.264 picture may also be taken from its first slice on, without parameter sets.
        starts = sum(f.starts_key for f in fragments)
        assert starts == (0 if not picture.key else 1 if codec == "VP8" else 2)
        if picture.key:
            keys += 1
            (frame,) = decoded(codec, b"".join(f.data for f in fragments))
            wanted = moving_picture(number, 320, 240).to_ndarray(format="gray")
            error = wanted.astype(int) - frame.to_ndarray(format="gray")
            assert np.abs(error).mean() < 12
    assert keys == 3


@pytest.mark.parametrize("encoder", ["libvpx", "libx264"])
def test_a_large_key_picture_needs_several_packets(encoder: str) -> None:
    (picture,) = coded_pictures(encoder, 1, frozenset(), 1280, 720)
    assert len(picture.payloads) > 10
    data = b"".join(fragment_untrusted(ENCODERS[encoder], p).data for p in picture.payloads)
    (frame,) = decoded(ENCODERS[encoder], data)
    assert (frame.width, frame.height) == (1280, 720)


# ---- VP8, RFC 7741 section 4.2 --------------------------------------------------------------

KEY, DELTA = b"\x00rest", b"\x01rest"


@pytest.mark.parametrize(
    "descriptor",
    [
        b"\x10",
        b"\x30",  # non-reference
        b"\x90\x00",
        b"\x90\x0f",  # reserved bits
        b"\x90\x80\x11",  # 7-bit picture id
        b"\x90\x80\x91\x22",  # 15-bit picture id
        b"\x90\x40\x33",  # TL0PICIDX
        b"\x90\x20\x44",  # TID
        b"\x90\x10\x55",  # KEYIDX
        b"\x90\x30\x55",  # both in one byte
        b"\x90\xf0\x91\x22\x33\x44",
    ],
    ids=lambda descriptor: descriptor.hex(),
)
def test_each_vp8_descriptor_is_stripped(descriptor: bytes) -> None:
    assert vp8_fragment_untrusted(descriptor + KEY) == Fragment(KEY, True)
    assert vp8_fragment_untrusted(descriptor + DELTA) == Fragment(DELTA, False)
    for length in range(len(descriptor) + 1):
        with pytest.raises(PayloadRefused):
            vp8_fragment_untrusted(descriptor[:length])


@pytest.mark.parametrize("first", [b"\x00", b"\x11", b"\x17"], ids=["inside", "part 1", "part 7"])
def test_only_the_start_of_partition_0_starts_a_vp8_key_picture(first: bytes) -> None:
    assert not vp8_fragment_untrusted(first + KEY).starts_key


# ---- H.264, RFC 6184 section 5 --------------------------------------------------------------

SPS, PPS, IDR, SLICE, SEI = (bytes([0x60 | kind]) + b"unit" for kind in (7, 8, 5, 1, 6))
FIRST_IDR = b"\x65\x88unit"  # its slice begins with the picture's first macroblock


def stap_a(*units: bytes) -> bytes:
    return b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


UNITS = [
    (SPS, True),
    (PPS, False),
    (IDR, False),
    (FIRST_IDR, True),
    (SLICE, False),
    (b"\x61\x88unit", False),
    (SEI, False),
]


def test_a_single_unit_gets_a_start_code() -> None:
    for unit, starts in UNITS:
        assert h264_fragment_untrusted(unit) == Fragment(ANNEX_B_START + unit, starts)


@pytest.mark.parametrize(
    ("units", "starts"),
    [
        ((SPS, PPS), True),
        ((SEI, SPS, PPS, IDR), True),
        ((PPS, IDR), False),
        ((PPS, FIRST_IDR), True),
        ((b"\x65",), False),
        ((SLICE,), False),
    ],
)
def test_an_aggregate_is_taken_apart(units: tuple[bytes, ...], starts: bool) -> None:
    data = b"".join(ANNEX_B_START + unit for unit in units)
    assert h264_fragment_untrusted(stap_a(*units)) == Fragment(data, starts)


@pytest.mark.parametrize(
    "payload",
    [
        stap_a(SPS)[:-1],
        stap_a(SPS, PPS)[: 3 + len(SPS) + 1],
        stap_a(SPS) + b"\x00\x00",
        stap_a(SPS) + b"\x00\x02\x78\x00",
    ],
    ids=["unit cut off", "size cut off", "unit of no bytes", "nested"],
)
def test_a_bad_aggregate_is_refused(payload: bytes) -> None:
    with pytest.raises(PayloadRefused):
        h264_fragment_untrusted(payload)


def test_a_fragmented_unit_is_put_together() -> None:
    parts = [b"\x7c\x87one", b"\x7c\x07two", b"\x7c\x07", b"\x7c\x47end"]
    fragments = [h264_fragment_untrusted(part) for part in parts]
    assert b"".join(f.data for f in fragments) == ANNEX_B_START + b"\x67onetwoend"
    assert [f.starts_key for f in fragments] == [True, False, False, False]
    assert not h264_fragment_untrusted(b"\x7c\x85idr").starts_key
    assert h264_fragment_untrusted(b"\x7c\x85\x88idr").starts_key
    assert not h264_fragment_untrusted(b"\x7c\x05\x88idr").starts_key
    assert not h264_fragment_untrusted(b"\x7c\x85").starts_key


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x67", b"\x60\x00", b"\x79\x00", b"\x7a\x00", b"\x7d\x00", b"\x7e\x00", b"\x7f\x00"]
    + [b"\x7c\x80", b"\x7c\x9c", b"\x7c\x18"],
    ids=lambda payload: payload.hex() or "empty",
)
def test_other_h264_structures_are_refused(payload: bytes) -> None:
    with pytest.raises(PayloadRefused):
        h264_fragment_untrusted(payload)


# ---- anything -------------------------------------------------------------------------------


def test_other_codecs_are_refused() -> None:
    for codec in ("VP9", "AV1", "rtx", ""):
        with pytest.raises(PayloadRefused):
            fragment_untrusted(codec, KEY)


@settings(deadline=None)
@given(st.sampled_from(["VP8", "H264"]), st.binary(max_size=64))
@example("VP8", b"\xff" * 6)
@example("H264", b"\x78\xff\xff")
def test_any_bytes_are_a_fragment_or_refused(codec: str, payload: bytes) -> None:
    try:
        fragment = fragment_untrusted(codec, payload)
    except PayloadRefused:
        return
    assert len(fragment.data) <= len(payload) * 3 + len(ANNEX_B_START)


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_real_payloads_cut_or_flipped_never_raise_anything_else(data: st.DataObject) -> None:
    codec = data.draw(st.sampled_from(["VP8", "H264"]))
    payload = bytearray(data.draw(st.sampled_from(REAL[codec])))
    del payload[data.draw(st.integers(0, len(payload))) :]
    for _ in range(data.draw(st.integers(0, 4))):
        if payload:
            payload[data.draw(st.integers(0, len(payload) - 1))] ^= 1 << data.draw(
                st.integers(0, 7)
            )
    try:
        fragment_untrusted(codec, bytes(payload))
    except PayloadRefused:
        pass


REAL = {
    codec: [payload for p in coded_pictures(name, 3, frozenset()) for payload in p.payloads]
    for name, codec in (("libvpx", "VP8"), ("libx264", "H264"))
}
