from __future__ import annotations

import numpy as np
import pytest

from emulator.hearing import (
    MAX_UTTERANCE_S,
    RATE_HZ,
    Prepared,
    Refusal,
    Samples,
    Word,
    count_hole_edges,
    expected_frames,
    prepare,
    refuse_sound,
    refuse_words,
)


def bursts(seconds: float = 1.0, level: float = 6000.0) -> Samples:
    """Something like syllables: a tone that swells five times a second."""
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    swell = 0.02 + np.sin(np.pi * 5 * time) ** 2
    return (level * swell * np.sin(2 * np.pi * 300 * time)).astype(np.int16)


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE_HZ), np.int16)


def prepared(pcm: Samples) -> Prepared:
    sound = prepare(pcm)
    assert sound is not None
    return sound


def test_outer_silence_is_cut_and_the_level_set() -> None:
    loud = prepared(np.concatenate([silence(1), bursts(level=20_000), silence(2)]))
    quiet = prepared(np.concatenate([silence(0.3), bursts(level=400), silence(0.3)]))
    assert loud.active_s == pytest.approx(1.0, abs=0.05)
    assert len(loud.samples) / RATE_HZ == pytest.approx(1.6, abs=0.1)
    for sound in (loud, quiet):
        rms = np.sqrt((sound.samples.astype(float) ** 2).mean())
        assert 1200 < rms < 2800


@pytest.mark.parametrize("pcm", [silence(0), silence(0.05), silence(2), bursts(level=8)])
def test_silence_is_no_sound(pcm: Samples) -> None:
    assert prepare(pcm) is None
    assert refuse_sound(prepare(pcm)) is Refusal.SILENT


def test_only_the_first_seconds_count() -> None:
    sound = prepared(bursts(MAX_UTTERANCE_S + 15))
    assert sound.active_s <= MAX_UTTERANCE_S


def test_digital_silence_gets_a_little_noise() -> None:
    sound = prepared(np.concatenate([silence(1), bursts()]))
    assert 1 < sound.samples[:800].std() < 8


def test_clear_sound_is_heard() -> None:
    assert refuse_sound(prepared(bursts())) is None


def test_steady_noise_is_refused() -> None:
    noise = np.random.default_rng(1).normal(0, 2000, RATE_HZ).astype(np.int16)
    assert refuse_sound(prepared(noise)) is Refusal.STEADY


def test_zeroed_frames_are_refused() -> None:
    broken = bursts(2.0)
    broken.reshape(-1, 320)[::2] = 0
    assert refuse_sound(prepared(broken)) is Refusal.HOLES


def test_hole_edges() -> None:
    whole = (9000 * np.sin(np.arange(8000) * 0.1)).astype(np.int16)
    assert count_hole_edges(whole) == 0
    holed = whole.copy()
    holed[2000:2320] = 0
    assert count_hole_edges(holed) == 2
    short = whole.copy()
    short[2000:2030] = 0
    assert count_hole_edges(short) == 0
    outer = whole.copy()
    outer[:500] = outer[-500:] = 0
    assert count_hole_edges(outer) == 0
    faded = (whole * np.abs(np.linspace(-1, 1, 8000)) ** 3).astype(np.int16)
    assert count_hole_edges(faded) == 0
    assert count_hole_edges(whole[:0]) == 0


def words(count: int = 3, *, frames: int = 40, fit: float = -6.0, gap: int = 0) -> list[Word]:
    """Words of two vowels and two consonants each."""
    return [
        Word("wall", ("W", "AO1", "L", "AH0"), 10 + index * (frames + gap), frames, fit * frames)
        for index in range(count)
    ]


def test_expected_frames_count_vowels_and_consonants() -> None:
    assert expected_frames(words(1)) == pytest.approx(2 * 3.7 + 2 * 11.0 + 14.4)
    assert expected_frames([]) == pytest.approx(14.4)


@pytest.mark.parametrize(
    ("heard", "active_s", "phone_fit", "reason"),
    [
        ([], 1.2, 0.0, Refusal.NO_SENTENCE),
        (words(), 1.2, -5.0, None),
        (words(), 3.0, -5.0, Refusal.PARTIAL),
        (words(), 0.5, -5.0, Refusal.PARTIAL),
        (words(gap=20), 1.2, -5.0, Refusal.PARTIAL),
        (words(frames=20), 0.6, -5.0, Refusal.PACE),
        (words(frames=80), 2.4, -5.0, Refusal.PACE),
        (words(fit=-8.6), 1.2, -8.0, Refusal.FIT),
        (words(fit=-7.0), 1.2, -2.9, Refusal.FIT),
        (words(fit=-7.8), 1.2, -4.2, Refusal.FIT),
        (words(1, fit=-7.4), 0.4, -4.0, Refusal.FIT),
        (words(1, fit=-7.2), 0.4, -4.0, None),
    ],
)
def test_judging_words(
    heard: list[Word], active_s: float, phone_fit: float, reason: Refusal | None
) -> None:
    assert refuse_words(heard, active_s, phone_fit) is reason


def test_a_clipped_first_word_is_forgiven_but_no_other() -> None:
    clipped = Word("wall", ("W", "AO1", "L", "AH0"), 10, 40, -13.0 * 40)
    first, *rest = words(4, fit=-5.0)
    assert refuse_words([clipped, *rest], 1.6, -6.0) is None
    spoiled = Word("wall", rest[-1].phones, rest[-1].first_frame, 40, -13.0 * 40)
    assert refuse_words([first, *rest[:-1], spoiled], 1.6, -6.0) is Refusal.FIT
