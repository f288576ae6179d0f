"""The image models that are known, what each accepts, and how large its pictures are. Pure data.

Sources: reference tables of Google's image generation pages; 16:9 at 1K = 1376×768 was recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from emulator.pictures import JPEG, PNG

# Width and height at 1K.
SIZES_1K: Final[dict[str, tuple[int, int]]] = {
    "1:1": (1024, 1024),
    "2:3": (848, 1264),
    "3:2": (1264, 848),
    "3:4": (896, 1200),
    "4:3": (1200, 896),
    "4:5": (928, 1152),
    "5:4": (1152, 928),
    "9:16": (768, 1376),
    "16:9": (1376, 768),
    "21:9": (1584, 672),
    "1:4": (512, 2048),
    "4:1": (2048, 512),
    "1:8": (384, 3072),
    "8:1": (3072, 384),
}
WIDE_RATIOS: Final = tuple(SIZES_1K)
ORDINARY_RATIOS: Final = WIDE_RATIOS[:10]
DEFAULT_RATIO: Final = "1:1"
DEFAULT_SIZE: Final = "1K"
SCALES: Final[dict[str, tuple[int, int]]] = {
    "512": (1, 2),
    "1K": (1, 1),
    "2K": (2, 1),
    "4K": (4, 1),
}
IMAGE_TOKENS: Final[dict[str, int]] = {"512": 747, "1K": 1120, "2K": 1680, "4K": 2520}
INPUT_IMAGE_TOKENS: Final = 258


@dataclass(frozen=True)
class ImageModel:
    """What one model accepts; `mime_type` is what it answers with unless an option says other."""

    sizes: tuple[str, ...]
    ratios: tuple[str, ...] = ORDINARY_RATIOS
    max_pictures: int = 14
    mime_type: str = JPEG
    thinks: bool = True


MODELS: Final[dict[str, ImageModel]] = {
    "gemini-nano-banana-2.1": ImageModel(("1K", "2K", "4K"), WIDE_RATIOS),
    "gemini-3.1-flash-image": ImageModel(("512", "1K", "2K", "4K"), WIDE_RATIOS),
    "gemini-3.1-flash-lite-image": ImageModel(("1K",)),
    "gemini-3-pro-image": ImageModel(("1K", "2K", "4K"), mime_type=PNG),
    "gemini-2.5-flash-image": ImageModel(("1K",), max_pictures=3, mime_type=PNG, thinks=False),
}


def pixels_for(ratio: str, size: str) -> tuple[int, int]:
    """(width, height) of a new picture. Raises KeyError for an unknown ratio or size."""
    (width, height), (times, per) = SIZES_1K[ratio], SCALES[size]
    return width * times // per, height * times // per
