"""Checks, cleans and shrinks images. For worker threads: some of this takes 100 ms.

Whatever comes in, from a peer or from a model, is decoded whole within limits before it is
believed to be an image. What peers upload is written anew, so nothing but pixels survives: no
metadata, no colour profile (wide colours become a little paler), no second image, no trailing
archive. Of an animation the first frame counts.

An image at the limits takes up to half a GB and two seconds of its thread.
"""

import base64
import io
from dataclasses import dataclass
from typing import Final

import numpy as np

# Named, so that Pillow never loads its other forty decoders to see whether one of them fits.
from PIL import (
    ExifTags,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from processors.errors import ImageRefused
from processors.images.containers import parts_untrusted, scans_untrusted

MAX_BYTES: Final = 64 << 20
MAX_PIXELS: Final = 40_000_000
MAX_WEBP_PIXELS: Final = 17_000_000  # 4096x4096; its decoder holds four copies of an image
MAX_PARTS: Final = 5000  # an encoder that writes PNG in pieces of 4 kB comes to 2000 in 8 MB
MAX_PIXELS_TIMES_SCANS: Final = 500_000_000  # the largest image in 12 scans: a second or two
UPLOAD_LONG_SIDE: Final = 2048
UPLOAD_QUALITY: Final = 90
UPLOAD_MAX_BYTES: Final = 4 << 20  # it goes to models in messages of bounded size
RECORD_LONG_SIDE: Final = 512
RECORD_QUALITY: Final = 75
THUMBNAIL_LONG_SIDE: Final = 160
THUMBNAIL_QUALITY: Final = 60
FORMATS: Final = (
    JpegImagePlugin.JpegImageFile.format,
    PngImagePlugin.PngImageFile.format,
    WebPImagePlugin.WebPImageFile.format,
)
MIME_TYPES: Final = {
    **dict(zip(FORMATS, ("image/jpeg", "image/png", "image/webp"), strict=True)),
    "MPO": "image/jpeg",  # what Pillow calls a JPEG with a second one behind it
}

# Pillow's own limit warns up to twice its value and raises above, by a process-wide filter of
# warnings. Ours is one limit, and comes before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = None

_OPAQUE: Final = 255
_SIXTEEN_BITS: Final = ("I;16", "I;16B", "I;16L", "I;16N")
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """An image that has been decoded once. `width` and `height` in pixels, as stored."""

    mime_type: str
    data: bytes
    width: int
    height: int


def picture_untrusted(data: bytes) -> Picture:
    """`data` as it is, if it is a JPEG, PNG or WEBP within limits. Raises `ImageRefused`."""
    return decoded_untrusted(data)[0]


def decoded_untrusted(data: bytes) -> tuple[Picture, Image.Image]:
    """As `picture_untrusted`, with its first picture. Raises `ImageRefused`."""
    try:
        image = _open_untrusted(data)
        image.load()
        return Picture(MIME_TYPES[str(image.format)], data, image.width, image.height), image
    except Exception as error:  # Pillow's decoders raise whatever Python does on damaged data
        raise _refusal(error) from None


def upload_untrusted(data: bytes) -> Picture:
    """A peer's image upright, bounded and without metadata. Raises `ImageRefused`."""
    try:
        image = _open_untrusted(data)
        image.draft("RGB", (UPLOAD_LONG_SIDE, UPLOAD_LONG_SIDE))  # a JPEG decodes smaller
        return _written(_upright(_shrunk(image, UPLOAD_LONG_SIDE)))
    except Exception as error:  # as above
        raise _refusal(error) from None


def for_the_record(picture: Picture) -> Picture:
    """A small JPEG of what `upload_untrusted` returned: some 50 kB, enough to know it by."""
    small = _opaque(_small(picture.data, RECORD_LONG_SIDE))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=RECORD_QUALITY)
    return Picture("image/jpeg", out.getvalue(), small.width, small.height)


def thumbnail(data: bytes) -> str:
    """A data URL of a few kB, to travel in an event. `data` has passed `picture_untrusted`."""
    return _thumbnail(_small(data, THUMBNAIL_LONG_SIDE))


def thumbnail_of(image: Image.Image) -> str:
    """As `thumbnail`, of what is decoded anyway. It is not changed."""
    small = _shrunk(image.copy(), THUMBNAIL_LONG_SIDE)
    small.info = {}
    return _thumbnail(small)


