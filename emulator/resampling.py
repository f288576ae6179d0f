"""Rational resampling of PCM with a windowed-sinc filter bank; pure numpy."""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

ZERO_CROSSINGS: Final = 12
KAISER_BETA: Final = 8.0
# The pass band ends a little below the lower of the two Nyquist frequencies.
ROLLOFF: Final = 0.94


@lru_cache(maxsize=8)
def _filter_bank(up: int, down: int) -> tuple[NDArray[np.float32], int]:
    """(phases × taps, taps before the centre) for the ratio up/down in lowest terms."""
    cutoff = ROLLOFF * min(1.0, up / down)
    half = int(np.ceil(ZERO_CROSSINGS / cutoff))
    taps = np.arange(-half + 1, half + 1, dtype=np.float64)
    phases = np.arange(up, dtype=np.float64)[:, None] / up
    distance = taps[None, :] - phases
    inside = np.clip(1.0 - (distance / half) ** 2, 0.0, None)
    window = np.i0(KAISER_BETA * np.sqrt(inside)) / np.i0(KAISER_BETA)
    bank = cutoff * np.sinc(cutoff * distance) * window
    bank /= bank.sum(axis=1, keepdims=True)
    return bank.astype(np.float32), half - 1


def resample(samples: Samples, source_hz: int, target_hz: int) -> Samples:
    """Mono PCM16 at `target_hz`; length is ceil(n · target / source). Raises ValueError."""
    if source_hz <= 0 or target_hz <= 0:
        raise ValueError("sample rates are positive")
    if source_hz == target_hz or not len(samples):
        return samples
    divisor = gcd(source_hz, target_hz)
    up, down = target_hz // divisor, source_hz // divisor
    bank, before = _filter_bank(up, down)
    count = -(-len(samples) * up // down)
    position = np.arange(count, dtype=np.int64) * down
    padded = np.pad(samples.astype(np.float32), (before, bank.shape[1]))
    windows = np.lib.stride_tricks.sliding_window_view(padded, bank.shape[1])
    exact: NDArray[np.float32] = np.einsum("ij,ij->i", windows[position // up], bank[position % up])
    return np.clip(np.rint(exact), -32768, 32767).astype(np.int16)
