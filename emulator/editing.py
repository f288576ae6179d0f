"""Editing the given picture for real, keeping its size. Pure: Pillow and numpy, deterministic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from emulator.colours import Rgb, paint
from emulator.drawing import STANDING, Box, draw_thing
from emulator.lettering import write_caption
from emulator.prompts import (
    Add,
    Caption,
    Combine,
    Crop,
    GoBack,
    Guess,
    Layout,
    Narrow,
    Operation,
    Past,
    Recolour,
    Region,
    SetTone,
    SetTurn,
    Side,
    Thing,
    Tone,
    Turn,
)
from emulator.regions import find, half

FAR_COLOUR: Final = 60.0
KEPT_SHADING: Final = 0.85
PICTURE_TINT: Final = 0.55
GUESS_TINT: Final = 0.12
GUESS_COLOUR: Final = (236, 134, 32)
# What the rest of a wall becomes when nobody knows how it was before.
PLAIN_WALL: Final = (236, 230, 218)
WARMTH: Final = np.array([1.12, 1.02, 0.84], np.float32)
COOLNESS: Final = np.array([0.86, 1.0, 1.14], np.float32)
SEPIA: Final = np.array([1.08, 0.88, 0.66], np.float32)
BRIGHTER: Final = 1.25
DARKER: Final = 0.72
BLUR_SHARE: Final = 0.012
CROP_SHARE: Final = 0.5
ADDED_SHARE: Final = 0.34
BLOCK_ROWS: Final = 256
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)


class NothingToGoBackTo(Exception):
    """The conversation holds no earlier picture; the caller's fault."""


def edit(
    picture: Image.Image,
    operations: Sequence[Operation],
    *,
    others: Sequence[Image.Image] = (),
    earlier: Sequence[Image.Image] = (),
) -> Image.Image:
    """`picture` (RGB) after the operations, in its own size.

    `others` are further pictures of the same turn, for Combine; `earlier` are those of the
    conversation before `picture`, the oldest first, for GoBack and Narrow. Raises
    NothingToGoBackTo.
    """
    result = picture
    for operation in operations:
        result = _apply(result, operation, others, earlier)
    return result


def _apply(
    picture: Image.Image,
    operation: Operation,
    others: Sequence[Image.Image],
    earlier: Sequence[Image.Image],
) -> Image.Image:
    match operation:
        case Recolour(region, side, colour):
            return recolour(picture, region, side, paint(colour))
        case Narrow():
            return _narrow(picture, operation, _before_paint(picture, operation, earlier))
        case SetTone(tone):
            return set_tone(picture, tone)
        case SetTurn(turn):
            return _turn(picture, turn)
        case Crop(side):
            return _crop(picture, side)
        case Combine(layout):
            return _combine(picture, others, layout)
        case GoBack(to):
            if not earlier:
                raise NothingToGoBackTo
            return earlier[0 if to is Past.FIRST else -1]
        case Caption(text):
            return write_caption(picture, text)
        case Add(thing, side):
            return _add(picture, thing, side)
        case Guess(text):
            tinted = Image.blend(picture, Image.new("RGB", picture.size, GUESS_COLOUR), GUESS_TINT)
            return write_caption(tinted, f"The emulator's guess at: {text}")
        case _:  # pragma: no cover  # mypy proves that no other is left
            assert_never(operation)


def recolour(picture: Image.Image, region: Region, side: Side, colour: Rgb) -> Image.Image:
    """Paint a region; its light and shade stay. Pixels outside stay as they are, bit by bit."""
    mask = find(picture, region, side)
    if region is Region.PICTURE:
        tint = Image.blend(picture, Image.new("RGB", picture.size, colour), PICTURE_TINT)
        return Image.composite(tint, picture, Image.fromarray(mask))
    return _paint_mask(picture, mask, colour)


def _paint_mask(picture: Image.Image, mask: NDArray[np.bool_], colour: Rgb) -> Image.Image:
    pixels = np.array(picture)
    chosen = pixels[mask].astype(np.float32)
    if not len(chosen):
        return picture
    light = chosen @ _LUMA
    shade = (light - np.median(light)) * KEPT_SHADING
    painted = np.array(colour, np.float32)[None, :] + shade[:, None]
    pixels[mask] = np.clip(np.rint(painted), 0, 255).astype(np.uint8)
    return Image.fromarray(pixels)


def _before_paint(
    picture: Image.Image, wish: Narrow, earlier: Sequence[Image.Image]
) -> Image.Image | None:
    """The latest picture in which the region did not have the colour yet, else the latest."""
    same = [one for one in earlier if one.size == picture.size]
    for one in reversed(same):
        mask = find(one, wish.region, Side.WHOLE)
        if not wish.colour or not mask.any():
            return one
        mean = np.asarray(one)[mask].mean(axis=0)
        if float(np.abs(mean - np.array(paint(wish.colour))).max()) > FAR_COLOUR:
            return one
    return same[-1] if same else None


