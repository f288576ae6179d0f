from __future__ import annotations

import numpy as np
import pytest

from emulator.colours import NAMES, PAINT, SYNONYMS, name_indices, paint, shares


def name_of(*rgb: int) -> str:
    return NAMES[int(name_indices(np.array([rgb], np.uint8))[0])]


@pytest.mark.parametrize("name", [name for name in PAINT if name not in ("gold",)])
def test_a_painted_colour_is_called_by_its_name(name: str) -> None:
    assert name_of(*PAINT[name]) == name


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
        ((120, 120, 120), "grey"),
        ((255, 0, 0), "red"),
        ((255, 0, 10), "red"),
        ((0, 255, 0), "green"),
        ((0, 0, 255), "blue"),
        ((0, 255, 255), "turquoise"),
        ((255, 0, 255), "pink"),
        ((255, 180, 190), "pink"),
        ((128, 70, 30), "brown"),
        ((140, 60, 200), "purple"),
        ((226, 214, 190), "beige"),
    ],
)
def test_names_of_colours(rgb: tuple[int, int, int], name: str) -> None:
    assert name_of(*rgb) == name


def test_shares_are_ranked_and_complete() -> None:
    pixels = np.zeros((10, 10, 3), np.uint8)
    pixels[:, :7] = PAINT["blue"]
    pixels[:, 7:9] = PAINT["red"]
    assert shares(pixels) == [("blue", 0.7), ("red", 0.2), ("black", 0.1)]


def test_synonyms_can_be_painted() -> None:
    assert all(paint(synonym) == PAINT[name] for synonym, name in SYNONYMS.items())
    with pytest.raises(KeyError):
        paint("octarine")
