"""What a model sent: an image, or refused; without anything but its pixels and our mark."""

import hashlib
import io

import pytest
from PIL import Image

from processors.errors import ImageRefused
from processors.images.examining import (
    cleaned_untrusted,
    composed_untrusted,
    described,
    examined_untrusted,
)
from processors.images.pixels import Picture
from processors.images.region import region_untrusted
from tests.processors.images.hostile import encoded, huge_webp, jpeg, png
from tests.processors.images.test_marking import FILES, PIXELS, pixels


@pytest.mark.parametrize("name", FILES)
def test_an_image_is_told_of_as_it_is_stored(name: str) -> None:
    mime_type, data = FILES[name]
    picture, stored = examined_untrusted(data, made_by="m")
    assert (picture.mime_type, picture.width, picture.height) == (mime_type, 32, 24)
    assert (stored.size, stored.width) == (len(picture.data), 32)
    assert stored.sha256 == hashlib.sha256(picture.data).hexdigest()
    assert stored.thumbnail.startswith("data:image/webp;base64,")
    assert pixels(picture.data) == pixels(data)


def test_what_lies_on_its_side_is_turned() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    picture, _ = examined_untrusted(jpeg(40, 20, exif=turned), made_by="m")
    assert (picture.width, picture.height) == (20, 40)
    assert 0x0112 not in Image.open(io.BytesIO(picture.data)).getexif()


def test_of_what_moves_the_first_picture_counts() -> None:
    frames = [Image.new("RGB", (16, 12), colour) for colour in ("red", "blue")]
    for form in ("PNG", "WEBP"):
        moving = encoded(frames[0], form, save_all=True, append_images=frames[1:], lossless=True)
        picture, stored = examined_untrusted(moving, made_by="m")
        still = Image.open(io.BytesIO(picture.data))
        assert getattr(still, "n_frames", 1) == 1
        red, _, blue = still.convert("RGB").getpixel((3, 3))  # type: ignore[misc]  # of RGB it is a triple
        assert red > 200 and blue < 60
        assert stored.mime_type == picture.mime_type


@pytest.mark.parametrize(
    "data",
    [
        b"", b"no image", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + bytes(40), png(20_000, 20_000), png(100_000, 1000), huge_webp(10_000, 10_000),
        b"%PDF-1.7\n" + jpeg(), b"<html>" + png(1, 1, b"\0abc"), jpeg()[:-20],
        b"\0\0\0\x1cftypavif" + bytes(64),
    ],
)  # fmt: skip
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ImageRefused):
        examined_untrusted(data, made_by="m")


def test_a_polyglot_is_an_image_and_nothing_else_afterwards() -> None:
    script = b"<script>alert(1)</script>"
    for data in (encoded(Image.fromarray(PIXELS), "PNG"), jpeg(comment=script)):
        picture, _ = examined_untrusted(data + b"PK\x03\x04" + script, made_by="m")
        assert script not in picture.data


def test_a_picture_is_described() -> None:
    data = jpeg(64, 48)
    assert described(Picture("image/jpeg", data, 64, 48)).size == len(data)


@pytest.mark.parametrize("draft", [False, True])
def test_what_is_composed_says_that_it_was_changed_by_a_machine(draft: bool) -> None:
    region = region_untrusted({"box": {"x": 0.5, "y": 0.5, "width": 0.2, "height": 0.2}})
    parent = encoded(Image.new("RGB", (80, 60), "red"), "PNG")
    picture, stored = composed_untrusted(jpeg(40, 30), parent, region, made_by="m", draft=draft)
    assert b"compositeWithTrainedAlgorithmicMedia" in picture.data
    told = ("image/jpeg", 40) if draft else ("image/png", 80)
    assert (stored.mime_type, stored.width) == told
    assert stored.sha256 == hashlib.sha256(picture.data).hexdigest()
    with pytest.raises(ImageRefused):
        composed_untrusted(b"no image", parent, region, made_by="m")


def test_what_people_sent_is_cleaned_and_not_written_anew() -> None:
    plain = jpeg(40, 20)
    assert cleaned_untrusted(plain).data == plain
    where = Image.Exif()
    where[0x010F] = "at home"
    assert cleaned_untrusted(jpeg(40, 20, exif=where)).data == plain
