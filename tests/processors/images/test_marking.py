"""Files lose all but their pixels, and say that a machine made them."""

import io
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from processors.errors import ImageRefused
from processors.images.marking import CHANGED_BY_A_MODEL, MADE_BY_A_MODEL, SOFTWARE, bare, marked
from tests.processors.images.hostile import encoded, png, with_segments

PIXELS = np.random.default_rng(1).integers(0, 255, (24, 32, 3), dtype=np.uint8)
SECRET = b"51.5007 N, 0.1246 W"
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif() -> Image.Exif:
    found = Image.Exif()
    found[0x010E] = SECRET.decode()
    return found


def file(form: str, **options: Any) -> bytes:
    return encoded(Image.fromarray(PIXELS), form, exif=exif(), **options)


FILES = {
    "png": ("image/png", file("PNG")),
    "png with a palette": ("image/png", encoded(Image.fromarray(PIXELS).quantize(8), "PNG")),
    "jpeg": ("image/jpeg", file("JPEG", quality=90, comment=SECRET)),
    "progressive jpeg": ("image/jpeg", file("JPEG", progressive=True)),
    "cmyk jpeg": ("image/jpeg", encoded(Image.fromarray(PIXELS).convert("CMYK"), "JPEG")),
    "webp": ("image/webp", file("WEBP")),
    "lossless webp": ("image/webp", file("WEBP", lossless=True)),
    "transparent webp": (
        "image/webp", encoded(Image.fromarray(PIXELS).convert("RGBA"), "WEBP", exif=exif()),
    ),
}  # fmt: skip


def pixels(data: bytes) -> bytes:
    return Image.open(io.BytesIO(data)).convert("RGBA").tobytes()


@pytest.mark.parametrize("name", FILES)
def test_the_pixels_stay_and_the_rest_goes(name: str) -> None:
    mime_type, data = FILES[name]
    clean = marked(data + b"PK\x03\x04 and more", mime_type, made_by="gemini-x")
    assert pixels(clean) == pixels(data)
    assert SECRET not in clean
    assert b"PK\x03\x04" not in clean


@pytest.mark.parametrize("name", FILES)
def test_it_says_by_whom_it_was_made(name: str) -> None:
    mime_type, data = FILES[name]
    image = Image.open(io.BytesIO(marked(data, mime_type, made_by='gemini "x" <1>')))
    xmp = image.info["xmp"]
    assert MADE_BY_A_MODEL.encode() in xmp
    assert b"gemini &quot;x&quot; &lt;1&gt;" in xmp
    if mime_type == "image/png":
        assert image.info["Software"] == 'Easel, gemini "x" <1>'
    else:
        assert image.getexif()[0x0131] == 'Easel, gemini "x" <1>'


def test_what_was_only_changed_by_a_machine_says_so() -> None:
    mime_type, data = FILES["png"]
    assert CHANGED_BY_A_MODEL.encode() in marked(data, mime_type, made_by="m", edited=True)


@pytest.mark.parametrize("name", FILES)
def test_marking_twice_marks_once(name: str) -> None:
    mime_type, data = FILES[name]
    once = marked(data, mime_type, made_by="m")
    assert marked(once, mime_type, made_by="m") == once


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_the_colour_profile_stays(form: str) -> None:
    data = encoded(Image.fromarray(PIXELS), form, icc_profile=ICC)
    clean = marked(data, f"image/{form.lower()}", made_by="m")
    assert Image.open(io.BytesIO(clean)).info["icc_profile"] == ICC


def test_a_thumbnail_within_a_jpeg_goes() -> None:
    jfif = b"\xff\xe0" + struct.pack(">H", 16 + 12) + b"JFIF\0\1\1\0\0\1\0\1\2\2" + b"thumbnail..."
    plain = encoded(Image.fromarray(PIXELS), "JPEG")
    data = plain[:2] + jfif + plain[20:]
    clean = marked(data, "image/jpeg", made_by="m")
    assert b"thumbnail" not in clean
    assert pixels(clean) == pixels(plain)


def test_filling_between_segments_is_no_mistake() -> None:
    data = with_segments(encoded(Image.fromarray(PIXELS), "JPEG"), b"\xff\xff\xff")
    assert pixels(marked(data, "image/jpeg", made_by="m")) == pixels(data)


@pytest.mark.parametrize(
    ("mime_type", "data"),
    [
        ("image/png", FILES["png"][1][:60]), ("image/png", png(4, 4)[:-14]),
        ("image/jpeg", b"\xff\xd8\xff"), ("image/jpeg", FILES["jpeg"][1][:-2]),
        ("image/jpeg", b"\xff\xd8\xff\xe0\0\x04\0\0\0\0"), ("image/jpeg", b"GIF89a"),
        ("image/jpeg", b"\xff\xd8\xff\xe0\xff\xff" + bytes(8)),
        ("image/webp", FILES["webp"][1][:30]), ("image/webp", b"RIFF"), ("image/gif", b"GIF89a"),
        ("image/webp", b"RIFF\x10\0\0\0WEBPEXIF\x02\0\0\0ab"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_apart_is_refused(mime_type: str, data: bytes) -> None:
    with pytest.raises(ImageRefused):
        marked(data, mime_type, made_by="m")


@given(st.sampled_from(sorted(FILES)), st.data())
def test_a_damaged_file_never_does_anything_else(name: str, data: st.DataObject) -> None:
    mime_type, whole = FILES[name]
    broken = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(1, len(whole)))
    try:
        marked(bytes(broken[:end]), mime_type, made_by="m")
    except ImageRefused:
        pass


def test_filling_behind_the_pixels_is_no_mistake() -> None:
    data = encoded(Image.fromarray(PIXELS), "JPEG")[:-2] + b"\xff\xff\xff\xd9"
    clean = marked(data, "image/jpeg", made_by="m")
    assert pixels(clean) == pixels(data)


@pytest.mark.parametrize("name", FILES)
def test_what_people_made_bears_no_mark_and_is_bare_once(name: str) -> None:
    mime_type, data = FILES[name]
    once = bare(marked(data, mime_type, made_by="m"), mime_type)
    assert pixels(once) == pixels(data)
    for word in (b"DigitalSourceType", b"Software", SOFTWARE.encode()):
        assert word not in once
    assert bare(once, mime_type) == once
