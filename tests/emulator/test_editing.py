"""Pixels: an edit changes what it names, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from emulator.colours import PAINT, name_indices, shares
from emulator.editing import PLAIN_WALL, NothingToGoBackTo, edit
from emulator.prompts import Narrow, Recolour, Region, SetTone, Side, Tone, parse_edit
from emulator.regions import half
from tests.emulator.painted import Mask, Room, mean_colour, plain, room

INNER = 3


def changed(before: Image.Image, after: Image.Image) -> Mask:
    difference: Mask = (np.asarray(before) != np.asarray(after)).any(axis=2)
    return difference


def edited(picture: Image.Image, prompt: str, **more: list[Image.Image]) -> Image.Image:
    result = edit(picture, parse_edit(prompt), **more)
    assert (result.mode, result.size) == ("RGB", picture.size)
    return result


def shrink(mask: Mask, steps: int = INNER) -> Mask:
    """Without the seam, where one pixel holds two regions."""
    size = 2 * steps + 1
    image = Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.MinFilter(size))
    inner: Mask = np.asarray(image) > 0
    return inner


def share_named(picture: Image.Image, where: Mask, name: str) -> float:
    return dict(shares(np.asarray(picture)[where][None])).get(name, 0.0)


@pytest.fixture(scope="module")
def painted() -> Room:
    return room()


def test_the_wall_becomes_blue_and_nothing_else_changes(painted: Room) -> None:
    after = edited(painted.picture, "change the wall to blue")
    touched = changed(painted.picture, after)
    assert touched[shrink(painted.wall)].mean() > 0.998
    assert not touched[shrink(~painted.wall)].any()
    assert share_named(after, shrink(painted.wall), "blue") > 0.99


def test_light_and_shade_stay(painted: Room) -> None:
    after = edited(painted.picture, "change the wall to blue").convert("L")
    lightness = np.asarray(after, dtype=float)[:50]
    assert lightness[:, -60:].mean() - lightness[:, :60].mean() > 25


@pytest.mark.parametrize("colour", ["white", "black", "red", "yellow"])
def test_other_colours(painted: Room, colour: str) -> None:
    after = edited(painted.picture, f"paint the wall {colour}")
    mean = mean_colour(after, shrink(painted.wall))
    assert np.abs(mean - PAINT[colour]).max() < 22


def test_the_floor(painted: Room) -> None:
    after = edited(painted.picture, "make the floor green")
    touched = changed(painted.picture, after)
    assert touched[shrink(painted.floor)].mean() > 0.998
    assert not touched[shrink(~painted.floor)].any()


def test_only_the_left_wall(painted: Room) -> None:
    after = edited(painted.picture, "change the left wall to red")
    touched = changed(painted.picture, after)
    assert touched[shrink(painted.wall)][:, None].any()
    assert not touched[:, 320:].any()
    left = shrink(painted.wall) & half(640, Side.LEFT)[None, :]
    assert share_named(after, left, "red") > 0.98


def test_narrowing_with_the_picture_from_before(painted: Room) -> None:
    blue = edited(painted.picture, "change the wall to blue")
    after = edited(blue, "only the left wall", earlier=[painted.picture])
    right = shrink(painted.wall & half(640, Side.RIGHT)[None, :])
    left = shrink(painted.wall & half(640, Side.LEFT)[None, :])
    assert not changed(painted.picture, after)[right].any()
    assert not changed(blue, after)[left].any()


def test_narrowing_without_it(painted: Room) -> None:
    blue = edited(painted.picture, "change the wall to blue")
    after = edited(blue, "only the left wall, in red")
    right = shrink(painted.wall & half(640, Side.RIGHT)[None, :])
    left = shrink(painted.wall & half(640, Side.LEFT)[None, :])
    assert np.abs(mean_colour(after, right) - PLAIN_WALL).max() < 20
    assert share_named(after, left, "red") > 0.98
    assert not changed(blue, after)[shrink(~painted.wall)].any()


def test_an_earlier_picture_of_another_size_is_no_help(painted: Room) -> None:
    after = edited(painted.picture, "only the left wall", earlier=[plain((0, 0, 0))])
    right = shrink(painted.wall & half(640, Side.RIGHT)[None, :])
    assert np.abs(mean_colour(after, right) - PLAIN_WALL).max() < 20


def test_a_side_of_the_whole_picture(painted: Room) -> None:
    after = edited(painted.picture, "tint the right side red")
    touched = changed(painted.picture, after)
    assert touched[:, 320:].all() and not touched[:, :320].any()


def test_a_region_that_is_not_there(painted: Room) -> None:
    narrow = plain((10, 10, 10), (1, 40))
    assert not changed(narrow, edited(narrow, "change the left wall to red")).any()


def channel_means(picture: Image.Image) -> NDArray[np.float64]:
    return mean_colour(picture)


def test_tones(painted: Room) -> None:
    before = channel_means(painted.picture)
    warm = channel_means(edited(painted.picture, "make it warmer")) - before
    cool = channel_means(edited(painted.picture, "make it cooler")) - before
    assert warm[0] > 5 > -5 > warm[2]
    assert cool[2] > 5 > -5 > cool[0]
    assert (channel_means(edited(painted.picture, "brighter")) > before + 10).all()
    assert (channel_means(edited(painted.picture, "darker")) < before - 10).all()
    inverted = edited(edited(painted.picture, "invert it"), "invert it")
    assert not changed(painted.picture, inverted).any()


def test_grey_and_sepia(painted: Room) -> None:
    grey = np.asarray(edited(painted.picture, "make it black and white")).astype(int)
    assert np.ptp(grey, axis=2).max() == 0
    assert grey.std() > 20
    red, green, blue = channel_means(edited(painted.picture, "make it sepia"))
    assert red > green > blue


def test_blur_removes_detail_and_keeps_the_light(painted: Room) -> None:
    after = edited(painted.picture, "blur it")
    before_detail = np.abs(np.diff(np.asarray(painted.picture.convert("L")).astype(int))).mean()
    after_detail = np.abs(np.diff(np.asarray(after.convert("L")).astype(int))).mean()
    assert after_detail < 0.4 * before_detail
    assert np.abs(channel_means(after) - channel_means(painted.picture)).max() < 2


@pytest.mark.parametrize(
    ("prompt", "back"),
    [("mirror it", "mirror it"), ("flip it", "flip it"), ("upside down", "upside down")],
)
def test_turns_twice_are_none(painted: Room, prompt: str, back: str) -> None:
    once = edited(painted.picture, prompt)
    assert changed(painted.picture, once).mean() > 0.5
    assert not changed(painted.picture, edited(once, back)).any()


def test_quarter_turns_fit_into_the_size() -> None:
    picture = plain((0, 0, 0), (60, 30))
    picture.paste((255, 0, 0), (0, 0, 60, 10))
    left = np.asarray(edited(picture, "rotate it left")).astype(int)
    right = np.asarray(edited(picture, "rotate it")).astype(int)
    assert left[15, 23:27, 0].max() > 150 and left[15, 33:, 0].max() < 90
    assert right[15, 33:37, 0].max() > 150 and right[15, :27, 0].max() < 90


def test_crops() -> None:
    picture = plain((0, 0, 0), (80, 40))
    picture.paste((255, 255, 255), (0, 0, 40, 40))
    assert channel_means(edited(picture, "crop it to the left")).min() > 250
    assert channel_means(edited(picture, "crop it to the right")).max() < 5
    assert 100 < channel_means(edited(picture, "zoom in"))[0] < 155


def test_combining() -> None:
    red, blue, green = (plain(PAINT[name]) for name in ("red", "blue", "green"))
    beside = edited(red, "combine them", others=[blue, green])
    row = [name for name in name_indices(np.asarray(beside))[24, [5, 32, 60]]]
    assert len(set(row)) == 3
    blended = edited(plain((200, 0, 0)), "blend them", others=[plain((0, 100, 0), (9, 9))])
    assert blended.getpixel((5, 5)) == (100, 50, 0)
    alone = edited(red, "combine them")
    assert changed(red, alone).any()


def test_going_back() -> None:
    first, second, third = plain((1, 1, 1)), plain((2, 2, 2)), plain((3, 3, 3))
    assert edited(third, "undo", earlier=[first, second]).getpixel((0, 0)) == (2, 2, 2)
    back = edited(third, "go back to the first one", earlier=[first, second])
    assert back.getpixel((0, 0)) == (1, 1, 1)
    with pytest.raises(NothingToGoBackTo):
        edited(third, "undo")


def test_captions(painted: Room) -> None:
    after = edited(painted.picture, 'write "Hello" on it')
    touched = changed(painted.picture, after)
    assert not touched[:400].any()
    assert touched[-20:].mean() > 0.9


@pytest.mark.parametrize(
    ("prompt", "colour", "columns"),
    [
        ("add a plant", "green", slice(430, 640)),
        ("add a lamp", "yellow", slice(0, 200)),
        ("add a plant on the left", "green", slice(0, 260)),
        ("add a red circle", "red", slice(200, 440)),
        ("add a sun", "yellow", slice(200, 440)),
    ],
)
def test_adding(painted: Room, prompt: str, colour: str, columns: slice) -> None:
    after = edited(painted.picture, prompt)
    touched = changed(painted.picture, after)
    assert 0.005 < touched.mean() < 0.2
    assert touched[:, columns].sum() == touched.sum()
    assert share_named(after, touched, colour) > 0.2


def test_adding_several(painted: Room) -> None:
    three = changed(painted.picture, edited(painted.picture, "add three red squares"))
    assert (np.diff(three[240].astype(int)) == 1).sum() == 3


def test_a_guess_says_so(painted: Room) -> None:
    after = edited(painted.picture, "surprise me")
    assert changed(painted.picture, after).mean() > 0.9
    assert np.abs(channel_means(after) - channel_means(painted.picture)).max() < 40


def test_several_operations_and_one_result(painted: Room) -> None:
    prompt = "change the wall to blue and the floor to green, then mirror it"
    once, again = edited(painted.picture, prompt), edited(painted.picture, prompt)
    assert once.tobytes() == again.tobytes()
    assert share_named(once, shrink(painted.wall[:, ::-1]), "blue") > 0.98
    assert share_named(once, shrink(painted.floor[:, ::-1]), "green") > 0.95


def test_only_one_side_goes_back_to_what_it_was_before_it_was_painted() -> None:
    """Not to the picture right before, in which the whole wall had the colour already."""
    plain_room = room(320, 240).picture
    blue = edit(plain_room, [Recolour(Region.WALL, Side.WHOLE, "blue")])
    warm = edit(blue, [SetTone(Tone.WARMER)])
    wish = Narrow(Region.WALL, Side.LEFT, "blue")
    made = edit(warm, [wish], earlier=[plain_room, blue])
    right = made.getpixel((300, 20))
    assert right == plain_room.getpixel((300, 20))
    nothing_else = edit(warm, [wish], earlier=[blue])
    assert nothing_else.getpixel((300, 20)) == blue.getpixel((300, 20))
    other_size = edit(warm, [wish], earlier=[room(64, 48).picture])
    assert other_size.size == warm.size
