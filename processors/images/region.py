"""A part of a picture that somebody pointed at: a box, or a line drawn by hand. Pure.

All numbers are shares of the picture's width and height, so that a region holds for the picture in
any size. The centre of a line's points is within the picture; half its width may be beyond.

People draw around a thing once, or once and a half, or twice, or come from far and go on behind
it. So a line means what its largest loop goes around, however often, and covers what it paints
over where it makes no loop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

MAX_POINTS: Final = 500
SMALLEST: Final = 0.005  # a tap is no region
CLOSED_SHARE: Final = 0.12  # of a loop's length is its gap at most: a tenth of a circle
ROUND_ENOUGH: Final = 0.25  # 4 pi area / length²: a circle has 1, a square 0.79, scribbles 0.1
SOFT_SHARE: Final = 0.012  # of the longer side: the edge within which both pictures are mixed
MASK_LONG_SIDE: Final = 1024

Mask = NDArray[np.float32]
Points = Sequence[tuple[float, float]]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]


class RegionRefused(ValueError):
    """What a client sent is no region: its fault. `str()` is a sentence for it."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Box(_Strict):
    x: Share
    y: Share
    width: Share
    height: Share

    @model_validator(mode="after")
    def _within(self) -> "Box":
        if self.width < SMALLEST or self.height < SMALLEST:
            raise ValueError("is too small")
        if self.x + self.width > 1 + 1e-6 or self.y + self.height > 1 + 1e-6:
            raise ValueError("is not within the picture")
        return self


class Stroke(_Strict):
    points: Annotated[tuple[tuple[Share, Share], ...], Field(min_length=2, max_length=MAX_POINTS)]
    width: Annotated[float, Field(ge=0.002, le=0.5, allow_inf_nan=False, strict=True)] = 0.03

    @property
    def loop(self) -> Points:
        """The points that go around something; empty if none do. What the line is wide enough to
        paint over is no loop but a dab."""
        return largest_loop(self.points, self.width**2)


@dataclass(frozen=True, slots=True)
class Region:
    """A box or a stroke. A stroke that closes goes around what it means; another covers it."""

    shape: Box | Stroke

    def to_json(self) -> dict[str, Any]:
        """As `region_untrusted` takes it."""
        kind = "box" if isinstance(self.shape, Box) else "stroke"
        return {kind: self.shape.model_dump(mode="json")}

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        shape = self.shape
        if isinstance(shape, Box):
            return (
                shape.x,
                shape.y,
                min(1.0, shape.x + shape.width),
                min(1.0, shape.y + shape.height),
            )
        loop = shape.loop
        xs, ys = zip(*(loop or shape.points), strict=True)
        half = 0.0 if loop else shape.width / 2
        return (
            max(0.0, min(xs) - half),
            max(0.0, min(ys) - half),
            min(1.0, max(xs) + half),
            min(1.0, max(ys) + half),
        )

    @property
    def encloses(self) -> bool:
        return isinstance(self.shape, Box) or bool(self.shape.loop)

    def words(self) -> str:
        """For an image model, which takes no mask."""
        left, top, right, bottom = (100 * share for share in self.bounds)
        return (
            f"(Only inside the area from {left:.1f} % to {right:.1f} % of the width and from "
            f"{top:.1f} % to {bottom:.1f} % of the height.)"
        )

    def mask(self, width: int, height: int) -> Mask:
        """height × width: 1 inside, 0 outside, and less and less on an edge around the region."""
        mask: Mask = np.asarray(self.mask_image(width, height), np.float32) / np.float32(255)
        return mask

    def mask_image(self, width: int, height: int) -> Image.Image:
        """The same in 256 levels, as Pillow takes it."""
        scale = min(1.0, MASK_LONG_SIDE / max(width, height))
        small = max(1, round(width * scale)), max(1, round(height * scale))
        half = max(1, round(SOFT_SHARE * max(small) / 2))
        # A blur of what has grown before: whole within the region, nothing beyond both.
        drawn = grown(self._drawn(*small), half)
        return drawn.filter(ImageFilter.BoxBlur(half)).resize((width, height), _RESAMPLING)

    def _drawn(self, width: int, height: int) -> Image.Image:
        shape = self.shape
        image = Image.new("L", (width, height), 0)
        draw = ImageDraw.Draw(image)
        if isinstance(shape, Box):
            left, top, right, bottom = self.bounds
            corners = (left * width, top * height, right * width - 1, bottom * height - 1)
            draw.rectangle((*corners[:2], *np.maximum(corners[:2], corners[2:])), fill=255)
            return image
        loop = shape.loop
        points = [(x * (width - 1), y * (height - 1)) for x, y in loop or shape.points]
        if loop:
            inside = Image.fromarray(_filled(points, width, height))
            ImageDraw.Draw(inside).line([*points, points[0]], fill=255)
            return inside
        thick = max(2, round(shape.width * max(width, height)))
        draw.line(points, fill=255, width=thick, joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=255)
        return image


