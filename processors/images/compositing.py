"""A change that keeps to its region, whatever the image model did. For worker threads."""

import io
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from processors.images.pixels import Picture, opened_plain
from processors.images.region import Box, Region

OUTLINE: Final = (255, 0, 200)
OUTLINE_SHARE: Final = 0.006  # of the longer side
OUTLINED_LONG_SIDE: Final = 1024
OUTLINED_QUALITY: Final = 90


def composite(parent: bytes, edited: bytes, region: Region) -> Picture:
    """A PNG of the parent's size: `edited` in the region and on its soft edge, beyond it the very
    pixels of the parent. Both have been examined before.

    What the model sent is scaled to the parent's size; where its proportions differ, what hangs
    over on both sides is cut off.
    """
    base = opened_plain(parent)
    size = base.size
    change = ImageOps.fit(opened_plain(edited).convert(base.mode), size, Image.Resampling.LANCZOS)
    mask = region.mask(*size)[..., None]
    under, over = np.asarray(base, np.float32), np.asarray(change, np.float32)
    mixed = np.rint(under + (over - under) * mask).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(mixed).save(out, "PNG", compress_level=3)
    return Picture("image/png", out.getvalue(), *size)


def outlined(picture: bytes, region: Region) -> Picture:
    """A JPEG of the picture on which the region is marked, for a model to see what is meant."""
    image = opened_plain(picture).convert("RGB")
    image.thumbnail((OUTLINED_LONG_SIDE, OUTLINED_LONG_SIDE))
    return jpeg_of(with_outline(image, region), OUTLINED_QUALITY)


def with_outline(image: Image.Image, region: Region) -> Image.Image:
    width, height = image.size
    thick = max(2, round(OUTLINE_SHARE * max(width, height)))
    if isinstance(region.shape, Box):
        left, top, right, bottom = region.bounds
        draw = ImageDraw.Draw(image)
        box = (left * width, top * height, right * width - 1, bottom * height - 1)
        draw.rectangle((*box[:2], *np.maximum(box[:2], box[2:])), outline=OUTLINE, width=thick)
        return image
    inside = Image.fromarray((region.mask(width, height) > 0.5).astype(np.uint8) * 255)
    grown = inside.filter(ImageFilter.MaxFilter(2 * thick + 1))
    line = np.asarray(grown) > np.asarray(inside)
    image.paste(Image.new("RGB", image.size, OUTLINE), mask=Image.fromarray(line))
    return image


def jpeg_of(image: Image.Image, quality: int) -> Picture:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return Picture("image/jpeg", out.getvalue(), *image.size)
