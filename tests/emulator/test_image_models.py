from __future__ import annotations

import pytest

from emulator.image_models import IMAGE_TOKENS, MODELS, SCALES, SIZES_1K, pixels_for
from emulator.pictures import MAX_PIXELS


def test_the_recorded_size() -> None:
    assert pixels_for("16:9", "1K") == (1376, 768)


@pytest.mark.parametrize("ratio", SIZES_1K)
def test_sizes_follow_ratio_and_scale(ratio: str) -> None:
    wide, high = (int(part) for part in ratio.split(":"))
    for size, side in {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}.items():
        width, height = pixels_for(ratio, size)
        assert width / height == pytest.approx(wide / high, rel=0.03)
        assert (width * height) ** 0.5 == pytest.approx(side, rel=0.07)
        assert width * height <= MAX_PIXELS


def test_models_accept_known_values_only() -> None:
    for model in MODELS.values():
        assert set(model.sizes) <= set(SCALES) == set(IMAGE_TOKENS)
        assert set(model.ratios) <= set(SIZES_1K)
    assert [name for name, model in MODELS.items() if "512" in model.sizes] == [
        "gemini-3.1-flash-image"
    ]
    assert sum(len(model.ratios) == 14 for model in MODELS.values()) == 2


def test_unknown_values() -> None:
    with pytest.raises(KeyError):
        pixels_for("7:5", "1K")
    with pytest.raises(KeyError):
        pixels_for("1:1", "8K")