_RESAMPLING: Final = Image.Resampling.BILINEAR


def largest_loop(points: Points, smallest: float) -> Points:
    """The part of a line that closes and goes around the most, of at least that area; empty if
    there is none."""
    at = np.array(points)
    x, y = at[:, 0], at[:, 1]
    along = np.concatenate([[0.0], np.hypot(np.diff(x), np.diff(y)).cumsum()])
    swept = np.concatenate([[0.0], (x[:-1] * y[1:] - x[1:] * y[:-1]).cumsum()]) / 2
    # Of each part of the line, by its first point (rows) and its last one, and the gap between.
    gap = np.hypot(x[:, None] - x, y[:, None] - y)
    length = along - along[:, None] + gap
    area = np.abs(swept - swept[:, None] + (x * y[:, None] - x[:, None] * y) / 2)
    closed = gap <= CLOSED_SHARE * length
    wide = (area >= smallest) & (4 * np.pi * area >= ROUND_ENOUGH * length**2)
    loops = np.triu(closed & wide, 3)
    if not loops.any():
        return ()
    first, last = np.unravel_index(np.argmax(np.where(loops, area, -1.0)), loops.shape)
    return points[int(first) : int(last) + 1]


def grown(inside: Image.Image, by: int) -> Image.Image:
    """Black and white; what is white grows by so many pixels to all sides.

    By two blurs: a filter that grows takes a hundred times as long.
    """
    for radii in ((by, 0), (0, by)):
        inside = inside.filter(ImageFilter.BoxBlur(radii)).point(lambda level: 255 if level else 0)
    return inside


def _filled(points: Points, width: int, height: int) -> NDArray[np.uint8]:
    """What the line goes around, in whatever direction and however often: 255, else 0.

    Pillow's own polygon is hollow where a line has gone around twice.
    """
    turns = np.zeros((height, width + 1), np.int32)
    for (x0, y0), (x1, y1) in zip(points, (*points[1:], points[0]), strict=True):
        rows = np.arange(int(np.ceil(min(y0, y1))), int(np.ceil(max(y0, y1))))
        if rows.size:
            crossed = x0 + (rows - y0) * (x1 - x0) / (y1 - y0)
            columns = np.clip(np.ceil(crossed), 0, width).astype(np.intp)
            turns[rows, columns] += 1 if y1 > y0 else -1
    around = turns.cumsum(axis=1)[:, :width] != 0
    return np.where(around, np.uint8(255), np.uint8(0))


def region_untrusted(data: object) -> Region:
    """{"box": {x, y, width, height}} or {"stroke": {points, width}}. Raises `RegionRefused`."""
    if not isinstance(data, Mapping):
        raise RegionRefused("A region is a box or a stroke.")
    box, stroke = data.get("box"), data.get("stroke")
    if (box is None) == (stroke is None):
        raise RegionRefused("A region is either a box or a stroke.")
    try:
        if box is not None:
            return Region(Box.model_validate(box))
        region = Region(Stroke.model_validate(stroke))
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in fault["loc"])[:60]
        said = fault["msg"].removeprefix("Value error, ")
        raise RegionRefused(f"The region cannot be used: {where} {said}".strip() + ".") from None
    left, top, right, bottom = region.bounds
    if right - left < SMALLEST or bottom - top < SMALLEST:
        raise RegionRefused("The region is too small.")
    return region
