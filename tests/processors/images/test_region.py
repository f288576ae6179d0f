"""What somebody points at."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.images.region import (
    MAX_POINTS,
    SOFT_SHARE,
    Region,
    RegionRefused,
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


def test_a_mask_is_soft_outside_and_nothing_beyond() -> None:
    mask = region_untrusted(BOX).mask(400, 300)
    assert mask.shape == (300, 400) and mask.dtype == np.float32
    assert mask[95:160, 85:235].min() == 1.0
    edge = mask[120]
    assert 0 < np.count_nonzero((edge > 0) & (edge < 1)) < 4 * SOFT_SHARE * 400 + 4
    far = round(2.5 * SOFT_SHARE * 400) + 2
    assert mask[: 90 - far].max() == 0.0
    assert mask[:, 240 + far :].max() == 0.0


def test_a_large_mask_is_drawn_small() -> None:
    mask = region_untrusted(BOX).mask(4000, 3000)
    assert mask.shape == (3000, 4000)
    assert mask[1000, 1600] == 1.0


shares = st.floats(0, 0.9)


@given(
    shares, shares, st.floats(0.02, 1), st.floats(0.02, 1), st.integers(8, 90), st.integers(8, 90)
)
def test_a_mask_is_between_nothing_and_all(
    x: float, y: float, width: float, height: float, wide: int, tall: int
) -> None:
    box = {"x": x, "y": y, "width": min(width, 1 - x), "height": min(height, 1 - y)}
    region: Region = region_untrusted({"box": box})
    mask = region.mask(wide, tall)
    assert mask.shape == (tall, wide)
    assert 0 <= mask.min() and mask.max() <= 1
    assert mask.max() > 0
