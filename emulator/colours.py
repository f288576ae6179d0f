"""Names of colours: what to paint for a name, and which name fits a pixel. Pure numpy."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Rgb = tuple[int, int, int]
Pixels = NDArray[np.uint8]

PAINT: Final[dict[str, Rgb]] = {
    "red": (200, 48, 44),
    "orange": (236, 134, 32),
    "yellow": (240, 208, 60),
    "green": (62, 150, 76),
    "blue": (48, 98, 190),
    "purple": (122, 66, 160),
    "pink": (236, 142, 172),
    "brown": (124, 82, 50),
    "white": (244, 244, 240),
    "black": (28, 28, 30),
    "grey": (128, 128, 128),
    "turquoise": (46, 176, 170),
    "beige": (222, 206, 174),
    "gold": (206, 166, 60),
}
SYNONYMS: Final[dict[str, str]] = {
    "gray": "grey",
    "violet": "purple",
    "teal": "turquoise",
    "cyan": "turquoise",
    "magenta": "pink",
    "navy": "blue",
    "cream": "beige",
}
NAMES: Final = ("black", "grey", "white", "red", "orange", "brown", "beige", "yellow", "green",
                "turquoise", "blue", "purple", "pink")  # fmt: skip
_INDEX: Final = {name: index for index, name in enumerate(NAMES)}

# Upper ends of hue ranges in degrees, and the name of each.
_HUES: Final = (
    (14.0, "red"),
    (42.0, "orange"),
    (70.0, "yellow"),
    (160.0, "green"),
    (195.0, "turquoise"),
    (258.0, "blue"),
    (296.0, "purple"),
    (344.0, "pink"),
    (360.0, "red"),
)
_BLACK_BELOW: Final = 0.16
_WHITE_ABOVE: Final = 0.82
_GREY_SATURATION: Final = 0.14
_BROWN_BELOW: Final = 0.68
_PINK_SATURATION: Final = 0.55
_BEIGE: Final = (0.14, 0.40, 0.55)


def paint(name: str) -> Rgb:
    """The RGB to paint for a name or synonym. Raises KeyError for an unknown name."""
    return PAINT[SYNONYMS.get(name, name)]


def name_indices(pixels: Pixels) -> NDArray[np.int64]:
    """Index into NAMES for each pixel of an (…, 3) RGB array."""
    rgb = pixels.astype(np.float64) / 255.0
    value = rgb.max(axis=-1)
    span = value - rgb.min(axis=-1)
    saturation = span / np.maximum(value, 1e-9)
    hue = _hue(rgb, value, span)
    ends = np.array([end for end, _ in _HUES])
    names = np.array([_INDEX[name] for _, name in _HUES])
    index = names[np.minimum(np.searchsorted(ends, hue, side="right"), len(names) - 1)]
    warm = (index == _INDEX["red"]) | (index == _INDEX["orange"])
    light = warm & (saturation < _PINK_SATURATION) & (value > _WHITE_ABOVE)
    index = np.where(light & ((hue > 330) | (hue < 14)), _INDEX["pink"], index)
    index = np.where(warm & (hue > 8) & (hue < 42) & (value < _BROWN_BELOW), _INDEX["brown"], index)
    least, most, value_above = _BEIGE
    pale = (saturation >= least) & (saturation < most) & (value > value_above)
    index = np.where(pale & (hue >= 20) & (hue < 62), _INDEX["beige"], index)
    index = np.where(saturation < _GREY_SATURATION, _INDEX["grey"], index)
    bright = (saturation < _GREY_SATURATION) & (value > _WHITE_ABOVE)
    index = np.where(bright, _INDEX["white"], index)
    return np.where(value < _BLACK_BELOW, _INDEX["black"], index)


def _hue(
    rgb: NDArray[np.float64], value: NDArray[np.float64], span: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Degrees in [0, 360); 0 for greys."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    safe = np.where(span == 0, 1.0, span)
    hue = np.where(
        value == red,
        (green - blue) / safe % 6,
        np.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    return np.where(span == 0, 0.0, hue * 60.0 % 360)


def shares(pixels: Pixels) -> list[tuple[str, float]]:
    """(name, share of the area) of an RGB array, the largest first; ties by NAMES' order."""
    counts = np.bincount(name_indices(pixels).ravel(), minlength=len(NAMES))
    order = np.argsort(-counts, kind="stable")
    total = max(int(counts.sum()), 1)
    return [(NAMES[index], counts[index] / total) for index in order if counts[index]]
