"""Checks, cleans and shrinks images. For worker threads: some of this takes 100 ms.

Whatever comes in, from a peer or from a model, is decoded whole within limits before it is
believed to be an image. What peers upload is written anew, so nothing but pixels survives.
"""

import base64
import io
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from processors.errors import ImageRefused

MAX_PIXELS: Final = 40_000_000
UPLOAD_LONG_SIDE: Final = 2048
UPLOAD_QUALITY: Final = 90
THUMBNAIL_LONG_SIDE: Final = 160
THUMBNAIL_QUALITY: Final = 60
MIME_TYPES: Final = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


@dataclass(frozen=True, slots=True)
class Picture:
    """An image that has been decoded once."""

    mime_type: str
    data: bytes
    width: int
    height: int


def picture_untrusted(data: bytes) -> Picture:
    """`data` as it is, if it is a JPEG, PNG or WEBP within limits. Raises `ImageRefused`."""
    image = _open_untrusted(data)
    return Picture(MIME_TYPES[str(image.format)], data, image.width, image.height)


def upload_untrusted(data: bytes) -> Picture:
    """A peer's image upright, bounded and without metadata. Raises `ImageRefused`."""
    image = ImageOps.exif_transpose(_open_untrusted(data))
    image.thumbnail((UPLOAD_LONG_SIDE, UPLOAD_LONG_SIDE), Image.Resampling.LANCZOS)
    see_through = "A" in image.getbands() or "transparency" in image.info
    out = io.BytesIO()
    if see_through:
        image.convert("RGBA").save(out, "PNG")
        return Picture("image/png", out.getvalue(), image.width, image.height)
    image.convert("RGB").save(out, "JPEG", quality=UPLOAD_QUALITY)
    return Picture("image/jpeg", out.getvalue(), image.width, image.height)


def thumbnail(data: bytes) -> str:
    """A data URL of a few kB, to travel in an event."""
    image = Image.open(io.BytesIO(data))
    image.draft("RGB", (THUMBNAIL_LONG_SIDE * 2, THUMBNAIL_LONG_SIDE * 2))
    image.thumbnail((THUMBNAIL_LONG_SIDE, THUMBNAIL_LONG_SIDE))
    out = io.BytesIO()
    image.convert("RGB").save(out, "WEBP", quality=THUMBNAIL_QUALITY)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()


def _open_untrusted(data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=tuple(MIME_TYPES))
        _check_size(image)
        image.load()
    except ImageRefused:
        raise
    except UnidentifiedImageError:
        raise ImageRefused(
            "The file is not a JPEG, PNG or WEBP image.", counter="upload_no_image"
        ) from None
    except Exception:  # Pillow's decoders raise whatever Python does on damaged data
        raise ImageRefused("The image is damaged.", counter="upload_no_image") from None
    return image


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise ImageRefused(
            f"The image has {image.width}x{image.height} pixels, which is too many.",
            counter="upload_too_large",
        )
