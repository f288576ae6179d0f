"""The fox is the same in every scene."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from emulator.colours import PAINT
from emulator.scenes import FUR, draw_fox, shows_a_fox


def share(picture: Image.Image, colour: tuple[int, int, int]) -> float:
    apart = np.abs(np.asarray(picture).astype(int) - colour).max(axis=2)
    return float((apart < 12).mean())


@pytest.mark.parametrize("words", ["a fox, red scarf", "Show the FOX in a forest"])
def test_a_fox_is_known_by_its_name(words: str) -> None:
    assert shows_a_fox(words)
    assert not shows_a_fox("a foxglove")


@pytest.mark.parametrize("place", ["", "in a forest", "at the beach", "in the snow"])
def test_the_same_fox_everywhere(place: str) -> None:
    first = draw_fox("a fox with a blue scarf", 200, 160)
    then = draw_fox(f"show the fox {place}", 300, 200, [first])
    assert then.size == (300, 200)
    assert share(then, FUR) > 0.05
    assert share(then, PAINT["blue"]) > 0.004
    assert np.array_equal(
        np.asarray(then), np.asarray(draw_fox(f"a fox {place}", 300, 200, [first]))
    )


def test_scenes_differ_and_a_scarf_comes_from_somewhere() -> None:
    pictures = [draw_fox(f"a fox {place}", 90, 90) for place in ("", "in a forest", "at the beach")]
    corners = {picture.getpixel((1, 1)) for picture in pictures}
    assert len(corners) == 3
    assert share(pictures[0], PAINT["red"]) < 0.001
    plain = Image.new("RGB", (50, 50), "white")
    assert share(draw_fox("a fox", 90, 90, [plain]), PAINT["red"]) < 0.001
