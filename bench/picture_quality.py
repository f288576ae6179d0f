"""How like its source a picture is that reached the endpoint. Pure.

Each source picture carries its number as a row of black and white blocks, which survive any
codec, so that a picture can be compared with the very one that it was made of.
"""

import math
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

BITS: Final = 10  # the last is the parity of the others
BLOCK_PX: Final = 16
LEFT_PX: Final = 24
ABOVE_BOTTOM_PX: Final = 32
MIDDLE: Final = 128


def write_number(image: Image.Image, number: int) -> None:
    """Near the bottom left; 0 to 511."""
    draw = ImageDraw.Draw(image)
    top = image.height - ABOVE_BOTTOM_PX
    for place, bit in enumerate(_bits(number)):
        left = LEFT_PX + place * BLOCK_PX
        box = (left, top, left + BLOCK_PX - 1, top + BLOCK_PX - 1)
        draw.rectangle(box, fill="white" if bit else "black")


def read_number(image: Image.Image, source_height: int) -> int | None:
    """None when the blocks say nothing that was written. The picture may have been scaled."""
    scale = image.height / source_height
    luma = np.asarray(image.convert("L"))
    y = int((source_height - ABOVE_BOTTOM_PX + BLOCK_PX / 2) * scale)
    centres = [LEFT_PX + (place + 0.5) * BLOCK_PX for place in range(BITS)]
    bits = [int(luma[y, int(x * scale)] > MIDDLE) for x in centres]
    number = sum(bit << place for place, bit in enumerate(bits[:-1]))
    return number if bits == _bits(number) else None


def _bits(number: int) -> list[int]:
    bits = [number >> place & 1 for place in range(BITS - 1)]
    return [*bits, sum(bits) % 2]


def psnr_db(picture: Image.Image, source: Image.Image) -> float:
    """Of the luma (BT.601), as codecs are compared. The sizes must be equal."""
    ours = np.asarray(picture.convert("L"), np.float64)
    theirs = np.asarray(source.convert("L"), np.float64)
    error = float(np.mean((ours - theirs) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)
