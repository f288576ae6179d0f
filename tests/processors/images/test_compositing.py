"""A change keeps to its region, whatever the model sent."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from processors.images.compositing import OUTLINE, composite, outlined, sketch
from processors.images.pixels import Picture, opened_plain
from processors.images.region import Region, region_untrusted


def noise(width: int, height: int, seed: int, mode: str = "RGB") -> bytes:
    channels = len(mode)
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, channels), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels, mode).save(out, "PNG")
    return out.getvalue()


def flat(size: tuple[int, int], colour: tuple[int, ...]) -> bytes:
    out = io.BytesIO()
    Image.new("RGB" if len(colour) == 3 else "RGBA", size, colour).save(out, "PNG")
    return out.getvalue()


def pixels_of(picture: Picture | bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    data = picture if isinstance(picture, bytes) else picture.data
    return np.asarray(Image.open(io.BytesIO(data)))


def box(x: float, y: float, width: float, height: float) -> Region:
    return region_untrusted({"box": {"x": x, "y": y, "width": width, "height": height}})


WHOLE = box(0, 0, 1, 1)


def composed(parent: bytes, edited: bytes, region: Region) -> Picture:
    return composite(parent, opened_plain(edited), region)[0]


boxes = st.builds(
    lambda x, y, width, height: box(x, y, min(width, 1 - x), min(height, 1 - y)),
    st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.02, 1), st.floats(0.02, 1),
)  # fmt: skip
shares = st.floats(0, 1)
strokes = st.builds(
    lambda first, points, width: region_untrusted(
        {"stroke": {"points": [first, *points, [1 - first[0], first[1] / 2]], "width": width}}
    ),
    st.tuples(st.floats(0, 0.4), shares).map(list),
    st.lists(st.tuples(shares, shares).map(list), max_size=20),
    st.floats(0.02, 0.3),
)
sides = st.integers(16, 120)


@settings(deadline=None, max_examples=40)
@given(boxes | strokes, sides, sides, sides, sides)
def test_outside_the_region_every_pixel_is_the_parents(
    region: Region, width: int, height: int, other_width: int, other_height: int
) -> None:
    parent, edited = noise(width, height, 1), noise(other_width, other_height, 2)
    made = composed(parent, edited, region)
    assert (made.mime_type, made.width, made.height) == ("image/png", width, height)
    outside = region.mask(width, height) == 0
    assert np.array_equal(pixels_of(made)[outside], pixels_of(parent)[outside])


def test_inside_every_pixel_is_the_models() -> None:
    parent, edited = noise(200, 150, 1), noise(200, 150, 2)
    region = box(0.25, 0.25, 0.5, 0.5)
    made = pixels_of(composed(parent, edited, region))
    inside = region.mask(200, 150) == 1
    assert inside.any()
    assert np.array_equal(made[inside], pixels_of(edited)[inside])


def test_a_sketch_is_as_small_as_the_draft() -> None:
    parent, draft = flat((400, 300), (9, 9, 9)), flat((100, 75), (200, 200, 200))
    made, decoded = sketch(parent, opened_plain(draft), box(0.25, 0.25, 0.5, 0.5))
    assert (made.mime_type, made.width, made.height) == ("image/jpeg", 100, 75)
    assert decoded.size == (100, 75)
    pixels = pixels_of(made).astype(int)
    assert pixels[4, 4].max() < 20
    assert pixels[37, 50].min() > 190


def test_transparency_is_kept() -> None:
    made = composed(noise(40, 30, 1, "RGBA"), noise(40, 30, 2), box(0.2, 0.2, 0.5, 0.5))
    assert pixels_of(made).shape == (30, 40, 4)


def test_between_the_two_the_one_fades_into_the_other() -> None:
    """No seam at the region's edge, however different the model's picture is."""
    parent, edited = (flat((400, 300), colour) for colour in ((0, 0, 0), (200, 200, 200)))
    row = pixels_of(composed(parent, edited, box(0.25, 0.25, 0.5, 0.5)))[150, :, 0].astype(int)
    assert (row[0], row[200]) == (0, 200)
    assert np.abs(np.diff(row)).max() <= 60


def test_what_a_model_leaves_transparent_shows_white() -> None:
    made = composed(flat((40, 30), (9, 9, 9)), flat((40, 30), (99, 0, 0, 0)), WHOLE)
    assert pixels_of(made).min() == 255


def test_the_proportions_are_the_parents() -> None:
    """What hangs over is cut off on both sides, nothing is squeezed."""
    quarters = np.repeat(np.array([200, 0, 100, 200], np.uint8), 100)
    wide = io.BytesIO()
    Image.fromarray(np.tile(quarters[:, None], (100, 1, 3))).save(wide, "PNG")
    row = pixels_of(composed(flat((100, 100), (9, 9, 9)), wide.getvalue(), WHOLE))[50, :, 0]
    assert (row[:45].max(), row[55:].min(), row[55:].max()) == (0, 100, 100)


@pytest.mark.parametrize(("mode", "kept"), [("RGB", True), ("L", False)])
def test_colours_mean_what_the_parents_do(mode: str, kept: bool) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    out = io.BytesIO()
    Image.new(mode, (40, 30)).save(out, "PNG", icc_profile=profile)
    made = composed(out.getvalue(), noise(40, 30, 2), box(0.2, 0.2, 0.5, 0.5))
    found = Image.open(io.BytesIO(made.data)).info.get("icc_profile")
    assert found == (profile if kept else None)


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
