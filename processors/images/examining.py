"""Whether what a model sent is an image, and what there is to tell of it. For worker threads."""

import hashlib
import io
from contextlib import suppress
from typing import Final

from PIL import Image

from processors.images.marking import marked
from processors.images.pixels import FORMATS, Picture, picture_untrusted, thumbnail, upright_plain
from processors.images.tree import Stored

QUALITY: Final = 95


def examined_untrusted(
    data: bytes, *, made_by: str, edited: bool = False
) -> tuple[Picture, Stored]:
    """The image without anything but its pixels and our mark, and what is to be told of it.

    Decoded whole within limits first. What is turned by its metadata or moves is written anew,
    upright, its first picture only; all else keeps its pixels bit by bit. Raises `ImageRefused`.
    """
    picture = picture_untrusted(data)
    if _is_turned_or_moves(data):
        picture = upright_plain(data, QUALITY)
    clean = marked(picture.data, picture.mime_type, made_by=made_by, edited=edited)
    picture = Picture(picture.mime_type, clean, picture.width, picture.height)
    return picture, described(picture)


def described(picture: Picture) -> Stored:
    """Of a picture that is an image for certain."""
    return Stored(
        mime_type=picture.mime_type,
        width=picture.width,
        height=picture.height,
        size=len(picture.data),
        sha256=hashlib.sha256(picture.data).hexdigest(),
        thumbnail=thumbnail(picture.data),
    )


def _is_turned_or_moves(data: bytes) -> bool:
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        return True
    orientation = 1
    with suppress(Exception):  # the parser raises anything; the mark replaces what it cannot read
        orientation = image.getexif().get(_ORIENTATION, 1)
    return orientation != 1


_ORIENTATION: Final = 0x0112
