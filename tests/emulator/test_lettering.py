from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from emulator.lettering import BAND, MAX_LINES, write_caption
from tests.emulator.painted import plain


def band_top(picture: Image.Image, caption: Image.Image) -> int:
    changed = (np.asarray(picture) != np.asarray(caption)).any(axis=(1, 2))
    return int(np.argmax(changed))


@pytest.mark.parametrize("ground", [(255, 255, 255), (0, 0, 0), (200, 30, 30)])
def test_letters_stand_out_on_any_picture(ground: tuple[int, int, int]) -> None:
    picture = plain(ground, (640, 480))
    written = write_caption(picture, "Hello")
    band = np.asarray(written.convert("L"))[band_top(picture, written) :]
    assert (band > 240).mean() > 0.01
    assert np.median(band) < 80


def test_the_letters_are_the_text() -> None:
    """The same text set by hand in the same font covers the same pixels."""
    written = np.asarray(write_caption(plain(BAND, (640, 480)), "Blue wall").convert("L")) > 128
    rows, columns = np.nonzero(written)
    found = written[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    sheet = Image.new("L", (640, 100))
    ImageDraw.Draw(sheet).text((5, 5), "Blue wall", font=ImageFont.load_default(36), fill=255)
    letters = np.asarray(sheet) > 128
    rows, columns = np.nonzero(letters)
    wanted = letters[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = (min(found.shape[axis], wanted.shape[axis]) for axis in (0, 1))
    assert abs(found.shape[0] - wanted.shape[0]) <= 1
    assert (found[:height, :width] == wanted[:height, :width]).mean() > 0.93


def test_only_the_band_changes() -> None:
    picture = plain((90, 120, 150), (640, 480))
    written = write_caption(picture, "Hello")
    top = band_top(picture, written)
    assert 400 < top < 450
    assert (np.asarray(written)[:top] == np.asarray(picture)[:top]).all()
    assert picture.getpixel((0, 479)) == (90, 120, 150)


def test_long_texts_wrap_and_end() -> None:
    picture = plain((255, 255, 255), (400, 300))
    one = band_top(picture, write_caption(picture, "short"))
    three = band_top(picture, write_caption(picture, "word " * 18))
    endless = band_top(picture, write_caption(picture, "word " * 900))
    assert one > three
    assert endless > 300 - 3 * MAX_LINES * 22


@pytest.mark.parametrize("size", [(1, 1), (20, 4), (4, 400), (2000, 30)])
@pytest.mark.parametrize("text", ["", "Hello", "Donaudampfschifffahrtsgesellschaft", "日本"])
def test_any_size_and_text(size: tuple[int, int], text: str) -> None:
    assert write_caption(plain((1, 2, 3), size), text).size == size


def test_letters_stay_inside() -> None:
    picture = plain((255, 255, 255), (300, 200))
    written = np.asarray(write_caption(picture, "W" * 200).convert("L"))
    assert (written[-30:, :4] < 100).all() and (written[-30:, -4:] < 100).all()
