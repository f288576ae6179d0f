"""What the emulator sounds like without espeak-ng: one audible tone for each word; pure numpy."""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np

RATE_HZ: Final = 24_000
MAX_WORDS: Final = 400
WORD_S: Final = 0.22
GAP_S: Final = 0.10
FADE_S: Final = 0.02
LOWEST_HZ: Final = 220.0
SEMITONES: Final = 24
AMPLITUDE: Final = 9000.0


def tone_for(word: str) -> bytes:
    """PCM16 mono 24 kHz of one word: a pitch that depends on the word alone, then a gap."""
    semitone = zlib.crc32(word.lower().encode()) % SEMITONES
    seconds = np.arange(int(WORD_S * RATE_HZ)) / RATE_HZ
    wave = np.sin(2 * np.pi * LOWEST_HZ * 2 ** (semitone / 12) * seconds)
    fade = np.clip(np.minimum(seconds, WORD_S - seconds) / FADE_S, 0.0, 1.0)
    sound = (wave * fade * AMPLITUDE).astype("<i2").tobytes()
    return sound + bytes(2 * int(GAP_S * RATE_HZ))


def speak_in_tones(text: str) -> bytes:
    """PCM16 mono 24 kHz: a tone per word, at most MAX_WORDS words; empty for no words."""
    return b"".join(tone_for(word) for word in text.split()[:MAX_WORDS])
