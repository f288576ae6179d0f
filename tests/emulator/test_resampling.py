from __future__ import annotations

import numpy as np
import pytest

from emulator.resampling import Samples, resample


def tone(hz: float, rate: int, seconds: float = 0.5) -> Samples:
    return (12000 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)).astype(np.int16)


@pytest.mark.parametrize(
    ("source", "target"), [(22050, 24000), (22050, 16000), (48000, 16000), (8000, 16000)]
)
def test_a_tone_stays_the_same_tone(source: int, target: int) -> None:
    got = resample(tone(1000, source), source, target)
    want = tone(1000, target)
    assert len(got) == -(-len(tone(1000, source)) * target // source)
    middle = slice(200, len(want) - 200)
    assert np.max(np.abs(got[middle].astype(int) - want[middle])) < 40


def test_what_the_target_cannot_hold_is_removed() -> None:
    got = resample(tone(11_000, 48_000), 48_000, 16_000)
    assert np.max(np.abs(got[100:-100].astype(int))) < 40


def test_full_scale_does_not_wrap() -> None:
    square = np.repeat(np.tile(np.array([32767, -32768], np.int16), 20), 50)
    got = resample(square, 16_000, 24_000)
    assert np.all(got[np.argmax(got > 30000) :][:30] > 0)


def test_nothing_to_do() -> None:
    samples = tone(100, 16_000)
    assert resample(samples, 16_000, 16_000) is samples
    assert len(resample(samples[:0], 8_000, 16_000)) == 0


@pytest.mark.parametrize("rates", [(0, 16_000), (16_000, -1)])
def test_rates_are_positive(rates: tuple[int, int]) -> None:
    with pytest.raises(ValueError):
        resample(tone(100, 16_000), *rates)
