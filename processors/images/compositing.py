"""A change that keeps to its region, whatever the image model did. For worker threads."""

import io
from typing import Final

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageOps

from processors.images.pixels import FORMATS, Picture, as_plain, opened_plain
from processors.images.region import Box, Region, grown

OUTLINE: Final = (255, 0, 200)
OUTLINE_SHARE: Final = 0.006  # of the longer side
OUTLINED_LONG_SIDE: Final = 1024
OUTLINED_QUALITY: Final = 90
SKETCH_QUALITY: Final = 85
PNG_LEVEL: Final = 1  # 3 takes half as long again, for a twelfth of the bytes


def composite(parent: bytes, change: Image.Image, region: Region) -> tuple[Picture, Image.Image]:
    """A PNG of the parent's size, and the same decoded: the change in the region and on its soft
    edge, beyond it the very pixels of the parent, which has been examined before.

    What the model sent is scaled to the parent's size; where its proportions differ, what hangs
    over on both sides is cut off. What is transparent in it shows white, unless the parent is
    transparent too. The colours mean what the parent's do.
    """
    mixed = _mixed(opened_plain(parent), change, region)
    out = io.BytesIO()
    mixed.save(out, "PNG", compress_level=PNG_LEVEL, icc_profile=_profile(parent))
    return Picture("image/png", out.getvalue(), *mixed.size), mixed


def sketch(parent: bytes, change: Image.Image, region: Region) -> tuple[Picture, Image.Image]:
    """The same as a JPEG of the change's size at most: an early look, soon there."""
    mixed = _mixed(opened_plain(parent, max(change.size)), change, region).convert("RGB")
    return jpeg_of(mixed, SKETCH_QUALITY), mixed


def _mixed(base: Image.Image, change: Image.Image, region: Region) -> Image.Image:
    change = ImageOps.fit(as_plain(change), base.size, Image.Resampling.LANCZOS)
    if change.mode == "RGBA" and base.mode == "RGB":
        change = Image.alpha_composite(Image.new("RGBA", base.size, "white"), change)
    return Image.composite(change.convert(base.mode), base, region.mask_image(*base.size))


def _profile(data: bytes) -> bytes | None:
    """Of its colours. One of inks or greys does not fit to what is made of them here."""
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
    return profile if isinstance(profile, bytes) else None


def outlined(picture: bytes, region: Region) -> Picture:
    """A JPEG of the picture on which the region is marked, for a model to see what is meant."""
    image = opened_plain(picture, OUTLINED_LONG_SIDE).convert("RGB")
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
    inside = region.mask_image(width, height).point(lambda level: 255 if level > 127 else 0)
    line = ImageChops.subtract(grown(inside, thick), inside)
    image.paste(OUTLINE, (0, 0, width, height), line)
    return image


def jpeg_of(image: Image.Image, quality: int) -> Picture:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return Picture("image/jpeg", out.getvalue(), *image.size)
