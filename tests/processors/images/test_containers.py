import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from processors.images.containers import parts_untrusted, scans_untrusted
from tests.processors.images.hostile import encoded, jpeg, png, with_scans, with_segments

COMMENT = b"\xff\xfe\0\2"


def test_the_chunks_of_a_png_are_counted() -> None:
    assert parts_untrusted(png(1, 1, b"\0\0\0\0"), 100) == 3
    assert parts_untrusted(png(1, 1, b"\0\0\0\0", chunks=[(b"prVt", b"x")] * 7), 100) == 10


def test_the_segments_of_a_jpeg_are_counted() -> None:
    plain = parts_untrusted(jpeg(), 100)
    assert parts_untrusted(with_segments(jpeg(), COMMENT * 7), 100) == plain + 7
    assert parts_untrusted(with_segments(jpeg(), b"\xff" * 7), 100) == plain + 7


@pytest.mark.parametrize(
    "data",
    [
        png(1, 1, b"\0\0\0\0", chunks=[(b"prVt", b"")] * 1000),
        with_segments(jpeg(), COMMENT * 1000),
        with_segments(jpeg(), b"\xff" * 1000),
    ],
)
def test_counting_stops_above_the_limit(data: bytes) -> None:
    assert parts_untrusted(data, 10) == 11


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        encoded(Image.new("RGB", (4, 4)), "WEBP"),
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_other_files_have_no_parts_and_one_scan(data: bytes) -> None:
    assert parts_untrusted(data, 10) == 0
    assert scans_untrusted(data, 10) == 1


def test_the_scans_of_a_jpeg_are_counted() -> None:
    assert scans_untrusted(jpeg(), 100) == 1
    progressive = jpeg(progressive=True)
    plain = scans_untrusted(progressive, 100)
    assert plain > 1
    assert scans_untrusted(with_scans(progressive, 40), 100) == plain + 40


def test_what_only_looks_like_a_scan_in_the_header_is_none() -> None:
    comment = b"\xff\xfe\0\x0a" + b"\xff\xda" * 4
    assert scans_untrusted(with_segments(jpeg(), comment), 100) == 1


def test_a_jpeg_that_ends_in_its_header_has_one_scan() -> None:
    assert scans_untrusted(b"\xff\xd8\xff", 100) == 1
    assert scans_untrusted(jpeg()[:20], 100) == 1


STARTS = st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF", b""])


@given(STARTS, st.binary() | st.lists(st.sampled_from([b"\xff", b"\xda", b"\0"])).map(b"".join))
def test_nothing_is_raised_and_the_limit_holds(start: bytes, rest: bytes) -> None:
    assert 0 <= parts_untrusted(start + rest, 5) <= 6
    assert scans_untrusted(start + rest, 5) >= 1
