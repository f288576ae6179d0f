"""Posters: large letters on a ground of colours, another one for each seed. Pure Pillow."""

from __future__ import annotations

import random
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from emulator.colours import Rgb

# Ground, shapes, letters: each pair of ground and letters has a contrast of more than 7 to 1.
PALETTES: Final[tuple[tuple[Rgb, tuple[Rgb, ...], Rgb], ...]] = (
    ((250, 243, 226), ((232, 87, 58), (247, 190, 76), (46, 96, 128)), (24, 30, 44)),
    ((22, 34, 62), ((244, 114, 82), (78, 128, 188), (248, 206, 110)), (255, 250, 238)),
    ((18, 66, 58), ((236, 176, 76), (96, 160, 124), (232, 116, 88)), (252, 248, 232)),
    ((244, 238, 246), ((132, 84, 168), (238, 120, 150), (92, 170, 190)), (38, 22, 58)),
)
SHAPES: Final = 7
LETTER_SHARE: Final = 0.2  # of the height, at most
MARGIN_SHARE: Final = 0.08
MAX_LINES: Final = 4


def draw_poster(text: str, width: int, height: int, seed: int = 0) -> Image.Image:
    """An RGB picture with `text` large in its middle."""
    ground, colours, letters = PALETTES[seed % len(PALETTES)]
    numbers = random.Random(seed)
    picture = Image.new("RGB", (width * 2, height * 2), ground)
    draw = ImageDraw.Draw(picture)
    for index in range(SHAPES):
        _shape(draw, picture.size, numbers, colours[index % len(colours)])
    # The letters stand on a plain band, whatever lies beneath.
    lines, font, size = _fit(text.upper(), width * 2, height * 2)
    line = round(size * 1.12)
    top = (height * 2 - line * len(lines)) // 2
    pad = round(size * 0.45)
    draw.rectangle((0, top - pad, width * 2, top + line * len(lines) + pad), fill=ground)
    for index, words in enumerate(lines):
        x = (width * 2 - draw.textlength(words, font=font)) / 2
        draw.text((x, top + index * line), words, font=font, fill=letters)
    return picture.resize((width, height), Image.Resampling.BOX)


def _shape(
    draw: ImageDraw.ImageDraw, size: tuple[int, int], numbers: random.Random, colour: Rgb
) -> None:
    width, height = size
    side = min(size) * (0.12 + 0.3 * numbers.random())
    x, y = numbers.random() * width - side / 2, numbers.random() * height - side / 2
    match numbers.randrange(3):
        case 0:
            draw.ellipse((x, y, x + side, y + side), fill=colour)
        case 1:
            draw.pieslice((x, y, x + side * 1.4, y + side * 1.4), 180, 360, fill=colour)
        case _:
            draw.polygon([(x, y + side), (x + side / 2, y), (x + side, y + side)], fill=colour)


def _fit(
    text: str, width: int, height: int
) -> tuple[list[str], ImageFont.FreeTypeFont | ImageFont.ImageFont, int]:
    """(lines, font, letter height) of the largest size in which the text fits."""
    size = int(LETTER_SHARE * height)
    while True:
        font = ImageFont.load_default(size)
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if font.getlength(longer) <= width * (1 - 2 * MARGIN_SHARE) or not lines[-1]:
                lines[-1] = longer
            else:
                lines.append(word)
        widest = max(font.getlength(line) for line in lines)
        fits = len(lines) <= MAX_LINES and widest <= width * (1 - 2 * MARGIN_SHARE)
        if fits or size <= 16:
            return lines[:MAX_LINES], font, size
        size = size * 9 // 10
