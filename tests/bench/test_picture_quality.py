"""A picture's number survives the codec, and likeness is what codecs call it."""

import io
import math

import numpy as np
import pytest
from PIL import Image

from bench.camera_clip import ClipSpec, source_picture
from bench.picture_quality import psnr_db, read_number, write_number


def as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return Image.open(out).convert("RGB")


@pytest.mark.parametrize("number", [0, 1, 255, 256, 359, 511])
def test_a_number_is_read_after_strong_compression(number: int) -> None:
    picture = Image.new("RGB", (640, 480), (120, 90, 140))
    write_number(picture, number)
    assert read_number(as_jpeg(picture, 20), 480) == number


def test_a_number_is_read_from_a_scaled_picture() -> None:
    picture = source_picture(ClipSpec(1280, 720), 77)
    assert read_number(picture.resize((768, 432)), 720) == 77


def test_a_picture_in_which_one_block_is_wrong_has_no_number() -> None:
    picture = source_picture(ClipSpec(), 5)
    assert read_number(picture, 480) == 5
    picture.paste((255, 255, 255), (40, 448, 56, 464))  # the second block, of the bit that is 0
    assert read_number(picture, 480) is None


def test_likeness_by_its_definition() -> None:
    grey = Image.new("RGB", (64, 64), (100, 100, 100))
    lighter = Image.new("RGB", (64, 64), (105, 105, 105))
    assert psnr_db(grey, grey) == math.inf
    assert psnr_db(lighter, grey) == pytest.approx(10 * math.log10(255**2 / 25))


def test_pictures_differ_from_one_to_the_next() -> None:
    first, second = (np.asarray(source_picture(ClipSpec(), index)) for index in (0, 1))
    assert (first != second).mean() > 0.5
