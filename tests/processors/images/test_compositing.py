"""A change keeps to its region, whatever the model sent."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from processors.images.compositing import OUTLINE, composite, outlined
from processors.images.pixels import Picture
from processors.images.region import Region, region_untrusted


def noise(width: int, height: int, seed: int, mode: str = "RGB") -> bytes:
    channels = len(mode)
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, channels), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels, mode).save(out, "PNG")
    return out.getvalue()


def pixels_of(picture: Picture | bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    data = picture if isinstance(picture, bytes) else picture.data
    return np.asarray(Image.open(io.BytesIO(data)))


def box(x: float, y: float, width: float, height: float) -> Region:
    return region_untrusted({"box": {"x": x, "y": y, "width": width, "height": height}})


regions = st.builds(
    lambda x, y, width, height: box(x, y, min(width, 1 - x), min(height, 1 - y)),
    st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.02, 1), st.floats(0.02, 1),
)  # fmt: skip
sides = st.integers(16, 120)


@settings(deadline=None, max_examples=40)
@given(regions, sides, sides, sides, sides)
def test_outside_the_region_every_pixel_is_the_parents(
    region: Region, width: int, height: int, other_width: int, other_height: int
) -> None:
    parent, edited = noise(width, height, 1), noise(other_width, other_height, 2)
    made = composite(parent, edited, region)
    assert (made.mime_type, made.width, made.height) == ("image/png", width, height)
    outside = region.mask(width, height) == 0
    assert np.array_equal(pixels_of(made)[outside], pixels_of(parent)[outside])


def test_inside_every_pixel_is_the_models() -> None:
    parent, edited = noise(200, 150, 1), noise(200, 150, 2)
    region = box(0.25, 0.25, 0.5, 0.5)
    made = pixels_of(composite(parent, edited, region))
    inside = region.mask(200, 150) == 1
    assert inside.any()
    assert np.array_equal(made[inside], pixels_of(edited)[inside])


def test_transparency_is_kept() -> None:
    made = composite(noise(40, 30, 1, "RGBA"), noise(40, 30, 2), box(0.2, 0.2, 0.5, 0.5))
    assert pixels_of(made).shape == (30, 40, 4)


@pytest.mark.parametrize(
    "region",
    [
        box(0.2, 0.2, 0.5, 0.5),
        region_untrusted({"stroke": {"points": [[0.2, 0.5], [0.8, 0.5]], "width": 0.2}}),
    ],
)
def test_an_outline_shows_what_is_meant(region: Region) -> None:
    plain = io.BytesIO()
    Image.new("RGB", (2400, 1800), "white").save(plain, "PNG")
    shown = outlined(plain.getvalue(), region)
    assert (shown.mime_type, shown.width) == ("image/jpeg", 1024)
    pixels = pixels_of(shown).astype(int)
    marked = np.abs(pixels - OUTLINE).max(axis=2) < 90
    assert 0.001 < marked.mean() < 0.2
    assert pixels[shown.height // 2, 4].min() > 240
