"""A room's story in its order."""

import json
from collections.abc import Iterator
from typing import Any

from pipeline.story import (
    Said,
    Shown,
    head_html,
    original_name,
    said_html,
    shown_html,
    story,
    story_json,
)
from processors.images.tree import Image, ImageState, Original
from tests.processors.images.test_tree import STORED


def line(role: str, turn: int, text: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "turn": turn, "text": text, **more}


def image(image_id: str, turn: int, **more: Any) -> Image:
    state = more.pop("state", ImageState.READY)
    return Image(
        image_id, f"<{image_id}>", "ada", 1.0, turn=turn, state=state, stored=STORED, **more
    )


def test_turn_by_turn_and_only_what_is_there() -> None:
    lines = [line("user", 1, "a"), line("model", 1, "b"), line("user", 2, ""), line("user", 3, "c")]
    images = [image("x", 3), image("y", 1), image("z", 1, state=ImageState.FAILED), image("w", 2)]
    items = story(lines, images)
    told = [one.line["text"] if isinstance(one, Said) else one.image.image_id for one in items]
    assert told == ["a", "b", "y", "w", "c", "x"]
    assert [one.file_name for one in items if isinstance(one, Shown)] == [
        "images/0002.png", "images/0003.png", "images/0001.png",
    ]  # fmt: skip


def test_nothing_that_was_said_becomes_html() -> None:
    assert "&lt;b&gt;" in said_html(Said(line("user", 1, "<b>", interrupted=True)))
    page = shown_html(Shown(image("x", 1, text="<i>", name="<n>", model="<m>"), 1), "data:x")
    assert "<i>" not in page and "<n>" not in page and "<m>" not in page
    assert page.index("&lt;i&gt;") < page.index("<figure>")
    assert head_html(0.0).startswith("<!doctype html>")
    assert "01 January 1970" in head_html(0.0)


def test_words_after_an_image_come_after_it() -> None:
    page = shown_html(Shown(image("x", 1, text_after="That is all."), 1), "data:x")
    assert page.index("</figure>") < page.index("That is all.")


def test_for_programs() -> None:
    items = story([line("user", 1, "ä")], [image("x", 1)])
    told = json.loads(story_json(items, 5.0))
    assert told["created_at"] == 5.0
    assert told["story"][0] == {"said": {"role": "user", "turn": 1, "text": "ä"}}
    assert told["story"][1]["image"]["image_id"] == "x"
    assert "thumbnail" not in told["story"][1]["image"]


def test_an_original_has_a_file_of_its_own() -> None:
    assert original_name(Original("lamp", "upload", STORED)) == "originals/lamp.png"


class Counted(list[dict[str, Any]]):
    """How often somebody went through it."""

    rounds = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self.rounds += 1
        return super().__iter__()


def test_a_long_story_is_gone_through_once() -> None:
    lines = Counted(line("user", turn, f"word {turn}") for turn in range(500))
    assert len(story(lines, [])) == 500
    assert lines.rounds <= 2
