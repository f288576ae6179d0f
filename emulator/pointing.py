"""Edits that keep to the area that a prompt names: remove what is there, or paint it. Pure.

"(Only inside the area from 20.0 % to 45.5 % of the width and from 30.0 % to 60.0 % of the height.)"
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from emulator.colours import paint
from emulator.prompts import Recolour, Region, parse_edit

SLOPPY_TINT: Final = 0.08
_AREA: Final = re.compile(
    r"\(Only inside the area from ([\d.]+) % to ([\d.]+) % of the width and from ([\d.]+) % to "
    r"([\d.]+) % of the height\.\)[^\n]*(?:\(The second picture[^)]*\))?",
)
_REMOVES: Final = re.compile(r"\b(remove|erase|delete|take (it|this|that) away)\b", re.IGNORECASE)
PAINTED: Final = 0.75


@dataclass(frozen=True)
class Area:
    """Shares of the picture."""

    left: float
    top: float
    right: float
    bottom: float


def area_in(prompt: str) -> tuple[Area | None, str]:
    """(the area that the prompt names, the prompt without it)."""
    found = _AREA.search(prompt)
    if found is None:
        return None, prompt
    left, right, top, bottom = (min(1.0, float(one) / 100) for one in found.groups()[:4])
    rest = prompt.replace(found.group(0), " ").strip()
    return (Area(left, top, right, bottom), rest) if left < right and top < bottom else (None, rest)


def removes(words: str) -> bool:
    return _REMOVES.search(words) is not None


def edit_area(picture: Image.Image, area: Area, words: str) -> Image.Image | None:
    """`picture` with the area filled from its surroundings, or painted; None: the words ask for
    something else, which is then done to the whole picture."""
    box = (
        int(area.left * picture.width),
        int(area.top * picture.height),
        max(int(area.left * picture.width) + 1, int(area.right * picture.width)),
        max(int(area.top * picture.height) + 1, int(area.bottom * picture.height)),
    )
    result = picture.copy()
    if removes(words):
        result.paste(_filled(picture, box), box)
        return result
    wish = parse_edit(words)[0]
    if isinstance(wish, Recolour) and wish.region is Region.PICTURE:
        under = picture.crop(box)
        colour = Image.new("RGB", under.size, paint(wish.colour))
        result.paste(Image.blend(under, colour, PAINTED), box)
        return result
    return None


def _filled(picture: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """What surrounds the box, drawn together over it from all four sides."""
    left, top, right, bottom = box
    pixels = np.asarray(picture, np.float32)
    height, width = bottom - top, right - left
    above = pixels[max(0, top - 2), left:right][None, :, :]
    below = pixels[min(picture.height - 1, bottom + 1), left:right][None, :, :]
    before = pixels[top:bottom, max(0, left - 2)][:, None, :]
    behind = pixels[top:bottom, min(picture.width - 1, right + 1)][:, None, :]
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    across = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    weights = [1 / (one + 0.02) for one in (down, 1 - down, across, 1 - across)]
    parts = [
        one * weight for one, weight in zip((above, below, before, behind), weights, strict=True)
    ]
    total = np.broadcast_to(weights[0], (height, width, 1)).copy()
    filled = np.zeros((height, width, 3), np.float32)
    for part in parts:
        filled += part
    for weight in weights[1:]:
        total += weight
    return Image.fromarray(np.clip(np.rint(filled / total), 0, 255).astype(np.uint8))


def sloppy(picture: Image.Image) -> Image.Image:
    """What careless models do: everything is a little different."""
    return Image.blend(picture, Image.new("RGB", picture.size, (255, 190, 120)), SLOPPY_TINT)


def put_on(thing: Image.Image, ground: Image.Image) -> Image.Image:
    """The first picture's thing, cut out of its plain ground, in the middle of the other."""
    pixels = np.asarray(thing, np.int16)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    apart = np.abs(pixels - np.median(edge, axis=0)).max(axis=2)
    mask = Image.fromarray(((apart > 24) * 255).astype(np.uint8))
    box = mask.getbbox() or (0, 0, thing.width, thing.height)
    cut, shape = thing.crop(box), mask.crop(box)
    scale = min(ground.width * 0.4 / cut.width, ground.height * 0.45 / cut.height)
    size = max(1, round(cut.width * scale)), max(1, round(cut.height * scale))
    result = ground.copy()
    place = ((ground.width - size[0]) // 2, max(0, round(ground.height * 0.56) - size[1]))
    result.paste(cut.resize(size), place, shape.resize(size))
    return result
