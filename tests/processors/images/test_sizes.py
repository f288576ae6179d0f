"""An image in the sizes that screens ask for."""

import io

import pytest
from PIL import Image

from processors.images.examining import examined_untrusted
from processors.images.marking import MADE_BY_A_MODEL
from processors.images.sizes import LONG_SIDES, resized
from tests.processors.images.hostile import encoded
from tests.processors.images.test_compositing import noise


@pytest.mark.parametrize("size", ["thumbnail", "screen"])
def test_a_size_is_a_webp_of_that_side(size: str) -> None:
    made = resized(noise(2000, 1000, 1), size)  # type: ignore[arg-type]  # one of the two
    assert (made.mime_type, made.width, made.height) == (
        "image/webp", LONG_SIDES[size], LONG_SIDES[size] // 2,
    )  # fmt: skip
    assert Image.open(io.BytesIO(made.data)).size == (made.width, made.height)


def test_nothing_is_enlarged_and_transparency_stays() -> None:
    made = resized(noise(100, 60, 1, "RGBA"), "screen")
    assert made.width == 100
    assert Image.open(io.BytesIO(made.data)).mode == "RGBA"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_size_says_that_a_machine_made_it_as_the_image_does(form: str) -> None:
    plain = encoded(Image.new("RGB", (400, 300)), form)
    picture, _ = examined_untrusted(plain, made_by="gemini-paints")
    made = resized(picture.data, "thumbnail")
    xmp = Image.open(io.BytesIO(made.data)).info["xmp"]
    assert MADE_BY_A_MODEL.encode() in xmp
    assert b"gemini-paints" in xmp
    assert "xmp" not in Image.open(io.BytesIO(resized(plain, "thumbnail").data)).info
