"""A fox that stays the same from scene to scene, and the scenes. Pure Pillow, deterministic.

The fox wears the scarf that the words name, or else the one that it wears in the pictures given.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from emulator.colours import PAINT, Rgb

FUR: Final = (222, 120, 50)
FUR_SHADE: Final = (190, 92, 34)
WHITE: Final = (250, 244, 234)
DARK: Final = (52, 36, 30)
SCARVES: Final = ("red", "blue", "purple", "pink", "yellow")
LEAST_SHARE: Final = 0.002  # of a picture that a scarf covers
NEAR: Final = 26  # by which a colour may differ after JPEG

Draw = ImageDraw.ImageDraw
Points = list[tuple[float, float]]


def shows_a_fox(words: str) -> bool:
    return "fox" in words.lower().replace(",", " ").split()


def draw_fox(
    words: str, width: int, height: int, references: Sequence[Image.Image] = ()
) -> Image.Image:
    """An RGB picture of the fox in the scene that the words name."""
    picture = Image.new("RGB", (width * 2, height * 2))
    draw = ImageDraw.Draw(picture)
    size = (width * 2, height * 2)
    lowered = words.lower()
    if "forest" in lowered or "wood" in lowered:
        _forest(draw, size)
    elif "beach" in lowered or "sea" in lowered:
        _beach(draw, size)
    elif "snow" in lowered or "winter" in lowered:
        _snow(draw, size)
    else:
        _meadow(draw, size)
    _fox(draw, size, _scarf(lowered, references))
    return picture.resize((width, height), Image.Resampling.BOX)


def _scarf(words: str, references: Sequence[Image.Image]) -> Rgb | None:
    named = [one for one in SCARVES if f"{one} scarf" in words]
    if named:
        return PAINT[named[0]]
    for reference in references:
        small = reference.copy()
        small.thumbnail((256, 256))
        pixels = np.asarray(small).reshape(-1, 3).astype(int)
        shares = {
            one: float((np.abs(pixels - PAINT[one]).max(axis=1) < NEAR).mean()) for one in SCARVES
        }
        best = max(SCARVES, key=lambda one: shares[one])
        if shares[best] >= LEAST_SHARE:
            return PAINT[best]
    return None


def _gradient(draw: Draw, size: tuple[int, int], top: Rgb, bottom: Rgb, share: float) -> None:
    width, height = size
    draw.rectangle((0, 0, width, height), fill=bottom)
    for row in range(int(height * share) + 1):
        part = row / max(1, height * share)
        colour = tuple(round(a + (b - a) * part) for a, b in zip(top, bottom, strict=True))
        draw.line((0, row, width, row), fill=colour)


def _meadow(draw: Draw, size: tuple[int, int]) -> None:
    width, height = size
    _gradient(draw, size, (196, 224, 240), (236, 242, 232), 0.7)
    draw.ellipse((-width * 0.3, height * 0.6, width * 0.8, height * 1.3), fill=(158, 196, 120))
    draw.ellipse((width * 0.3, height * 0.64, width * 1.4, height * 1.4), fill=(136, 180, 102))
    draw.rectangle((0, height * 0.82, width, height), fill=(120, 166, 90))


def _forest(draw: Draw, size: tuple[int, int]) -> None:
    width, height = size
    _gradient(draw, size, (38, 70, 58), (120, 158, 110), 0.8)
    numbers = random.Random(3)
    for layer, green in enumerate(((46, 92, 66), (34, 76, 54), (24, 58, 42))):
        for index in range(9):
            x = width * (index + numbers.random() * 0.8) / 8.5
            top = height * (0.05 + 0.08 * layer + 0.12 * numbers.random())
            half = width * (0.05 + 0.012 * layer)
            draw.rectangle((x - half * 0.14, top, x + half * 0.14, height * 0.9), fill=(66, 46, 34))
            for part in range(3):
                y = top + part * height * 0.13
                wide = half * (0.7 + 0.3 * part)
                tip: Points = [(x, y), (x - wide, y + height * 0.2), (x + wide, y + height * 0.2)]
                draw.polygon(tip, fill=green)
    draw.ellipse((-width * 0.2, height * 0.76, width * 1.2, height * 1.4), fill=(86, 112, 62))


def _beach(draw: Draw, size: tuple[int, int]) -> None:
    width, height = size
    _gradient(draw, size, (122, 192, 232), (224, 240, 244), 0.5)
    draw.ellipse((width * 0.74, height * 0.08, width * 0.88, height * 0.08 + width * 0.14),
                 fill=(250, 214, 96))  # fmt: skip
    draw.rectangle((0, height * 0.48, width, height * 0.7), fill=(44, 140, 178))
    for row in range(4):
        y = height * (0.51 + 0.045 * row)
        for step in range(6):
            x = width * (step * 0.2 - 0.1 + 0.07 * (row % 2))
            draw.arc((x, y, x + width * 0.16, y + height * 0.03), 180, 360, fill=(186, 226, 234),
                     width=max(2, width // 300))  # fmt: skip
    shore: Points = [(0, height * 0.7), (width * 0.3, height * 0.66), (width * 0.7, height * 0.7),
                     (width, height * 0.65), (width, height), (0, height)]  # fmt: skip
    draw.polygon(shore, fill=(236, 214, 164))


def _snow(draw: Draw, size: tuple[int, int]) -> None:
    width, height = size
    _gradient(draw, size, (150, 172, 206), (226, 232, 242), 0.75)
    for x, top in ((0.12, 0.3), (0.3, 0.42), (0.78, 0.28), (0.93, 0.4)):
        for part in range(3):
            y, wide = height * (top + 0.1 * part), width * (0.045 + 0.02 * part)
            tip: Points = [(width * x, y), (width * x - wide, y + height * 0.15),
                           (width * x + wide, y + height * 0.15)]  # fmt: skip
            draw.polygon(tip, fill=(70, 104, 104))
            draw.line(tip[:2], fill=(244, 248, 252), width=max(3, width // 200))
    draw.ellipse((-width * 0.3, height * 0.7, width * 1.3, height * 1.5), fill=(242, 246, 250))
    numbers = random.Random(5)
    for _ in range(90):
        x, y = numbers.random() * width, numbers.random() * height
        r = width * 0.003 * (1 + numbers.random())
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(255, 255, 255))


def _fox(draw: Draw, size: tuple[int, int], scarf: Rgb | None) -> None:
    """It sits in the middle and looks out of the picture."""
    width, height = size
    unit = min(width, height) / 100
    left, top = width / 2 - 50 * unit, height * 0.98 - 88 * unit

    def at(*numbers: float) -> list[float]:
        return [(left if n % 2 == 0 else top) + one * unit for n, one in enumerate(numbers)]

    def corners(*points: tuple[float, float]) -> Points:
        return [(left + x * unit, top + y * unit) for x, y in points]

    for turn, colour, grown in ((0.0, FUR_SHADE, 1.0), (0.0, WHITE, 0.42)):
        points = [
            (78 + math.cos(a) * 12 * grown + turn, 66 - 14 * (1 - grown) + math.sin(a) * 20 * grown)
            for a in (math.tau * n / 24 for n in range(24))
        ]
        draw.polygon(corners(*points), fill=colour)
    draw.ellipse(at(30, 44, 70, 88), fill=FUR)
    draw.ellipse(at(40, 52, 60, 86), fill=WHITE)
    for x in (38, 55):
        draw.ellipse(at(x - 2, 78, x + 9, 88), fill=DARK)
    for ear in (((30, 4), (26, 28), (46, 20)), ((70, 4), (74, 28), (54, 20))):
        draw.polygon(corners(*ear), fill=FUR_SHADE)
        mid_x, mid_y = (sum(one[axis] for one in ear) / 3 for axis in (0, 1))
        inner = [((px + 1.2 * mid_x) / 2.2, (py + 1.2 * mid_y) / 2.2) for px, py in ear]
        draw.polygon(corners(*inner), fill=DARK)
    draw.ellipse(at(26, 14, 74, 52), fill=FUR)
    draw.polygon(corners((27, 36), (50, 40), (50, 58), (36, 51)), fill=WHITE)
    draw.polygon(corners((73, 36), (50, 40), (50, 58), (64, 51)), fill=WHITE)
    for x in (39, 61):
        draw.ellipse(at(x - 2.8, 29, x + 2.8, 36), fill=DARK)
        draw.ellipse(at(x - 1.6, 30, x + 0.2, 32), fill=WHITE)
    draw.ellipse(at(46.6, 50, 53.4, 55.5), fill=DARK)
    if scarf is not None:
        shade = tuple(round(one * 0.78) for one in scarf)
        draw.rounded_rectangle(at(33, 55.5, 67, 64), radius=4 * unit, fill=scarf)
        draw.polygon(corners((56, 61), (66, 61), (69, 80), (59, 82)), fill=scarf)
        draw.line(corners((56, 63), (66, 63)), fill=shade, width=max(2, int(unit)))
