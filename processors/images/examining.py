"""Whether what a model sent is an image, and what there is to tell of it. For worker threads."""

import hashlib
from contextlib import suppress
from typing import Final

from PIL import Image

from processors.images.compositing import composite, sketch
from processors.images.marking import bare, marked
from processors.images.pixels import (
    Picture,
    decoded_untrusted,
    opened_plain,
    thumbnail,
    thumbnail_of,
    upright_plain,
)
from processors.images.region import Region
from processors.images.tree import Stored

QUALITY: Final = 95
_ORIENTATION: Final = 0x0112

Examined = tuple[Picture, Stored]
"""The image without anything but its pixels and our mark, and what is to be told of it."""


def examined_untrusted(data: bytes, *, made_by: str, edited: bool = False) -> Examined:
    """Decoded whole within limits first. What is turned by its metadata or moves is written anew,
    upright, its first picture only; all else keeps its pixels bit by bit. Raises `ImageRefused`.
    """
    return _told(*_decoded_untrusted(data), made_by, edited=edited)


def composed_untrusted(
    data: bytes, parent: bytes, region: Region, *, made_by: str, draft: bool = False
) -> Examined:
    """`data` in the region of `parent`, which has been examined before. Raises `ImageRefused`."""
    _, change = _decoded_untrusted(data)
    made = sketch(parent, change, region) if draft else composite(parent, change, region)
    return _told(*made, made_by, edited=True)


def cleaned_untrusted(data: bytes) -> Picture:
    """What a person sent, as it is but for its metadata. Raises `ImageRefused`."""
    picture, _ = _decoded_untrusted(data)
    bare_data = bare(picture.data, picture.mime_type)
    return Picture(picture.mime_type, bare_data, picture.width, picture.height)


def _decoded_untrusted(data: bytes) -> tuple[Picture, Image.Image]:
    picture, image = decoded_untrusted(data)
    if not _is_turned_or_moves(image):
        return picture, image
    picture = upright_plain(data, QUALITY)
    return picture, opened_plain(picture.data)


def described(picture: Picture) -> Stored:
    """Of a picture that is an image for certain."""
    return _described(picture, thumbnail(picture.data))


def _told(picture: Picture, image: Image.Image, made_by: str, *, edited: bool) -> Examined:
    clean = marked(picture.data, picture.mime_type, made_by=made_by, edited=edited)
    picture = Picture(picture.mime_type, clean, picture.width, picture.height)
    return picture, _described(picture, thumbnail_of(image))


def _described(picture: Picture, small: str) -> Stored:
    return Stored(
        mime_type=picture.mime_type,
        width=picture.width,
        height=picture.height,
        size=len(picture.data),
        sha256=hashlib.sha256(picture.data).hexdigest(),
        thumbnail=small,
    )


def _is_turned_or_moves(image: Image.Image) -> bool:
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        return True
    orientation = 1
    with suppress(Exception):  # the parser raises anything; the mark replaces what it cannot read
        orientation = image.getexif().get(_ORIENTATION, 1)
    return orientation != 1
