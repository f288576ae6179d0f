from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from emulator.colours import PAINT
from emulator.image_models import MODELS
from emulator.image_requests import ImageRequest, ImageRequestError, parse_untrusted
from emulator.image_work import MAX_EARLIER, answer, make_picture
from emulator.pictures import JPEG, PNG
from tests.emulator.painted import decoded, encoded, plain, room


def inline(picture: Image.Image) -> dict[str, Any]:
    data = base64.b64encode(encoded(picture)).decode()
    return {"inlineData": {"mimeType": "image/png", "data": data}}


def request(*contents: tuple[str, list[Any]], **config: Any) -> ImageRequest:
    body = {
        "contents": [
            {"role": role, "parts": [{"text": p} if isinstance(p, str) else p for p in parts]}
            for role, parts in contents
        ],
        "generationConfig": config,
    }
    return parse_untrusted(json.dumps(body).encode(), MODELS["gemini-3.1-flash-image"])


def test_something_new_has_the_wanted_size() -> None:
    wish = request(("user", ["draw a red circle"]), imageConfig={"aspectRatio": "16:9"})
    picture, words = make_picture(wish)
    assert picture.size == (1376, 768)
    assert picture.getpixel((688, 384)) == PAINT["red"]
    assert words == "Here is your picture."
    assert make_picture(request(("user", ["a tree"])))[0].size == (1024, 1024)


def test_a_given_picture_is_edited_in_its_size() -> None:
    painted = room(320, 240)
    wish = request(
        ("user", ["change the wall to blue", inline(painted.picture)]),
        imageConfig={"imageSize": "2K"},
    )
    picture, _ = make_picture(wish)
    assert picture.size == (320, 240)
    red, _, blue = np.asarray(picture)[10, 10]
    assert blue > red + 60


def test_a_chat_goes_on_from_the_last_picture() -> None:
    red, green = plain((200, 0, 0)), plain((0, 200, 0))
    turns: list[tuple[str, list[Any]]] = [
        ("user", ["draw", inline(red)]),
        ("model", [inline(green)]),
    ]
    grey, _ = make_picture(request(*turns, ("user", ["make it darker"])))
    assert grey.getpixel((5, 5)) == (0, 144, 0)
    back, _ = make_picture(request(*turns, ("user", ["undo"])))
    assert back.getpixel((5, 5)) == (200, 0, 0)
    new, _ = make_picture(request(*turns, ("user", ["draw a blue square"])))
    assert new.size == (1024, 1024)


def test_several_pictures_of_one_turn() -> None:
    red, blue = plain((200, 0, 0)), plain((0, 0, 200))
    picture, _ = make_picture(request(("user", ["combine them", inline(red), inline(blue)])))
    assert picture.getpixel((5, 5)) == (200, 0, 0)
    assert picture.getpixel((60, 5)) == (0, 0, 200)


def test_long_chats_keep_the_first_picture() -> None:
    pictures = [plain((number, 0, 0)) for number in range(MAX_EARLIER + 5)]
    turns = [("user", ["x", inline(one)]) for one in pictures]
    first, _ = make_picture(request(*turns, ("user", ["go back to the first one"])))
    assert first.getpixel((0, 0)) == (0, 0, 0)
    before, _ = make_picture(request(*turns, ("user", ["undo"])))
    assert before.getpixel((0, 0)) == (len(pictures) - 2, 0, 0)


def test_nothing_to_go_back_to() -> None:
    reply = answer(request(("user", ["undo", inline(plain((1, 1, 1)))])), PNG)
    assert (reply.finish, reply.image) == ("NO_IMAGE", None)
    assert reply.text


@pytest.mark.parametrize("data", ["AAAA", ""])
def test_what_is_no_picture(data: str) -> None:
    broken = {"inlineData": {"mimeType": "image/png", "data": data}}
    with pytest.raises(ImageRequestError, match="Unable to process input image"):
        answer(request(("user", ["blur it", broken])), PNG)


