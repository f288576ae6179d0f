"""What the Live model is shown of an image, so that it can talk about it. For worker threads."""

from typing import Final

from processors.images.compositing import jpeg_of, with_outline
from processors.images.pixels import Picture, opened_plain
from processors.images.region import Region

LONG_SIDE: Final = 768
QUALITY: Final = 80


def sight(data: bytes, region: Region | None = None) -> Picture:
    """A JPEG as small as a camera picture; `region`: with what somebody points at. `data` has been
    examined before."""
    image = opened_plain(data, LONG_SIDE).convert("RGB")
    return jpeg_of(image if region is None else with_outline(image, region), QUALITY)
