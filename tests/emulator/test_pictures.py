from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from emulator.pictures import (
    JPEG,
    MAX_PIXELS,
    PNG,
    SOFTWARE,
    PictureError,
    encode,
    open_untrusted,
    size_untrusted,
)
from tests.emulator.painted import encoded, plain


def png_bomb(width: int, height: int) -> bytes:
    """A small, valid PNG header that promises many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(10_000)))
    return b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_known_formats_open(kind: str) -> None:
    data = encoded(plain((200, 40, 40)), kind)
    opened = open_untrusted(data)
    assert (opened.mode, opened.size) == ("RGB", (64, 48))
    assert np.abs(np.asarray(opened).astype(int) - (200, 40, 40)).max() < 12
    assert size_untrusted(data) == (64, 48)


def test_unknown_formats_do_not() -> None:
    with pytest.raises(PictureError, match="known format"):
        open_untrusted(encoded(plain((1, 2, 3)), "TIFF"))


def test_transparency_lies_on_white() -> None:
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert open_untrusted(encoded(clear)).getpixel((1, 1)) == (255, 255, 255)


def test_a_palette_with_transparency_too() -> None:
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([10, 20, 30, 40, 50, 60])
    stream = io.BytesIO()
    palette.save(stream, "PNG", transparency=1)
    assert open_untrusted(stream.getvalue()).getpixel((1, 1)) == (255, 255, 255)


def test_pictures_are_turned_upright() -> None:
    lying = plain((0, 0, 0), (20, 10))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    stream = io.BytesIO()
    lying.save(stream, "JPEG", exif=exif)
    assert open_untrusted(stream.getvalue()).size == (10, 20)


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(PictureError, match="DecompressionBomb|pixels"):
        open_untrusted(png_bomb(30_000, 30_000))
    with pytest.raises(PictureError, match="pixels"):
        open_untrusted(png_bomb(6_000, 6_000))
    with pytest.raises(PictureError, match="pixels"):
        open_untrusted(png_bomb(MAX_PIXELS // 1000 + 1, 1000), longest_side=96)


@pytest.mark.parametrize("data", [b"", b"nonsense", encoded(plain((9, 9, 9)))[:70]])
def test_broken_files_raise_one_error(data: bytes) -> None:
    with pytest.raises(PictureError):
        open_untrusted(data)


def test_a_size_needs_a_header() -> None:
    with pytest.raises(PictureError):
        size_untrusted(b"nonsense")


@given(st.binary(max_size=200), st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP"]))
def test_damage_raises_picture_error_only(noise: bytes, kind: str) -> None:
    whole = encoded(plain((120, 130, 140)), kind)
    middle = len(whole) // 2
    try:
        open_untrusted(whole[:middle] + noise + whole[middle + len(noise) :])
    except PictureError:
        pass


def test_reduced_opening() -> None:
    assert open_untrusted(encoded(plain((1, 1, 1), (900, 300)), "JPEG"), longest_side=90).size == (
        90,
        30,
    )


@pytest.mark.parametrize("mime_type", [PNG, JPEG])
def test_written_pictures_name_the_emulator(mime_type: str) -> None:
    data = encode(plain((10, 200, 30), (300, 200)), mime_type)
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.get_format_mimetype() == mime_type
        if mime_type == PNG:
            assert opened.info["Software"] == SOFTWARE
        else:
            assert opened.getexif()[ExifTags.Base.Software] == SOFTWARE
            assert SOFTWARE.encode() in data
    assert np.abs(np.asarray(open_untrusted(data)).astype(int) - (10, 200, 30)).max() <= 4


def test_large_pngs_are_written_fast() -> None:
    data = encode(plain((10, 200, 30), (2000, 1300)), PNG)
    assert open_untrusted(data).size == (2000, 1300)


def test_other_types_are_not_written() -> None:
    with pytest.raises(ValueError):
        encode(plain((0, 0, 0)), "image/gif")
