"""Picture files: opening what strangers send, and writing ours with the emulator's name in it.

Errors:

    PictureError      the sender's fault: no picture, an unknown format, or too many pixels
"""

from __future__ import annotations

import io
import warnings
from typing import Final

from PIL import ExifTags, Image, ImageOps, PngImagePlugin, UnidentifiedImageError

MAX_PIXELS: Final = 25_000_000
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
SOFTWARE: Final = "Easel emulator"
COMMENT: Final = "Drawn by the Easel emulator, not by a model of Google's."
JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
JPEG_QUALITY: Final = 92
# Above this many pixels a PNG is written fast rather than small.
FAST_PNG_PIXELS: Final = 2_500_000


class PictureError(Exception):
    """The bytes are no picture that can be used; the message says why."""


def open_untrusted(data: bytes, *, longest_side: int | None = None) -> Image.Image:
    """The picture as RGB, upright by its EXIF orientation, transparency laid on white.

    With `longest_side` the picture is scaled down to it, cheaply for JPEG. Raises PictureError.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of bombs and of odd metadata; the limit below is ours and stricter.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
                return _decode(opened, longest_side)
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError("the data is no picture of a known format") from None
    except Exception as error:  # Pillow's decoders raise whatever broken files provoke
        raise PictureError(f"the picture is broken ({type(error).__name__})") from None


def _decode(opened: Image.Image, longest_side: int | None) -> Image.Image:
    width, height = opened.size
    if width * height > MAX_PIXELS:
        raise PictureError(f"{width} × {height} is more than {MAX_PIXELS} pixels")
    if longest_side is not None:
        opened.draft("RGB", (longest_side, longest_side))
        opened.thumbnail((longest_side, longest_side))
    upright = ImageOps.exif_transpose(opened)
    if "A" in upright.getbands() or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    return upright.convert("RGB")


def size_untrusted(data: bytes) -> tuple[int, int]:
    """(width, height) from the header alone. Raises PictureError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
                return opened.size
    except Exception as error:  # as in open_untrusted
        raise PictureError(f"the data is no picture ({type(error).__name__})") from None


def encode(picture: Image.Image, mime_type: str) -> bytes:
    """The file's bytes, marked as the emulator's work. Raises ValueError for another type."""
    stream = io.BytesIO()
    if mime_type == PNG:
        text = PngImagePlugin.PngInfo()
        text.add_text("Software", SOFTWARE)
        text.add_text("Comment", COMMENT)
        level = 6 if picture.width * picture.height <= FAST_PNG_PIXELS else 1
        picture.save(stream, "PNG", pnginfo=text, compress_level=level)
    elif mime_type == JPEG:
        exif = Image.Exif()
        exif[ExifTags.Base.Software] = SOFTWARE
        picture.save(
            stream, "JPEG", quality=JPEG_QUALITY, subsampling=0, exif=exif, comment=COMMENT
        )
    else:
        raise ValueError(f"{mime_type} is not written here")
    return stream.getvalue()
