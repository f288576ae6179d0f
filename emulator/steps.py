"""An explanation in pictures: three numbered sheets with words between them. Pure Pillow.

The emulator adds: what the words say, or the orange and the blue dots on a sheet that it is shown.
Where it finds neither it counts to three.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

PAPER: Final = (251, 249, 243)
LINES: Final = (222, 228, 236)
INK: Final = (38, 46, 66)
FIRST: Final = (232, 104, 74)
SECOND: Final = (66, 128, 186)
MOST: Final = 9
NEAR: Final = 64  # by which a colour may differ after a camera
SIDE: Final = 240  # dots are counted in a picture of this size
LEAST_PIXELS: Final = 60  # of a dot
_SUM: Final = re.compile(r"\b(\d)\s*(?:\+|plus)\s*(\d)\b")


@dataclass(frozen=True)
class Step:
    words: str
    picture: Image.Image


def explains(words: str) -> bool:
    return re.search(r"\bstep by step\b", words, re.IGNORECASE) is not None


def explanation(
    words: str, width: int, height: int, shown: Sequence[Image.Image] = ()
) -> tuple[Step, ...]:
    """Three steps."""
    found = _SUM.search(words)
    counted = next((sum_ for sum_ in map(dots, shown) if any(sum_)), (2, 1))
    one, other = (int(found.group(1)), int(found.group(2))) if found else counted
    whole = one + other
    sheets = (
        (f"First, take {one}.", one, 0),
        (f"Second, put {other} beside them.", one, other),
        (f"Third, count them all: that makes {whole}.", one, other),
    )
    return tuple(
        Step(text, _sheet(number, first, second, width, height, str(whole) if number == 3 else ""))
        for number, (text, first, second) in enumerate(sheets, start=1)
    )


def dots(picture: Image.Image) -> tuple[int, int]:
    """How many orange and how many blue ones it shows, `MOST` of each at most."""
    small = picture.convert("RGB")
    small.thumbnail((SIDE, SIDE))
    pixels = np.asarray(small).astype(int)
    first, second = (np.abs(pixels - colour).max(axis=2) < NEAR for colour in (FIRST, SECOND))
    return min(MOST, _spots(first)), min(MOST, _spots(second))


def _spots(mask: NDArray[np.bool_]) -> int:
    """The connected areas of some size."""
    left = set(zip(*(axis.tolist() for axis in np.nonzero(mask)), strict=True))
    count = 0
    while left:
        reached, size = [left.pop()], 0
        while reached:
            row, column = reached.pop()
            size += 1
            for near in (
                (row + 1, column),
                (row - 1, column),
                (row, column + 1),
                (row, column - 1),
            ):
                if near in left:
                    left.remove(near)
                    reached.append(near)
        count += size >= LEAST_PIXELS
    return count


def _sheet(
    number: int, first: int, second: int, width: int, height: int, result: str
) -> Image.Image:
    picture = Image.new("RGB", (width * 2, height * 2), PAPER)
    draw = ImageDraw.Draw(picture)
    unit = min(picture.size) / 100
    for row in range(1, 12):
        y = row * picture.height / 12
        draw.line((0, y, picture.width, y), fill=LINES, width=max(2, int(unit * 0.3)))
    badge = (6 * unit, 6 * unit, 22 * unit, 22 * unit)
    draw.ellipse(badge, outline=INK, width=max(3, int(unit)))
    font = ImageFont.load_default(10 * unit)
    draw.text((14 * unit, 14 * unit), str(number), font=font, fill=INK, anchor="mm")
    count = first + second
    side = min(15 * unit, picture.width * 0.84 / max(1, count + 1))
    left = (picture.width - count * side * 1.15 - (side * 0.6 if second else 0)) / 2
    for index in range(count):
        x = left + index * side * 1.15 + (side * 0.6 if index >= first else 0)
        y = picture.height * 0.46
        colour = FIRST if index < first else SECOND
        draw.ellipse((x, y, x + side, y + side), fill=colour)
    if result:
        large = ImageFont.load_default(22 * unit)
        place = (picture.width / 2, picture.height * 0.8)
        draw.text(place, f"= {result}", font=large, fill=INK, anchor="mm")
    return picture.resize((width, height), Image.Resampling.BOX)
