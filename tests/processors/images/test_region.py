"""What somebody points at."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from processors.images.region import (
    MAX_POINTS,
    SOFT_SHARE,
    Mask,
    Points,
    Region,
    RegionRefused,
    Stroke,
    grown,
    largest_loop,
    region_untrusted,
)

BOX = {"box": {"x": 0.2, "y": 0.3, "width": 0.4, "height": 0.25}}
LINE = {"stroke": {"points": [[0.1, 0.5], [0.5, 0.5], [0.9, 0.5]], "width": 0.1}}
RING = {"stroke": {"points": [[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7], [0.31, 0.31]]}}


@pytest.mark.parametrize("data", [BOX, LINE])
def test_there_and_back(data: dict[str, Any]) -> None:
    region = region_untrusted(data)
    assert region_untrusted(region.to_json()) == region


def test_words_for_a_model_without_masks() -> None:
    assert region_untrusted(BOX).words() == (
        "(Only inside the area from 20.0 % to 60.0 % of the width and from 30.0 % to 55.0 % of the "
        "height.)"
    )


@pytest.mark.parametrize(
    "data",
    [
        None, [], {}, {**BOX, **LINE}, {"box": {"x": 0.9, "y": 0, "width": 0.5, "height": 0.1}},
        {"box": {"x": float("nan"), "y": 0, "width": 0.5, "height": 0.1}},
        {"box": {"x": -0.1, "y": 0, "width": 0.5, "height": 0.1}},
        {"box": {"x": 0, "y": 0, "width": 0.001, "height": 0.5}},
        {"box": {"x": 0, "y": 0, "width": 0.1, "height": 0.5, "z": 1}}, {"box": "all"},
        {"box": {"x": "0.2", "y": 0, "width": 0.5, "height": 0.1}},
        {"box": {"x": True, "y": 0, "width": 0.5, "height": 0.1}},
        {"box": {"x": 0, "y": 0.6, "width": 0.5, "height": 0.5}},
        {"stroke": {"points": [[0, 0]]}}, {"stroke": {"points": [[0, 0], [0, 2]]}},
        {"stroke": {"points": [[0.5, 0.5], [0.5, 0.5]], "width": 0.002}},
        {"stroke": {"points": [[0, 0], [1, 1]], "width": 3}},
        {"stroke": {"points": [[0, 0]] * (MAX_POINTS + 1)}},
    ],
)  # fmt: skip
def test_what_is_no_region_is_refused_in_words(data: object) -> None:
    with pytest.raises(RegionRefused, match=r"^[A-Z].*\.$"):
        region_untrusted(data)


def test_a_line_covers_and_a_ring_encloses() -> None:
    line, ring = region_untrusted(LINE), region_untrusted(RING)
    assert (line.encloses, ring.encloses, region_untrusted(BOX).encloses) == (False, True, True)
    assert line.bounds == pytest.approx((0.05, 0.45, 0.95, 0.55))
    assert ring.bounds == pytest.approx((0.3, 0.3, 0.7, 0.7))
    assert ring.mask(200, 200)[100, 100] == 1.0
    covered = line.mask(200, 200)
    assert (covered[100, 100], covered[60, 100]) == (1.0, 0.0)


def test_a_mask_fades_evenly_outside_and_is_nothing_beyond() -> None:
    """No seam: no step of it is larger than the others."""
    mask = region_untrusted(BOX).mask(400, 300)
    assert mask.shape == (300, 400) and mask.dtype == np.float32
    assert mask[90:165, 80:240].min() == 1.0
    soft = round(SOFT_SHARE * 400) + 1
    for line in (mask[120], mask[:, 160]):
        steps = np.abs(np.diff(line))
        assert 2 * (soft - 2) < np.count_nonzero(steps) <= 2 * (soft + 2)
        assert steps.max() < 1.5 / soft
    assert mask[: 90 - soft].max() == mask[165 + soft :].max() == 0.0
    assert mask[:, : 80 - soft].max() == mask[:, 240 + soft :].max() == 0.0


def test_it_does_not_fade_where_the_picture_ends() -> None:
    whole = region_untrusted({"box": {"x": 0, "y": 0, "width": 1, "height": 1}})
    assert whole.mask(300, 200).min() == 1.0


def test_a_large_mask_is_drawn_small() -> None:
    mask = region_untrusted(BOX).mask(4000, 3000)
    assert mask.shape == (3000, 4000)
    assert mask[1000, 1600] == 1.0


def circle(turns: float, *, radius: float = 0.25, wobble: float = 0.0) -> Points:
    """Around the middle of the picture, drawn by a hand that wobbles."""
    count = round(40 * turns)
    return [
        (
            0.5 + (radius + wobble * math.sin(7 * angle)) * math.cos(angle),
            0.5 + (radius + wobble * math.cos(5 * angle)) * math.sin(angle),
        )
        for angle in (2 * math.pi * number / 40 for number in range(count + 1))
    ]


def stroke(points: Points, width: float = 0.03) -> Region:
    return region_untrusted(
        {"stroke": {"points": [list(point) for point in points], "width": width}}
    )


@pytest.mark.parametrize("turns", [0.9, 1.0, 1.3, 2.0, 2.6])
@pytest.mark.parametrize("backwards", [False, True])
def test_what_is_drawn_around_is_meant_however_often(turns: float, backwards: bool) -> None:
    points = circle(turns, wobble=0.02)
    region = stroke(points[::-1] if backwards else points)
    mask = region.mask(200, 200)
    assert region.encloses
    assert mask[100, 100] == 1.0
    assert mask[:40].max() == mask[:, :40].max() == 0.0
    assert region.bounds == pytest.approx((0.25, 0.25, 0.75, 0.75), abs=0.03)


def test_where_the_hand_came_from_is_not_meant() -> None:
    there = [(x / 100, 0.5) for x in range(0, 75, 5)]
    lasso = stroke([*there, *circle(1.0)])
    assert lasso.encloses
    assert lasso.bounds[0] == pytest.approx(0.25, abs=0.02)
    assert lasso.mask(200, 200)[100, 20] == 0.0


@pytest.mark.parametrize(
    "points",
    [
        [(0.3, 0.5), (0.7, 0.5), (0.31, 0.51), (0.7, 0.52), (0.3, 0.53)],  # rubbed over
        [(0.49, 0.5), (0.51, 0.5), (0.51, 0.52), (0.49, 0.52), (0.49, 0.5)],  # a dab
        circle(0.8),
        [(0.2, 0.4), (0.8, 0.6)],
    ],
)
def test_what_makes_no_loop_is_painted_over(points: Points) -> None:
    region = stroke(points, width=0.06)
    assert not region.encloses
    mask = region.mask(200, 200)
    for (x0, y0), (x1, y1) in pairwise(points):
        assert mask[round((y0 + y1) / 2 * 199), round((x0 + x1) / 2 * 199)] == 1.0


def test_of_two_loops_the_larger() -> None:
    small = [(0.1 + (x - 0.5) / 5, 0.1 + (y - 0.5) / 5) for x, y in circle(1.0)]
    assert largest_loop([*small, *circle(1.0)], 0.0)[0] not in small
    assert largest_loop(circle(1.0), 0.3) == ()


def test_growing_is_the_same_to_all_sides() -> None:
    dot = Image.new("L", (9, 7), 0)
    dot.putpixel((4, 3), 255)
    pixels = np.asarray(grown(dot, 2))
    assert pixels[1:6, 2:7].min() == 255
    assert np.count_nonzero(pixels) == 25


shares = st.floats(0, 0.9)
points = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=40)
sides = st.integers(8, 90)


@given(shares, shares, st.floats(0.02, 1), st.floats(0.02, 1), sides, sides)
def test_the_mask_of_a_box(
    x: float, y: float, width: float, height: float, wide: int, tall: int
) -> None:
    box = {"x": x, "y": y, "width": min(width, 1 - x), "height": min(height, 1 - y)}
    region: Region = region_untrusted({"box": box})
    mask = region.mask(wide, tall)
    assert mask.shape == (tall, wide)
    assert 0 <= mask.min() and mask.max() <= 1
    assert mask.max() == 1
    assert_nothing_beyond(region, mask)


@given(points, st.floats(0.002, 0.5), sides, sides)
def test_the_mask_of_a_line(drawn: Points, width: float, wide: int, tall: int) -> None:
    try:
        region = stroke(drawn, width)
    except RegionRefused:
        return  # a tap
    mask = region.mask(wide, tall)
    assert mask.shape == (tall, wide)
    assert 0 <= mask.min() and 0.5 < mask.max() <= 1
    assert region_untrusted(region.to_json()) == region
    if isinstance(region.shape, Stroke) and region.encloses:
        assert_nothing_beyond(region, mask)
    for x, y in () if region.encloses else drawn:
        assert mask[round(y * (tall - 1)), round(x * (wide - 1))] > 0.5  # a pixel aside


def assert_nothing_beyond(region: Region, mask: Mask) -> None:
    """Beyond the region's bounds and its soft edge."""
    tall, wide = mask.shape
    soft = 2 * max(1, round(SOFT_SHARE * max(wide, tall) / 2)) + 2
    left, top, right, bottom = region.bounds
    assert mask[:, : max(0, math.floor(left * wide) - soft)].max(initial=0) == 0
    assert mask[: max(0, math.floor(top * tall) - soft)].max(initial=0) == 0
    assert mask[:, math.ceil(right * wide) + soft :].max(initial=0) == 0
    assert mask[math.ceil(bottom * tall) + soft :].max(initial=0) == 0
