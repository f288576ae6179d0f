"""Edits that keep to the area that a prompt names."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from emulator.pointing import Area, area_in, edit_area, put_on, removes, sloppy

WHERE = (
    "(Only inside the area from 20.0 % to 60.0 % of the width and from 30.0 % to 55.0 % of the "
    "height.) (The second picture shows the area outlined in pink; draw no outline.)"
)
AREA = Area(0.2, 0.3, 0.6, 0.55)


def test_an_area_is_read_and_taken_out_of_the_words() -> None:
    area, words = area_in(f"remove this\n{WHERE}\n(Change only this.)")
    assert area == AREA
    assert words.startswith("remove this") and "Only inside" not in words
    assert area_in("remove this") == (None, "remove this")
    turned = WHERE.replace("from 20.0 % to 60.0 %", "from 60.0 % to 20.0 %")
    assert area_in(turned)[0] is None


@pytest.mark.parametrize(
    ("words", "wanted"), [("Remove this", True), ("take it away", True), ("make this red", False)]
)
def test_what_removes(words: str, wanted: bool) -> None:
    assert removes(words) is wanted


def picture() -> Image.Image:
    made = Image.new("RGB", (100, 80), (200, 190, 170))
    ImageDraw.Draw(made).ellipse((30, 30, 50, 40), fill=(20, 60, 200))
    return made


def test_what_is_removed_looks_like_its_surroundings() -> None:
    made = edit_area(picture(), AREA, "remove this")
    assert made is not None
    pixels = np.asarray(made).astype(int)
    assert np.abs(pixels - (200, 190, 170)).max() <= 1
    before = np.asarray(picture())
    assert np.array_equal(np.asarray(made)[:24], before[:24])


def test_an_area_at_the_edge_can_be_filled_too() -> None:
    made = edit_area(picture(), Area(0.0, 0.0, 1.0, 1.0), "erase it")
    assert made is not None
    assert made.size == (100, 80)


def test_an_area_is_painted() -> None:
    made = edit_area(picture(), AREA, "make this red")
    assert made is not None
    red, green, _ = np.asarray(made)[30, 55].astype(int)
    assert red > green + 40
    assert np.array_equal(np.asarray(made)[:, 61:], np.asarray(picture())[:, 61:])
    assert edit_area(picture(), AREA, "add a plant") is None


def test_a_sloppy_model_changes_everything() -> None:
    made = np.asarray(sloppy(picture())).astype(int)
    assert (np.abs(made - np.asarray(picture())).max(axis=2) > 0).all()


def test_a_thing_is_put_on_another_picture() -> None:
    thing = Image.new("RGB", (80, 80), "white")
    ImageDraw.Draw(thing).rectangle((30, 20, 50, 70), fill=(230, 60, 200))
    ground = Image.new("RGB", (200, 100), (90, 90, 90))
    made = np.asarray(put_on(thing, ground)).astype(int)
    there = np.abs(made - (230, 60, 200)).max(axis=2) < 20
    assert 0.02 < there.mean() < 0.3
    assert not there[60:].any()
    blank = put_on(Image.new("RGB", (8, 8), "white"), ground)
    assert blank.size == ground.size