def test_too_many_pixels_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emulator.image_work.MAX_TOTAL_PIXELS", 64 * 48 * 2)
    two = [inline(plain((1, 1, 1)))] * 2
    answer(request(("user", ["combine", *two])), PNG)
    with pytest.raises(ImageRequestError, match="too many pixels"):
        answer(request(("user", ["combine", *two, two[0]])), PNG)


@pytest.mark.parametrize(
    ("modalities", "has_text", "has_image"),
    [
        ([], False, True),
        (["IMAGE"], False, True),
        (["TEXT", "IMAGE"], True, True),
        (["TEXT"], True, False),
    ],
)
def test_modalities(modalities: list[str], has_text: bool, has_image: bool) -> None:
    wish = request(("user", ["a tree"]), responseModalities=modalities)
    reply = answer(wish, JPEG)
    assert (bool(reply.text), reply.image is not None) == (has_text, has_image)


def test_thoughts_only_when_asked_for() -> None:
    quiet = answer(request(("user", ["a tree"])), JPEG)
    assert quiet.thoughts == () and quiet.drafts == ()
    loud = answer(request(("user", ["a tree"]), thinkingConfig={"includeThoughts": True}), JPEG)
    assert loud.thoughts and len(loud.drafts) == 2
    assert [max(decoded(draft).size) for draft in loud.drafts] == [192, 448]
    assert loud.image == quiet.image


def test_steps_are_words_and_pictures_in_turn() -> None:
    wish = request(
        ("user", ["explain 2 + 2 step by step"]), responseModalities=["TEXT", "IMAGE"],
        thinkingConfig={"includeThoughts": True},
    )  # fmt: skip
    reply = answer(wish, JPEG)
    assert (reply.text, len(reply.more), len(reply.drafts)) == ("First, take 2.", 2, 1)
    assert reply.more[1][0] == "Third, count them all: that makes 4."
    quiet = answer(
        request(("user", ["explain it step by step"]), responseModalities=["IMAGE"]), PNG
    )
    assert (quiet.text, quiet.drafts, len(quiet.more)) == ("", (), 2)


def test_posters_follow_their_seed_and_are_upright() -> None:
    words = "make a poster saying hello\n(Variant 2 of 3: make it different.)"
    one, other = (make_picture(request(("user", [words]), seed=seed))[0] for seed in (1, 2))
    assert one.size == (896, 1200)
    assert one.tobytes() != other.tobytes()


def test_a_fox_is_drawn_anew_in_each_scene() -> None:
    first, _ = make_picture(request(("user", ["draw a fox with a red scarf"])))
    then, words = make_picture(request(("user", [inline(first), "show the fox at the beach"])))
    assert (then.size, words) == ((1024, 1024), "Here is your picture.")


def test_an_area_and_two_things_together() -> None:
    where = (
        "\n(Only inside the area from 20.0 % to 60.0 % of the width and from 30.0 % to 55.0 % of "
        "the height.)"
    )
    painted = room(320, 240).picture
    made, _ = make_picture(request(("user", [inline(painted), f"make this red{where}"])))
    assert made.size == painted.size
    assert made.getpixel((2, 2)) == painted.getpixel((2, 2))
    assert made.getpixel((100, 100)) != painted.getpixel((100, 100))
    careless, _ = make_picture(request(("user", [inline(painted), f"sloppy: erase it{where}"])))
    assert careless.getpixel((2, 2)) != painted.getpixel((2, 2))
    whole, _ = make_picture(request(("user", [inline(painted), f"make it grey{where}"])))
    assert whole.getpixel((2, 2)) != painted.getpixel((2, 2))
    wish = request(("user", [inline(plain((255, 255, 255))), inline(painted), "put this on that"]))
    together, words = make_picture(wish)
    assert (together.size, words) == (painted.size, "Here they are together.")
