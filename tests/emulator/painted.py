"""Pictures for tests, whose every region is known."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Mask = NDArray[np.bool_]

WALL = (214, 202, 178)
FLOOR = (134, 92, 58)
WINDOW = (176, 214, 240)
SOFA = (96, 40, 120)


@dataclass(frozen=True)
class Room:
    """A picture and where its regions are."""

    picture: Image.Image
    wall: Mask
    floor: Mask

    @property
    def rest(self) -> Mask:
        return ~(self.wall | self.floor)


def room(width: int = 640, height: int = 480, *, noise: float = 3.0, light: float = 30.0) -> Room:
    """A wall with a window, a floor, a sofa before both; light falls from the right."""
    pixels = np.empty((height, width, 3), np.float64)
    wall = np.zeros((height, width), np.bool_)
    floor = np.zeros((height, width), np.bool_)
    horizon = int(height * 0.66)
    pixels[:horizon], pixels[horizon:] = WALL, FLOOR
    wall[:horizon], floor[horizon:] = True, True
    window = (
        slice(int(height * 0.12), int(height * 0.45)),
        slice(int(width * 0.6), int(width * 0.85)),
    )
    sofa = (
        slice(int(height * 0.55), int(height * 0.85)),
        slice(int(width * 0.1), int(width * 0.45)),
    )
    for where, colour in ((window, WINDOW), (sofa, SOFA)):
        pixels[where] = colour
        wall[where] = floor[where] = False
    pixels += np.linspace(-light, light, width)[None, :, None]
    pixels += np.random.default_rng(5).normal(0, noise, pixels.shape)
    return Room(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)), wall, floor)


def encoded(picture: Image.Image, kind: str = "PNG", **options: int) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def decoded(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (64, 48)) -> Image.Image:
    return Image.new("RGB", size, colour)


def mean_colour(picture: Image.Image, where: Mask | None = None) -> NDArray[np.float64]:
    pixels = np.asarray(picture, dtype=np.float64)
    mean: NDArray[np.float64] = (pixels if where is None else pixels[where]).reshape(-1, 3).mean(0)
    return mean
