"""An image in the sizes that screens ask for."""

import io

import pytest
from PIL import Image

from processors.images.sizes import LONG_SIDES, resized
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
