"""Explanations in pictures and words."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from emulator.steps import FIRST, MOST, SECOND, dots, explains, explanation


def circles(picture: object, colour: tuple[int, int, int]) -> float:
    return float((np.abs(np.asarray(picture).astype(int) - colour).max(axis=2) < 12).mean())


@pytest.mark.parametrize(
    ("words", "known"), [("Explain this step by step.", True), ("a step", False)]
)
def test_what_is_to_be_explained(words: str, known: bool) -> None:
    assert explains(words) is known


def test_a_sum_that_stands_in_the_words_is_counted_out() -> None:
    steps = explanation("explain 3 plus 4 step by step", 240, 180)
    assert [step.words for step in steps] == [
        "First, take 3.", "Second, put 4 beside them.", "Third, count them all: that makes 7.",
    ]  # fmt: skip
    assert [step.picture.size for step in steps] == [(240, 180)] * 3
    assert circles(steps[0].picture, SECOND) == 0 < circles(steps[0].picture, FIRST)
    assert circles(steps[1].picture, SECOND) > circles(steps[1].picture, FIRST)
    assert len({step.picture.tobytes() for step in steps}) == 3


def test_without_one_it_counts_to_three() -> None:
    assert explanation("explain this step by step", 90, 60)[2].words.endswith("that makes 3.")
    assert explanation("0 + 0 step by step", 90, 60)[2].words.endswith("that makes 0.")


def sheet(first: int, second: int, side: int = 40) -> Image.Image:
    picture = Image.new("RGB", (640, 480), (244, 242, 234))
    draw = ImageDraw.Draw(picture)
    for row, (count, colour) in enumerate(((first, FIRST), (second, SECOND))):
        for index in range(count):
            x, y = 20 + 50 * index, 100 + 200 * row
            draw.ellipse((x, y, x + side, y + side), fill=colour)
    return picture


def test_dots_on_a_sheet_are_counted() -> None:
    assert dots(sheet(3, 4)) == (3, 4)
    assert dots(sheet(0, MOST + 2)) == (0, MOST)
    assert dots(sheet(5, 5, side=6)) == (0, 0), "specks are none"
    steps = explanation("explain this step by step", 90, 60, [sheet(0, 0), sheet(3, 4)])
    assert steps[2].words.endswith("that makes 7.")
