"""Posters are legible and differ by their seed."""

from __future__ import annotations

import numpy as np
import pytest

from emulator.posters import PALETTES, draw_poster


def light(colour: tuple[int, ...]) -> float:
    """Relative luminance (WCAG 2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
              for c in (one / 255 for one in colour)]  # fmt: skip
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("palette", PALETTES)
def test_letters_have_contrast(palette: tuple[tuple[int, ...], object, tuple[int, ...]]) -> None:
    one, other = sorted((light(palette[0]), light(palette[2])))
    assert (other + 0.05) / (one + 0.05) > 7


@pytest.mark.parametrize(
    "text", ["hello world", "one", "a very long text that needs many lines " * 4, "x" * 90, ""]
)
def test_the_letters_stand_within_the_picture(text: str) -> None:
    poster = draw_poster(text, 300, 400, 1)
    assert poster.size == (300, 400)
    ground, _, letters = PALETTES[1]
    pixels = np.asarray(poster).astype(int)
    lettered = (np.abs(pixels - letters).max(axis=2) < 40).mean()
    assert bool(lettered > 0.0003) is bool(text)
    assert (np.abs(pixels - ground).max(axis=2) < 10).mean() > 0.1


def test_each_seed_is_another_poster_and_always_the_same() -> None:
    posters = [np.asarray(draw_poster("hello", 90, 120, seed)).tobytes() for seed in (1, 2, 3, 1)]
    assert len(set(posters)) == 3
    assert posters[0] == posters[3]
