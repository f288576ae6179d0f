"""Numbers in sound: a word of 250 ms for each, that survives Opus and the loss of a packet. Pure.

A word is three symbols of 70 ms and a pause of 40 ms. A symbol is a low and a high tone, each one
of eight: six bits. Two symbols are the number (0 to 4095), the third is its check. The pauses make
it rise and fall like speech, so that detectors of speech take it for that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]
_Floats = NDArray[np.float32]

NUMBERS: Final = 4096
SYMBOLS: Final = 3
SYMBOL_S: Final = 0.070
PAUSE_S: Final = 0.040
WORD_S: Final = SYMBOLS * SYMBOL_S + PAUSE_S
LOW_HZ: Final = tuple(500.0 + 100.0 * tone for tone in range(8))
HIGH_HZ: Final = tuple(1450.0 + 200.0 * tone for tone in range(8))
TONE_AMPLITUDE: Final = 4500.0  # of 32768: both together stand at about -17 dB
FADE_S: Final = 0.005

HEARD_HZ: Final = 16_000
WINDOW: Final = 480  # samples, 30 ms, in the middle of a symbol
HOP: Final = 80  # samples, 5 ms
BLOCK: Final = 1024  # windows that are judged at once, for the memory's sake
LEAST_SHARE: Final = 0.35  # of the window's power that its two tones must have
LEAST_LEVEL: Final = 150.0  # RMS of 32768: what is softer is no word
WORD_SAMPLES: Final = round(WORD_S * HEARD_HZ)
SOUND_SAMPLES: Final = round(SYMBOLS * SYMBOL_S * HEARD_HZ)
_SYMBOL_HOPS: Final = round(SYMBOL_S * HEARD_HZ) // HOP
_LEAD: Final = (round(SYMBOL_S * HEARD_HZ) - WINDOW) // 2
_CHECK_FACTOR: Final = 37
_SPREAD: Final = 2731  # neighbours share no symbol, so that no cut makes a word of two
_GATHER: Final = pow(_SPREAD, -1, NUMBERS)
_AROUND_HOPS: Final = 3
_APART_HOPS: Final = int(0.8 * WORD_SAMPLES) // HOP
_PAUSE_HOPS: Final = round((SYMBOLS * SYMBOL_S + 0.005) * HEARD_HZ - _LEAD) // HOP
_LOUD_PAUSE: Final = 0.5  # of the word's own level; what goes on there is two halves of words
_OF_TWO_HALVES: Final = 0.3  # so much worse does it fit


@dataclass(frozen=True, slots=True)
class Word:
    """`at`: where its first sample lies, at 16 kHz, right within 10 ms."""

    number: int
    at: int


def sound_of(numbers: Sequence[int], rate_hz: int) -> Pcm:
    """The words, one after another, each with its pause. Raises ValueError."""
    words = [_word(number, rate_hz) for number in numbers]
    return np.concatenate([np.zeros(0, np.int16), *words])


@cache
def _word(number: int, rate_hz: int) -> Pcm:
    if not 0 <= number < NUMBERS:
        raise ValueError(f"{number} is not from 0 to {NUMBERS - 1}")
    times = np.arange(round(SYMBOL_S * rate_hz)) / rate_hz
    fade = np.clip(np.minimum(times, SYMBOL_S - times) / FADE_S, 0.0, 1.0)
    parts = []
    for symbol in _symbols(number):
        low, high = LOW_HZ[symbol // 8], HIGH_HZ[symbol % 8]
        both = np.sin(2 * np.pi * low * times) + np.sin(2 * np.pi * high * times)
        parts.append((TONE_AMPLITUDE * fade * both).astype(np.int16))
    return np.concatenate([*parts, np.zeros(round(PAUSE_S * rate_hz), np.int16)])


def _symbols(number: int) -> tuple[int, int, int]:
    first, second = divmod(number * _SPREAD % NUMBERS, 64)
    return first, second, (_CHECK_FACTOR * first + 11 * second + 21) % 64


def words_in(sound: Pcm) -> list[Word]:
    """The words that stand whole in mono sound at 16 kHz, in order."""
    if sound.size < SOUND_SAMPLES:
        return []
    symbols, shares, levels = _judged(sound)
    starts = symbols.size - (SYMBOLS - 1) * _SYMBOL_HOPS
    if starts <= 0:
        return []
    symbols, shares = _steadied(symbols, shares)
    parts = [symbols[n * _SYMBOL_HOPS :][:starts] for n in range(SYMBOLS)]
    weakest = np.min([shares[n * _SYMBOL_HOPS :][:starts] for n in range(SYMBOLS)], axis=0)
    right = parts[2] == (_CHECK_FACTOR * parts[0] + 11 * parts[1] + 21) % 64
    fits = right & (weakest >= LEAST_SHARE)
    weakest = weakest - _OF_TWO_HALVES * _goes_on(levels, starts)
    numbers = (parts[0] * 64 + parts[1]) * _GATHER % NUMBERS
    return _best(np.flatnonzero(fits), numbers, weakest)


def _goes_on(levels: _Floats, starts: int) -> NDArray[np.bool_]:
    """Whether there is sound where the pause of a word that begins there would be."""
    after = np.concatenate([levels, np.zeros(_PAUSE_HOPS, np.float32)])[_PAUSE_HOPS:][:starts]
    return after > _LOUD_PAUSE * levels[:starts]


def _steadied(symbols: NDArray[np.int64], shares: _Floats) -> tuple[NDArray[np.int64], _Floats]:
    """For each hop the clearest of the windows around it: a lost packet spoils some of them."""
    around = range(-_AROUND_HOPS, _AROUND_HOPS + 1)
    moved = np.stack([np.roll(shares, -n) - 0.01 * abs(n) for n in around])
    named = np.stack([np.roll(symbols, -n) for n in around])
    best = moved.argmax(axis=0)[None, :]
    clearest = np.take_along_axis(moved, best, axis=0)[0]
    return np.take_along_axis(named, best, axis=0)[0], np.asarray(clearest, np.float32)


def _best(places: NDArray[np.intp], numbers: NDArray[np.int64], fit: _Floats) -> list[Word]:
    """Of the places that are less than a word apart, the one that fits best."""
    words: list[Word] = []
    left = places
    while left.size:
        best = fit[left].max()
        tops = left[fit[left] >= best - 0.005]
        run = tops[(tops >= tops[0]) & (tops < tops[0] + _AROUND_HOPS)]
        middle = int(run[len(run) // 2])
        words.append(Word(int(numbers[middle]), middle * HOP - _LEAD))
        left = left[np.abs(left - middle) >= _APART_HOPS]
    return sorted(words, key=lambda word: word.at)


def _judged(sound: Pcm) -> tuple[NDArray[np.int64], _Floats, _Floats]:
    """For each hop: the likeliest symbol, its tones' share of the power (0 where too soft), RMS.

    Hop n looks at the window from `n * HOP` on; where that is the middle of a symbol, the symbol
    began `_LEAD` samples before.
    """
    windows = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
    parts = [
        _judged_windows(windows[at : at + BLOCK].astype(np.float32))
        for at in range(0, len(windows), BLOCK)
    ]
    symbols, shares, levels = zip(*parts, strict=True)
    return np.concatenate(symbols), np.concatenate(shares), np.concatenate(levels)


def _judged_windows(windows: _Floats) -> tuple[NDArray[np.int64], _Floats, _Floats]:
    power = np.einsum("ij,ij->i", windows, windows) / WINDOW
    spectrum = windows @ _tones()
    tones = spectrum[:, :16] ** 2 + spectrum[:, 16:] ** 2
    low, high = tones[:, :8], tones[:, 8:]
    symbols = low.argmax(axis=1) * 8 + high.argmax(axis=1)
    share = (low.max(axis=1) + high.max(axis=1)) / np.maximum(power, 1.0)
    share[power < LEAST_LEVEL**2] = 0.0
    return symbols.astype(np.int64), share.astype(np.float32), np.sqrt(power)


@cache
def _tones() -> _Floats:
    """Columns: cosine, then sine of each tone; the squares of both sums are the tone's power."""
    times = np.arange(WINDOW) / HEARD_HZ
    angles = 2 * np.pi * np.outer(times, np.array([*LOW_HZ, *HIGH_HZ]))
    scale = np.sqrt(2.0) / WINDOW
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32) * np.float32(
        scale
    )
