"""A part of a picture that somebody pointed at: a box, or a line drawn by hand. Pure.

All numbers are shares of the picture's width and height, so that a region holds for the picture in
any size. The centre of a line's points is within the picture; half its width may be beyond.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

MAX_POINTS: Final = 500
SMALLEST: Final = 0.005  # a tap is no region
CLOSED_WITHIN: Final = 0.08  # a line that ends so near its beginning goes around something
SOFT_SHARE: Final = 0.012  # of the longer side: the edge within which both pictures are mixed
MASK_LONG_SIDE: Final = 1024

Mask = NDArray[np.float32]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


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
    width: Annotated[float, Field(ge=0.002, le=0.5, allow_inf_nan=False)] = 0.03


@dataclass(frozen=True, slots=True)
class Region:
    """A box or a stroke. A stroke whose ends meet goes around what it means; another covers it."""

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
        xs, ys = zip(*shape.points, strict=True)
        half = 0.0 if self.encloses else shape.width / 2
        return (
            max(0.0, min(xs) - half),
            max(0.0, min(ys) - half),
            min(1.0, max(xs) + half),
            min(1.0, max(ys) + half),
        )

    @property
    def encloses(self) -> bool:
        if isinstance(self.shape, Box):
            return True
        (x0, y0), (x1, y1) = self.shape.points[0], self.shape.points[-1]
        return len(self.shape.points) > 3 and float(np.hypot(x1 - x0, y1 - y0)) < CLOSED_WITHIN

    def words(self) -> str:
        """For an image model, which takes no mask."""
        left, top, right, bottom = (100 * share for share in self.bounds)
        return (
            f"(Only inside the area from {left:.1f} % to {right:.1f} % of the width and from "
            f"{top:.1f} % to {bottom:.1f} % of the height.)"
        )

    def mask(self, width: int, height: int) -> Mask:
        """height × width: 1 inside, 0 outside, between on an edge that lies outside the region."""
        scale = min(1.0, MASK_LONG_SIDE / max(width, height))
        small = max(1, round(width * scale)), max(1, round(height * scale))
        drawn = Image.new("L", small, 0)
        self._draw(ImageDraw.Draw(drawn), *small)
        soft = max(1, round(SOFT_SHARE * max(small)))
        # What a blur reaches has grown so far; a filter that grows takes a hundred times as long.
        grown = drawn.filter(ImageFilter.BoxBlur(soft)).point(lambda level: 255 if level else 0)
        blurred = grown.filter(ImageFilter.BoxBlur(soft / 2))
        # Inside it is whole, and beyond the soft edge there is nothing of it.
        edge = np.maximum(np.asarray(blurred), np.asarray(drawn)) * (np.asarray(grown) > 0)
        full = Image.fromarray(edge.astype(np.uint8)).resize((width, height), _RESAMPLING)
        mask: Mask = np.asarray(full, np.float32) / np.float32(255)
        return mask

    def _draw(self, draw: ImageDraw.ImageDraw, width: int, height: int) -> None:
        shape = self.shape
        if isinstance(shape, Box):
            left, top, right, bottom = self.bounds
            corners = (left * width, top * height, right * width - 1, bottom * height - 1)
            draw.rectangle((*corners[:2], *np.maximum(corners[:2], corners[2:])), fill=255)
            return
        points = [(x * (width - 1), y * (height - 1)) for x, y in shape.points]
        if self.encloses:
            draw.polygon(points, fill=255)
            return
        thick = max(2, round(shape.width * max(width, height)))
        draw.line(points, fill=255, width=thick, joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=255)


_RESAMPLING: Final = Image.Resampling.BILINEAR


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
