"""An explanation in pictures: three numbered sheets with words between them. Pure Pillow.

The emulator solves nothing. It shows how such an answer looks: where the sum on the sheet is known
from the words it counts it out, else it counts to three.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageFont

PAPER: Final = (251, 249, 243)
LINES: Final = (222, 228, 236)
INK: Final = (38, 46, 66)
FIRST: Final = (232, 104, 74)
SECOND: Final = (66, 128, 186)
MOST: Final = 9
_SUM: Final = re.compile(r"\b(\d)\s*(?:\+|plus)\s*(\d)\b")


@dataclass(frozen=True)
class Step:
    words: str
    picture: Image.Image


def explains(words: str) -> bool:
    return re.search(r"\bstep by step\b", words, re.IGNORECASE) is not None


def explanation(words: str, width: int, height: int) -> tuple[Step, ...]:
    """Three steps."""
    found = _SUM.search(words)
    one, other = (int(found.group(1)), int(found.group(2))) if found else (2, 1)
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
