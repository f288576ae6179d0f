from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from emulator.colours import PAINT, shares
from emulator.drawing import PAPER, draw_picture, draw_thing
from emulator.prompts import THINGS, Drawing, Thing, parse_drawing
from tests.emulator.painted import mean_colour


def drawn(prompt: str, width: int = 400, height: int = 300) -> Image.Image:
    picture = draw_picture(parse_drawing(prompt), width, height)
    assert (picture.mode, picture.size) == ("RGB", (width, height))
    return picture


def test_a_red_circle_is_round_red_and_in_the_middle() -> None:
    pixels = np.asarray(drawn("draw a red circle"))
    red = (np.abs(pixels.astype(int) - PAINT["red"]) < 6).all(axis=2)
    rows, columns = np.nonzero(red)
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert abs(int(height) - int(width)) <= 2
    assert abs(rows.mean() - 150) < 2 and abs(columns.mean() - 200) < 2
    assert red.sum() / (height * width) == pytest.approx(np.pi / 4, abs=0.02)
    assert tuple(pixels[2, 2]) == PAPER


def test_counts_stand_side_by_side() -> None:
    pixels = np.asarray(drawn("three blue squares"))
    blue = np.asarray((np.abs(pixels.astype(int) - PAINT["blue"]) < 6).all(axis=2))
    row = np.diff(blue[150].astype(int))
    assert (row == 1).sum() == 3


@pytest.mark.parametrize("kind", THINGS)
def test_everything_can_be_drawn_in_its_own_colour_and_in_another(kind: str) -> None:
    own = draw_picture(Drawing((Thing(kind),), "white", ""), 200, 200)
    other = draw_picture(Drawing((Thing(kind, "purple"),), "white", ""), 200, 200)
    assert np.asarray(own).std() > 5
    names = dict(shares(np.asarray(other)))
    assert names.get("purple", 0) > 0.01
    assert np.asarray(own).tobytes() != np.asarray(other).tobytes()


def test_outdoor_scenes_have_sky_and_grass() -> None:
    picture = drawn("a house, a tree and the sun")
    assert mean_colour(picture.crop((0, 0, 40, 40)))[2] > 220
    red, green, blue = mean_colour(picture.crop((0, 280, 400, 300)))
    assert green > red and green > blue
    assert dict(shares(np.asarray(picture.crop((280, 0, 400, 120))))).get("yellow", 0) > 0.05


def test_a_room_has_the_wanted_wall() -> None:
    picture = drawn("a room with a blue wall and a lamp")
    assert tuple(int(v) for v in mean_colour(picture.crop((5, 5, 100, 100)))) == PAINT["blue"]
    assert dict(shares(np.asarray(picture))).get("yellow", 0) > 0.005


def test_a_ground_and_a_caption() -> None:
    picture = drawn('a red star on a green background saying "hi"')
    assert picture.getpixel((2, 2)) == PAINT["green"]
    assert np.asarray(picture.convert("L"))[-30:].max() > 240


def test_large_pictures() -> None:
    assert drawn("a red circle", 2752, 1536).getpixel((1376, 768)) == PAINT["red"]


def test_the_same_prompt_gives_the_same_picture() -> None:
    assert drawn("a house").tobytes() == drawn("a house").tobytes()


def test_unknown_things_are_an_error() -> None:
    with pytest.raises(KeyError):
        draw_thing(ImageDraw.Draw(Image.new("RGB", (9, 9))), (0, 0, 9, 9), Thing("unicorn"))
