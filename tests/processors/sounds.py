"""Sounds for tests: a spoken sentence, tones, noise; and how alike two sounds are."""

import subprocess
import sys
import tempfile
import wave
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

SPEAK_LIMIT_S = 30.0


@cache
def spoken(sentence: str, rate: int = 16_000) -> Pcm:
    """The sentence as the emulator's voice says it. Not to be written to."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "spoken.wav")
        command = [sys.executable, "-m", "emulator.voice_worker", "--say", sentence]
        subprocess.run(
            [*command, "--rate", str(rate), "--out", str(path)], check=True, timeout=SPEAK_LIMIT_S
        )
        with wave.open(str(path)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    return samples


def tone(seconds: float, rate: int = 16_000, hertz: float = 440.0, db: float = -12.0) -> Pcm:
    time = np.arange(int(seconds * rate)) / rate
    return np.asarray(32767 * 10 ** (db / 20) * np.sin(2 * np.pi * hertz * time), np.int16)


def noise(seconds: float, db: float, rate: int = 16_000, seed: int = 1) -> Pcm:
    """White noise of that RMS level, in dB of full scale."""
    random = np.random.default_rng(seed).normal(0, 32768 * 10 ** (db / 20), int(seconds * rate))
    return np.clip(random, -32768, 32767).astype(np.int16)


def silence(seconds: float, rate: int = 16_000) -> Pcm:
    return np.zeros(int(seconds * rate), np.int16)


def likeness(one: Pcm, other: Pcm, most_delay: int = 400) -> float:
    """The highest correlation (at most 1) over shifts of `other` by up to `most_delay`."""
    size = min(one.size, other.size) - most_delay
    reference, shifted = one[:size].astype(float), other[: size + most_delay].astype(float)
    products = np.correlate(shifted, reference, "valid")
    energies = np.convolve(shifted**2, np.ones(size), "valid")
    norms = np.sqrt(np.maximum(energies, 1.0) * max(float(np.dot(reference, reference)), 1.0))
    return float((products / norms).max())
