"""Legible captions: a dark band along the lower edge with the text in white. Pure Pillow."""

from __future__ import annotations

from typing import Final

from PIL import Image, ImageDraw, ImageFont

MAX_LINES: Final = 3
TEXT_SHARE: Final = 0.075
SMALLEST_TEXT: Final = 9
MARGIN_SHARE: Final = 0.03
LINE_FACTOR: Final = 1.25
BAND: Final = (18, 18, 20)
TEXT: Final = (255, 255, 255)
# Of the picture under the band; little, so that white letters stay readable on a white picture.
SHINES_THROUGH: Final = 0.15

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def write_caption(picture: Image.Image, text: str) -> Image.Image:
    """A copy of an RGB picture with `text` on a band, wrapped to at most MAX_LINES lines.

    Text that is still too long at SMALLEST_TEXT pixels is cut and ends in an ellipsis.
    """
    margin = max(2, round(MARGIN_SHARE * min(picture.size)))
    lines, font, size = _fit(text, picture.width - 2 * margin, picture.height)
    line_height = round(size * LINE_FACTOR)
    band_height = min(picture.height, line_height * len(lines) + 2 * margin)
    top = picture.height - band_height
    result = picture.copy()
    under = result.crop((0, top, picture.width, picture.height))
    band = Image.blend(Image.new("RGB", under.size, BAND), under, SHINES_THROUGH)
    result.paste(band, (0, top))
    draw = ImageDraw.Draw(result)
    for index, line in enumerate(lines):
        x = (picture.width - draw.textlength(line, font=font)) / 2
        draw.text((x, top + margin + index * line_height), line, font=font, fill=TEXT)
    return result


def _fit(text: str, width: int, height: int) -> tuple[list[str], Font, int]:
    """(lines, font, letter height in pixels) of the largest size that fits."""
    size = max(SMALLEST_TEXT, round(TEXT_SHARE * min(height, width)))
    while True:
        font = ImageFont.load_default(size)
        lines = _wrap(text, font, width)
        if len(lines) <= MAX_LINES or size <= SMALLEST_TEXT:
            break
        size = max(SMALLEST_TEXT, size * 9 // 10)
    if len(lines) > MAX_LINES:
        lines = [*lines[: MAX_LINES - 1], _cut(lines[MAX_LINES - 1], font, width)]
    return lines, font, size


def _wrap(text: str, font: Font, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split() or [""]:
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line if font.getlength(line) <= width else _cut(line, font, width) for line in lines]


def _cut(line: str, font: Font, width: int) -> str:
    while line and font.getlength(f"{line}…") > width:
        line = line[:-1]
    return f"{line}…"
