from __future__ import annotations

import pytest
from PIL import Image

from emulator.colours import NAMES, PAINT
from emulator.eyes import Eyes, join_words
from tests.emulator.painted import encoded, plain, room
from tests.emulator.test_pictures import png_bomb


def halves(left: str, right: str) -> Image.Image:
    picture = plain(PAINT[left], (320, 240))
    picture.paste(PAINT[right], (160, 0, 320, 240))
    return picture


def seen(*pictures: Image.Image, apart_s: float = 1.0) -> str:
    eyes = Eyes()
    for index, picture in enumerate(pictures):
        eyes.look(encoded(picture, "JPEG"), index * apart_s)
    return eyes.describe()


def test_nothing_seen_yet() -> None:
    assert Eyes().describe() == ""


def test_size_brightness_and_colours() -> None:
    said = seen(plain(PAINT["blue"], (640, 480)))
    assert said == "I see a picture, 640 by 480, rather dim, mostly blue."


def test_several_colours() -> None:
    assert "mostly" in seen(room().picture)
    assert seen(halves("red", "green")).endswith("red, with some green.") or seen(
        halves("red", "green")
    ).endswith("green, with some red.")


def test_no_colour_leads() -> None:
    picture = plain(PAINT["red"], (300, 100))
    picture.paste(PAINT["green"], (100, 0, 200, 100))
    picture.paste(PAINT["blue"], (200, 0, 300, 100))
    said = seen(picture)
    assert "mostly" not in said
    assert all(name in said for name in ("red", "green", "blue"))


def test_a_picture_of_many_small_colours_still_has_a_name() -> None:
    # PNG, without a seam: each of the names has the same thirteenth of the area.
    picture = plain((0, 0, 0), (len(NAMES) * 7, 20))
    for index, name in enumerate(NAMES):
        picture.paste(PAINT[name], (index * 7, 0, index * 7 + 7, 20))
    eyes = Eyes()
    eyes.look(encoded(picture), 0.0)
    assert eyes.describe().endswith(", black, grey and white.")


@pytest.mark.parametrize(
    ("level", "words"),
    [
        (4, "almost black"),
        (50, "dark"),
        (100, "rather dim"),
        (150, "well lit"),
        (250, "very bright"),
    ],
)
def test_brightness(level: int, words: str) -> None:
    assert f", {words}," in seen(plain((level, level, level)))


def test_movement_and_where() -> None:
    still = plain((90, 90, 90), (320, 240))
    left, middle, right = still.copy(), still.copy(), still.copy()
    left.paste((240, 240, 240), (10, 60, 70, 180))
    middle.paste((240, 240, 240), (130, 60, 190, 180))
    right.paste((240, 240, 240), (250, 60, 310, 180))
    assert seen(still, still).endswith("Nothing moves.")
    assert seen(still, left).endswith("Since the last one, something moved on the left.")
    assert seen(still, middle).endswith("something moved in the middle.")
    assert seen(still, right).endswith("something moved on the right.")
    assert seen(still, plain((250, 250, 250))).endswith("almost everything changed.")
    assert "Meanwhile," in seen(still, left, apart_s=30.0)


def test_small_noise_is_no_movement() -> None:
    assert seen(room(noise=3).picture, room(noise=4).picture).endswith("Nothing moves.")


def test_what_is_no_picture_changes_nothing() -> None:
    eyes = Eyes()
    eyes.look(encoded(plain(PAINT["red"])), 0.0)
    before = eyes.describe()
    eyes.look(b"nonsense", 1.0)
    eyes.look(png_bomb(30_000, 30_000), 2.0)
    assert eyes.describe() == before
    assert eyes.unreadable == 2


def test_words_are_joined_as_spoken() -> None:
    assert join_words(["red"]) == "red"
    assert join_words(["red", "blue"]) == "red and blue"
    assert join_words(["red", "blue", "grey"]) == "red, blue and grey"
