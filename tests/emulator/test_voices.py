from __future__ import annotations

from emulator.voices import DEFAULT_VOICE, TIMBRES, VOICE_NAMES, timbre


def test_thirty_names_sound_in_thirty_ways() -> None:
    assert len(VOICE_NAMES) == 30
    assert len(set(TIMBRES.values())) == 30
    assert {"Puck", "Kore", "Zephyr", "Zubenelgenubi"} <= set(VOICE_NAMES)


def test_values_are_what_espeak_takes() -> None:
    for sound in TIMBRES.values():
        assert 0 <= sound.pitch <= 99
        assert 130 <= sound.words_per_minute <= 180


def test_an_unknown_name_sounds_like_the_default() -> None:
    assert timbre("Nobody") == TIMBRES[DEFAULT_VOICE]
    assert timbre("Kore") == TIMBRES["Kore"]