def _narrow(picture: Image.Image, wish: Narrow, before: Image.Image | None) -> Image.Image:
    """One side keeps its colour; the rest is as it was before, or plain."""
    found = picture if before is None else before
    mask = find(found, wish.region, Side.WHOLE)
    rest = mask & ~half(picture.width, wish.side)[None, :]
    kept = picture
    if wish.colour:
        kept = _paint_mask(picture, mask & ~rest, paint(wish.colour))
    if found is picture:
        return _paint_mask(kept, rest, PLAIN_WALL)
    # The other pictures of a chat are compressed again and again; only the wall is copied back.
    return Image.composite(found, kept, Image.fromarray(rest))


def set_tone(picture: Image.Image, tone: Tone) -> Image.Image:
    """Change all pixels alike."""
    match tone:
        case Tone.GREY:
            return ImageOps.grayscale(picture).convert("RGB")
        case Tone.SEPIA:
            return _scale(ImageOps.grayscale(picture).convert("RGB"), SEPIA)
        case Tone.WARMER:
            return _scale(picture, WARMTH)
        case Tone.COOLER:
            return _scale(picture, COOLNESS)
        case Tone.BRIGHTER:
            return _scale(picture, np.full(3, BRIGHTER, np.float32))
        case Tone.DARKER:
            return _scale(picture, np.full(3, DARKER, np.float32))
        case Tone.INVERTED:
            return ImageOps.invert(picture)
        case Tone.BLURRED:
            radius = max(2.0, BLUR_SHARE * max(picture.size))
            return picture.filter(ImageFilter.GaussianBlur(radius))
        case _:  # pragma: no cover  # mypy proves that no other is left
            assert_never(tone)


def _scale(picture: Image.Image, factors: NDArray[np.float32]) -> Image.Image:
    pixels = np.array(picture)
    # In blocks, so that a large picture does not need four times its size in floats.
    for top in range(0, len(pixels), BLOCK_ROWS):
        block = pixels[top : top + BLOCK_ROWS].astype(np.float32) * factors
        pixels[top : top + BLOCK_ROWS] = np.clip(np.rint(block), 0, 255).astype(np.uint8)
    return Image.fromarray(pixels)


def _turn(picture: Image.Image, turn: Turn) -> Image.Image:
    """Turned; a quarter turn is fitted into the picture's own size."""
    method = {
        Turn.LEFT: Image.Transpose.ROTATE_90,
        Turn.RIGHT: Image.Transpose.ROTATE_270,
        Turn.AROUND: Image.Transpose.ROTATE_180,
        Turn.MIRRORED: Image.Transpose.FLIP_LEFT_RIGHT,
        Turn.FLIPPED: Image.Transpose.FLIP_TOP_BOTTOM,
    }[turn]
    turned = picture.transpose(method)
    return turned if turned.size == picture.size else ImageOps.pad(turned, picture.size)


def _crop(picture: Image.Image, side: Side) -> Image.Image:
    """Half of each side of the picture, enlarged to its size."""
    width, height = picture.size
    kept_x, kept_y = max(1, int(width * CROP_SHARE)), max(1, int(height * CROP_SHARE))
    left = {Side.LEFT: 0, Side.RIGHT: width - kept_x, Side.WHOLE: (width - kept_x) // 2}[side]
    top = (height - kept_y) // 2
    cut = picture.crop((left, top, left + kept_x, top + kept_y))
    return cut.resize(picture.size, Image.Resampling.BICUBIC)


def _combine(picture: Image.Image, others: Sequence[Image.Image], layout: Layout) -> Image.Image:
    if not others:
        return write_caption(picture, "The emulator was given only one picture.")
    if layout is Layout.BLENDED:
        return Image.blend(picture, ImageOps.fit(others[0], picture.size), 0.5)
    pictures = [picture, *others]
    result = Image.new("RGB", picture.size, "white")
    for index, one in enumerate(pictures):
        left = picture.width * index // len(pictures)
        right = picture.width * (index + 1) // len(pictures)
        result.paste(ImageOps.fit(one, (max(1, right - left), picture.height)), (left, 0))
    return result


def _add(picture: Image.Image, thing: Thing, side: Side) -> Image.Image:
    result = picture.copy()
    draw = ImageDraw.Draw(result)
    for index in range(thing.count):
        draw_thing(draw, _place(picture.size, thing, side, index), thing)
    return result


def _place(size: tuple[int, int], thing: Thing, side: Side, index: int) -> Box:
    """Where an added thing goes: things that stand stand on the lower edge."""
    width, height = size
    long = ADDED_SHARE * min(size) / (1 + 0.5 * (thing.count > 1))
    default = 0.82 if thing.kind == "plant" else 0.16 if thing.kind == "lamp" else 0.5
    middle = {Side.LEFT: 0.2, Side.RIGHT: 0.8, Side.WHOLE: default}[side] * width
    middle += (index - (thing.count - 1) / 2) * long * 1.1
    bottom = height * 0.96 if thing.kind in STANDING else (height + long) / 2
    if thing.kind == "sun":
        bottom = long * 1.1
    return (middle - long / 2, bottom - long, middle + long / 2, bottom)
