"""Drawing simple things with Pillow: shapes, a room, a house, a tree, the sun. Pure, deterministic.

A thing is drawn into a box of pixels (left, top, right, bottom); the same code fills a new picture
and adds to a given one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from PIL import Image, ImageDraw

from emulator.colours import PAINT, Rgb, paint
from emulator.lettering import write_caption
from emulator.prompts import Drawing, Thing

Box = tuple[float, float, float, float]
Draw = ImageDraw.ImageDraw

# Below this many pixels a picture is drawn at twice its size and reduced, for smooth edges.
SMOOTH_PIXELS: Final = 2_300_000
SKY: Final = (176, 212, 240)
GRASS: Final = (116, 168, 84)
PAPER: Final = (250, 250, 248)
ROOM_WALL: Final = (226, 214, 190)
ROOM_FLOOR: Final = (150, 106, 68)
WOOD: Final = (104, 72, 46)
LEAF: Final = (58, 134, 66)
GLASS: Final = (190, 222, 244)
FRAME: Final = (250, 250, 250)
POT: Final = (176, 92, 56)
OUTDOORS: Final = frozenset({"house", "tree", "sun"})
STANDING: Final = frozenset({"house", "tree", "plant", "lamp"})


def draw_picture(drawing: Drawing, width: int, height: int) -> Image.Image:
    """An RGB picture of `width` × `height` pixels."""
    factor = 2 if width * height <= SMOOTH_PIXELS else 1
    size = (width * factor, height * factor)
    picture = Image.new("RGB", size, paint(drawing.ground) if drawing.ground else PAPER)
    draw = ImageDraw.Draw(picture)
    kinds = {thing.kind for thing in drawing.things}
    if "room" not in kinds and kinds & OUTDOORS and not drawing.ground:
        draw.rectangle((0, 0, size[0], size[1]), fill=SKY)
        draw.rectangle((0, size[1] * 0.72, size[0], size[1]), fill=GRASS)
    _place(draw, [one for one in drawing.things for _ in range(one.count)], size)
    if factor > 1:
        picture = picture.resize((width, height), Image.Resampling.BOX)
    return write_caption(picture, drawing.caption) if drawing.caption else picture


def _place(draw: Draw, things: list[Thing], size: tuple[int, int]) -> None:
    width, height = size
    for thing in things:
        if thing.kind == "room":
            draw_thing(draw, (0, 0, width, height), thing)
    suns = [thing for thing in things if thing.kind == "sun"]
    for index, thing in enumerate(suns):
        side = 0.2 * min(size)
        left = width - side * 1.3 * (index + 1)
        draw_thing(draw, (left, side * 0.25, left + side, side * 1.25), thing)
    others = [thing for thing in things if thing.kind not in ("room", "sun")]
    for index, thing in enumerate(others):
        middle = width * (index + 0.5) / len(others)
        side = min(width / len(others) * 0.86, height * 0.62)
        bottom = height * 0.92 if thing.kind in STANDING else (height + side) / 2
        draw_thing(draw, (middle - side / 2, bottom - side, middle + side / 2, bottom), thing)


def draw_thing(draw: Draw, box: Box, thing: Thing) -> None:
    """Draw one thing into its box. Raises KeyError for a kind that `prompts` does not know."""
    colour = paint(thing.colour) if thing.colour else None
    _PAINTERS[thing.kind](draw, box, colour)


def _inside(box: Box, left: float, top: float, right: float, bottom: float) -> Box:
    """A part of a box, given in shares of its sides."""
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    return (x0 + left * width, y0 + top * height, x0 + right * width, y0 + bottom * height)


def _points(box: Box, shares: list[tuple[float, float]]) -> list[tuple[float, float]]:
    x0, y0, x1, y1 = box
    return [(x0 + x * (x1 - x0), y0 + y * (y1 - y0)) for x, y in shares]


def _circle(draw: Draw, box: Box, colour: Rgb | None) -> None:
    draw.ellipse(box, fill=colour or PAINT["blue"])


def _square(draw: Draw, box: Box, colour: Rgb | None) -> None:
    draw.rectangle(_inside(box, 0.05, 0.05, 0.95, 0.95), fill=colour or PAINT["blue"])


def _rectangle(draw: Draw, box: Box, colour: Rgb | None) -> None:
    draw.rectangle(_inside(box, 0.0, 0.22, 1.0, 0.78), fill=colour or PAINT["blue"])


def _triangle(draw: Draw, box: Box, colour: Rgb | None) -> None:
    draw.polygon(_points(box, [(0.5, 0.04), (1.0, 0.96), (0.0, 0.96)]), fill=colour or PAINT["red"])


def _star(draw: Draw, box: Box, colour: Rgb | None) -> None:
    corners = [
        (
            0.5 + radius * math.sin(math.pi * index / 5),
            0.52 - radius * math.cos(math.pi * index / 5),
        )
        for index, radius in enumerate([0.5, 0.2] * 5)
    ]
    draw.polygon(_points(box, corners), fill=colour or PAINT["yellow"])


def _heart(draw: Draw, box: Box, colour: Rgb | None) -> None:
    fill = colour or PAINT["red"]
    draw.ellipse(_inside(box, 0.02, 0.06, 0.52, 0.56), fill=fill)
    draw.ellipse(_inside(box, 0.48, 0.06, 0.98, 0.56), fill=fill)
    draw.polygon(_points(box, [(0.07, 0.44), (0.5, 0.28), (0.93, 0.44), (0.5, 0.97)]), fill=fill)


def _sun(draw: Draw, box: Box, colour: Rgb | None) -> None:
    fill = colour or PAINT["yellow"]
    for index in range(12):
        angle = math.pi * index / 6
        ray = [(0.5, 0.5), (0.5 + 0.5 * math.cos(angle), 0.5 + 0.5 * math.sin(angle))]
        draw.line(_points(box, ray), fill=fill, width=max(1, int((box[2] - box[0]) * 0.03)))
    draw.ellipse(_inside(box, 0.2, 0.2, 0.8, 0.8), fill=fill)


def _house(draw: Draw, box: Box, colour: Rgb | None) -> None:
    draw.rectangle(_inside(box, 0.14, 0.42, 0.86, 1.0), fill=colour or PAINT["beige"])
    draw.polygon(_points(box, [(0.04, 0.44), (0.5, 0.06), (0.96, 0.44)]), fill=PAINT["brown"])
    draw.rectangle(_inside(box, 0.42, 0.66, 0.58, 1.0), fill=WOOD)
    for left in (0.2, 0.64):
        draw.rectangle(_inside(box, left, 0.54, left + 0.16, 0.7), fill=GLASS, outline=FRAME)


def _tree(draw: Draw, box: Box, colour: Rgb | None) -> None:
    draw.rectangle(_inside(box, 0.44, 0.55, 0.56, 1.0), fill=WOOD)
    for part in ((0.14, 0.2, 0.62, 0.66), (0.38, 0.2, 0.86, 0.66), (0.26, 0.0, 0.74, 0.48)):
        draw.ellipse(_inside(box, *part), fill=colour or LEAF)


def _plant(draw: Draw, box: Box, colour: Rgb | None) -> None:
    fill = colour or LEAF
    for tip in ((0.08, 0.3), (0.28, 0.06), (0.5, 0.0), (0.72, 0.06), (0.92, 0.3)):
        leaf = [(0.46, 0.68), (tip[0] - 0.06, tip[1] + 0.14), tip, (tip[0] + 0.08, tip[1] + 0.16)]
        draw.polygon(_points(box, [*leaf, (0.54, 0.68)]), fill=fill)
    draw.polygon(_points(box, [(0.3, 0.66), (0.7, 0.66), (0.63, 1.0), (0.37, 1.0)]), fill=POT)


def _lamp(draw: Draw, box: Box, colour: Rgb | None) -> None:
    draw.rectangle(_inside(box, 0.48, 0.3, 0.52, 0.95), fill=WOOD)
    draw.ellipse(_inside(box, 0.34, 0.91, 0.66, 1.0), fill=WOOD)
    shade = [(0.36, 0.02), (0.64, 0.02), (0.76, 0.34), (0.24, 0.34)]
    draw.polygon(_points(box, shade), fill=colour or PAINT["yellow"])


def _room(draw: Draw, box: Box, colour: Rgb | None) -> None:
    wall = colour or ROOM_WALL
    draw.rectangle(box, fill=wall)
    draw.rectangle(_inside(box, 0.0, 0.68, 1.0, 1.0), fill=ROOM_FLOOR)
    draw.rectangle(_inside(box, 0.0, 0.66, 1.0, 0.685), fill=FRAME)
    draw.rectangle(_inside(box, 0.6, 0.14, 0.86, 0.46), fill=FRAME)
    for left in (0.615, 0.735):
        draw.rectangle(_inside(box, left, 0.16, left + 0.11, 0.44), fill=GLASS)
    draw.rectangle(_inside(box, 0.08, 0.6, 0.42, 0.84), fill=PAINT["purple"])
    draw.rectangle(_inside(box, 0.06, 0.7, 0.44, 0.86), fill=(98, 54, 128))


_PAINTERS: Final[dict[str, Callable[[Draw, Box, Rgb | None], None]]] = {
    "circle": _circle,
    "square": _square,
    "rectangle": _rectangle,
    "triangle": _triangle,
    "star": _star,
    "heart": _heart,
    "sun": _sun,
    "house": _house,
    "tree": _tree,
    "plant": _plant,
    "lamp": _lamp,
    "room": _room,
}
