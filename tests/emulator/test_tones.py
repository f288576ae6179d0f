from __future__ import annotations

import numpy as np

from emulator.tones import GAP_S, MAX_WORDS, RATE_HZ, WORD_S, speak_in_tones, tone_for


def test_a_tone_for_each_word() -> None:
    pcm = np.frombuffer(speak_in_tones("one two  three"), dtype="<i2")
    assert len(pcm) == 3 * (int(WORD_S * RATE_HZ) + int(GAP_S * RATE_HZ))
    assert np.abs(pcm).max() > 8000


def test_the_pitch_belongs_to_the_word() -> None:
    assert tone_for("Hello") == tone_for("hello")
    assert tone_for("hello") != tone_for("goodbye")


def test_no_words_no_sound_and_many_words_a_bound() -> None:
    assert speak_in_tones("  ") == b""
    assert len(speak_in_tones("a " * 9999)) == MAX_WORDS * len(tone_for("a"))
