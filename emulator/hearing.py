"""What the ears do around the recogniser: prepare an utterance, and judge whether it was clear.

Pure numpy. A grammar recogniser always answers with one of its sentences, so the answer alone says
nothing about the sound. Five measures tell clear speech from noise, from the wrong sample rate,
from lost and from silenced frames; docs/emulator-brain.md has the measurements behind the limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

RATE_HZ: Final = 16_000
MAX_UTTERANCE_S: Final = 20
FRAME: Final = RATE_HZ // 50
RECOGNISER_FRAMES_PER_S: Final = 100

# Preparation of the sound.
SILENCE_SHARE: Final = 0.03
QUIETEST_RMS: Final = 30.0
LEVEL_RMS: Final = 4000.0
KEPT_SILENCE_S: Final = 0.2
PADDING_S: Final = 0.1
# Digital silence has no logarithm; a little noise keeps the cepstra finite.
DITHER_RMS: Final = 4.0

# Limits of clear speech.
MIN_CONTRAST_DB: Final = 8.0
MAX_HOLE_EDGES_PER_S: Final = 3.0
FEWEST_HOLE_EDGES: Final = 3
COVERAGE: Final = (0.76, 1.4)
MAX_INNER_SILENCE: Final = 0.18
PACE: Final = (0.67, 1.6)
MIN_FIT: Final = -8.5
MIN_FIT_OF_A_WORD: Final = -12.0
MIN_FIT_AGAINST_PHONES: Final = -4.0
MIN_FIT_SUM: Final = -11.2
MIN_FIT_SUM_OF_ONE_WORD: Final = -10.6

# Ten-millisecond frames of a sentence at 160 words a minute: fitted to espeak-ng's voices.
VOWEL_FRAMES: Final = 3.7
CONSONANT_FRAMES: Final = 11.0
SENTENCE_FRAMES: Final = 14.4
_VOWELS: Final = frozenset("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())


class Refusal(StrEnum):
    """Why an utterance was not understood."""

    SILENT = "silent"
    STEADY = "no more than a steady noise"
    HOLES = "frames of silence inside words"
    NO_SENTENCE = "no sentence fits"
    PARTIAL = "the sentence covers only a part of the sound"
    PACE = "faster or slower than speech"
    FIT = "the sound does not fit the sentence"


@dataclass(frozen=True)
class Prepared:
    """`samples` for the recogniser; `active_s` seconds of sound between the outer silences."""

    samples: Samples
    active_s: float
    contrast_db: float
    hole_edges: int


@dataclass(frozen=True)
class Word:
    """A recognised word: frames of 10 ms, `fit` its log score against the best senones (≤ 0)."""

    text: str
    phones: tuple[str, ...]
    first_frame: int
    frames: int
    fit: float


def prepare(pcm: Samples) -> Prepared | None:
    """Cut outer silence, set the level, measure; None when there is no sound.

    `pcm` is mono 16 kHz; only its first MAX_UTTERANCE_S seconds count.
    """
    sound = pcm[: MAX_UTTERANCE_S * RATE_HZ].astype(np.float64)
    frames = len(sound) // FRAME
    if frames < 5:
        return None
    sound = sound - sound.mean()
    level = np.sqrt((sound[: frames * FRAME].reshape(frames, FRAME) ** 2).mean(axis=1))
    loud = float(np.percentile(level, 98))
    if loud < QUIETEST_RMS:
        return None
    active = np.flatnonzero(level > max(loud * SILENCE_SHARE, QUIETEST_RMS / 3))
    first, last = int(active[0]), int(active[-1]) + 1
    inside = level[first:last]
    contrast = 20 * np.log10(np.percentile(inside, 95) / max(np.percentile(inside, 10), 1.0))
    active_s = (last - first) * FRAME / RATE_HZ
    return Prepared(
        _for_the_recogniser(sound, first * FRAME, last * FRAME, LEVEL_RMS / loud),
        active_s,
        float(contrast),
        count_hole_edges(pcm[first * FRAME : last * FRAME]),
    )


def _for_the_recogniser(sound: NDArray[np.float64], first: int, last: int, gain: float) -> Samples:
    kept = int(KEPT_SILENCE_S * RATE_HZ)
    padded = np.pad(sound[max(0, first - kept) : last + kept] * gain, int(PADDING_S * RATE_HZ))
    dithered = padded + np.random.default_rng(0).normal(0.0, DITHER_RMS, len(padded))
    return np.clip(dithered, -32768, 32767).astype(np.int16)


def count_hole_edges(pcm: Samples) -> int:
    """How often sound breaks off into, or out of, at least 4 ms of nothing.

    Speech fades; lost frames that were filled with zeros do not.
    """
    size = np.abs(pcm.astype(np.int32))
    loud = float(np.percentile(size, 99)) if len(size) else 0.0
    quiet = (size <= max(2.0, loud * 0.004)).astype(np.int8)
    edges = np.diff(np.concatenate([[0], quiet, [0]]))
    beside, edge_level, shortest = RATE_HZ * 3 // 4000, loud * 0.2, RATE_HZ // 250
    count = 0
    for start, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        if end - start < shortest or start == 0 or end == len(size):
            continue
        count += int(size[max(0, start - beside) : start].max() > edge_level)
        count += int(size[end : end + beside].max() > edge_level)
    return count


def expected_frames(words: Sequence[Word]) -> float:
    """How long the words take at an ordinary pace, in frames of 10 ms."""
    phones = [phone for word in words for phone in word.phones]
    vowels = sum(phone.rstrip("012") in _VOWELS for phone in phones)
    return VOWEL_FRAMES * vowels + CONSONANT_FRAMES * (len(phones) - vowels) + SENTENCE_FRAMES


def refuse_sound(sound: Prepared | None) -> Refusal | None:
    """The reason not to ask the recogniser at all, or None."""
    if sound is None:
        return Refusal.SILENT
    if sound.contrast_db < MIN_CONTRAST_DB:
        return Refusal.STEADY
    allowed = max(FEWEST_HOLE_EDGES - 1, MAX_HOLE_EDGES_PER_S * sound.active_s)
    if sound.hole_edges > allowed:
        return Refusal.HOLES
    return None


def refuse_words(words: Sequence[Word], active_s: float, phone_fit: float) -> Refusal | None:
    """The reason not to believe the recognised words, or None.

    `phone_fit` is the average fit of free phones over the same frames: what the same voice and the
    same line reach when no sentence binds them.
    """
    if not words:
        return Refusal.NO_SENTENCE
    frames = sum(word.frames for word in words)
    span = words[-1].first_frame + words[-1].frames - words[0].first_frame
    coverage = frames / max(active_s * RECOGNISER_FRAMES_PER_S, 1.0)
    if not COVERAGE[0] <= coverage <= COVERAGE[1] or 1 - frames / span > MAX_INNER_SILENCE:
        return Refusal.PARTIAL
    if not PACE[0] <= frames / expected_frames(words) <= PACE[1]:
        return Refusal.PACE
    return Refusal.FIT if _misfits(words, frames, phone_fit) else None


def _misfits(words: Sequence[Word], frames: int, phone_fit: float) -> bool:
    fit = sum(word.fit for word in words) / frames
    against = fit - phone_fit
    # A gate that opens late clips the first word, so only the later ones are held to their limit.
    worst = min((word.fit / word.frames for word in words[1:]), default=fit)
    least = MIN_FIT_SUM if len(words) > 1 else MIN_FIT_SUM_OF_ONE_WORD
    return (
        fit < MIN_FIT
        or worst < MIN_FIT_OF_A_WORD
        or against < MIN_FIT_AGAINST_PHONES
        or fit + against < least
    )