def _thumbnail(small: Image.Image) -> str:
    out = io.BytesIO()
    small.save(out, "WEBP", quality=THUMBNAIL_QUALITY)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()


def upright_plain(data: bytes, quality: int) -> Picture:
    """An image that has been decoded before, written anew upright: its first picture, nothing but
    pixels. PNG stays PNG; all else becomes a JPEG, or a PNG where it is transparent."""
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    is_png = image.format == "PNG"
    plain = _upright(as_plain(image))
    plain.info = {}
    out = io.BytesIO()
    if is_png or plain.mode == "RGBA":
        plain.save(out, "PNG")
        return Picture("image/png", out.getvalue(), plain.width, plain.height)
    plain.save(out, "JPEG", quality=quality)
    return Picture("image/jpeg", out.getvalue(), plain.width, plain.height)


def opened_plain(data: bytes, long_side: int | None = None) -> Image.Image:
    """RGB, or RGBA if there is transparency; of an image that has been decoded before. Nothing but
    pixels; `long_side` at most."""
    if long_side is not None:
        return _small(data, long_side)
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    image.load()
    plain = as_plain(image)
    plain.info = {}
    return plain


def _small(data: bytes, long_side: int) -> Image.Image:
    """Of an image that has been decoded before. Nothing but pixels."""
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    image.draft("RGB", (long_side * 2, long_side * 2))  # a JPEG decodes smaller
    small = _shrunk(image, long_side)
    small.info = {}
    return small


def _open_untrusted(data: bytes) -> Image.Image:
    """The header is read and believed harmless; no pixel is decoded yet."""
    if len(data) > MAX_BYTES:
        raise ImageRefused("The file is too large.", counter="upload_too_large")
    if parts_untrusted(data, MAX_PARTS) > MAX_PARTS:
        raise ImageRefused("The image is in too many parts.", counter="upload_too_large")
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    pixels = image.width * image.height
    if pixels > (MAX_WEBP_PIXELS if image.format == "WEBP" else MAX_PIXELS):
        raise ImageRefused(
            f"The image has {image.width}x{image.height} pixels, which is too many.",
            counter="upload_too_large",
        )
    if pixels * scans_untrusted(data, MAX_PARTS) > MAX_PIXELS_TIMES_SCANS:
        raise ImageRefused("The image has too many scans.", counter="upload_too_large")
    return image


def _refusal(error: Exception) -> ImageRefused:
    if isinstance(error, ImageRefused):
        return error
    if isinstance(error, UnidentifiedImageError):
        return ImageRefused("The file is not a JPEG, PNG or WEBP image.", counter="upload_no_image")
    return ImageRefused("The image is damaged.", counter="upload_no_image")


def _shrunk(image: Image.Image, long_side: int) -> Image.Image:
    """RGB or RGBA, the longer side `long_side` pixels at most, the proportions kept."""
    plain = as_plain(image)
    plain.thumbnail((long_side, long_side), Image.Resampling.LANCZOS)
    return plain


def as_plain(image: Image.Image) -> Image.Image:
    """RGB, or RGBA if there is transparency."""
    if image.mode in _SIXTEEN_BITS:  # Pillow would clip everything above 255
        plain = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
        plain.info = image.info
        return plain
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _upright(image: Image.Image) -> Image.Image:
    try:
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # the parser raises anything; the pixels are good all the same
        turn = None
    return image if turn is None else image.transpose(turn)


def _written(image: Image.Image) -> Picture:
    """A new file with nothing in it but pixels."""
    image.info = {}  # encoders write some of what decoders found
    out = io.BytesIO()
    if image.mode == "RGBA" and image.getchannel("A").getextrema() != (_OPAQUE, _OPAQUE):
        image.save(out, "PNG")
        if out.tell() <= UPLOAD_MAX_BYTES:
            return Picture("image/png", out.getvalue(), image.width, image.height)
        out = io.BytesIO()
    _opaque(image).save(out, "JPEG", quality=UPLOAD_QUALITY)
    return Picture("image/jpeg", out.getvalue(), image.width, image.height)


def _opaque(image: Image.Image) -> Image.Image:
    """What shone through shows white."""
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")
