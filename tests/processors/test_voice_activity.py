import time
from collections.abc import Iterable

import numpy as np
import pytest

from processors.voice_activity import (
    FLOOR_LOWEST_DB,
    SILENCE_DB,
    START_AFTER_S,
    STOP_AFTER_S,
    TRANSITIONS,
    Sound,
    Voice,
    VoiceActivity,
    level_db,
)
from tests.processors.sounds import Pcm, noise, silence, spoken, tone

RATE = 16_000
BLOCK = 320
ROOM_DB = -62.0


def changes(activity: VoiceActivity, sound: Pcm, block: int = BLOCK) -> list[tuple[float, bool]]:
    """When speech began and ended, in seconds at the end of the stretch that told."""
    said = []
    for start in range(0, sound.size, block):
        change = activity.push(sound[start : start + block])
        if change is not None:
            said.append(((start + block) / RATE, change))
    return said


def joined(*sounds: Pcm) -> Pcm:
    return np.concatenate(sounds)


@pytest.fixture
def activity() -> VoiceActivity:
    """Has listened to a quiet room for a second."""
    quiet = VoiceActivity(RATE)
    assert changes(quiet, noise(1.0, ROOM_DB)) == []
    return quiet


def test_a_sentence_begins_once_and_ends_once(activity: VoiceActivity) -> None:
    sentence = spoken("change the wall to blue")
    said = changes(activity, joined(sentence, silence(1.0)))
    (began, first), (ended, second) = said
    assert (first, second) == (True, False)
    assert began < 0.3
    assert sentence.size / RATE - 0.3 < ended < sentence.size / RATE + STOP_AFTER_S + 0.05


def test_two_sentences_with_a_pause_between_are_two(activity: VoiceActivity) -> None:
    one = joined(spoken("change the wall to blue"), noise(0.8, ROOM_DB))
    assert [speaking for _, speaking in changes(activity, joined(one, one))] == [
        True,
        False,
        True,
        False,
    ]


def test_speech_over_a_fan_is_heard(activity: VoiceActivity) -> None:
    sentence = spoken("change the wall to blue").astype(np.int32)
    fan = noise(4.0, -45.0)
    assert changes(activity, fan[: 3 * RATE]) == []
    mixed = np.clip(sentence + np.resize(fan, sentence.size), -32768, 32767).astype(np.int16)
    said = changes(activity, joined(mixed, fan))
    assert [speaking for _, speaking in said] == [True, False]


def test_a_quiet_fan_is_never_speech() -> None:
    assert changes(VoiceActivity(RATE), noise(20.0, -42.0)) == []


def test_a_loud_fan_is_taken_for_speech_for_some_seconds_only(activity: VoiceActivity) -> None:
    (began, first), (ended, second) = changes(activity, noise(30.0, -32.0))
    assert (first, second) == (True, False)
    assert ended - began < 5.0


@pytest.mark.parametrize("step_db", [-40.0, -36.0])
def test_after_digital_silence_a_fan_is_known_again_soon(step_db: float) -> None:
    """Packets that do not come are filled with zeros, which say nothing of the room's noise."""
    activity = VoiceActivity(RATE)
    changes(activity, joined(noise(5.0, step_db), silence(30.0)))
    assert not activity.speaking
    said = changes(activity, noise(10.0, step_db))
    assert not activity.speaking
    assert all(at < 4.5 for at, _ in said)


def test_a_step_down_in_noise_makes_nothing(activity: VoiceActivity) -> None:
    changes(activity, noise(10.0, -40.0))
    assert changes(activity, noise(3.0, -60.0)) == []


@pytest.mark.parametrize("packet_ms", [10, 20, 60, 120])
def test_clicks_are_not_speech_however_long_the_packets(
    activity: VoiceActivity, packet_ms: int
) -> None:
    room = noise(2.0, ROOM_DB)
    for at in range(1600, room.size, 4800):
        room[at : at + 80] = 20_000
    assert changes(activity, room, packet_ms * RATE // 1000) == []


def test_speech_begins_when_it_has_lasted(activity: VoiceActivity) -> None:
    loud = tone(START_AFTER_S)
    assert activity.push(loud[:-1]) is None
    assert activity.push(loud[-1:]) is True


def test_speech_ends_when_silence_has_lasted(activity: VoiceActivity) -> None:
    activity.push(tone(1.0))
    assert activity.push(silence(STOP_AFTER_S)[:-1]) is None
    assert activity.speaking
    assert activity.push(silence(STOP_AFTER_S)[-1:]) is False


def test_a_short_pause_within_speech_is_none(activity: VoiceActivity) -> None:
    word = tone(0.3)
    said = changes(activity, joined(word, silence(STOP_AFTER_S - 0.04), word, silence(1.0)))
    assert [speaking for _, speaking in said] == [True, False]


def test_a_long_stretch_is_judged_to_its_end(activity: VoiceActivity) -> None:
    assert activity.push(joined(tone(1.0), silence(1.0))) is None  # began and ended within
    assert not activity.speaking
    assert activity.push(tone(0.5)) is True
    assert activity.push(silence(1.0)) is False


def test_speech_that_never_pauses_becomes_the_room(activity: VoiceActivity) -> None:
    said = changes(activity, tone(20.0, db=-20.0))
    assert [speaking for _, speaking in said] == [True, False]


def test_nothing_changes_nothing(activity: VoiceActivity) -> None:
    level = activity.level
    assert activity.push(silence(0.0)) is None
    assert activity.level == level


def test_the_level_is_that_of_the_last_block(activity: VoiceActivity) -> None:
    activity.push(joined(silence(0.1), noise(0.1, -20.0)))
    assert activity.level == pytest.approx(-20.0, abs=1.0)


@pytest.mark.parametrize(
    ("samples", "level"),
    [
        (np.zeros(0, np.int16), SILENCE_DB),
        (np.zeros(320, np.int16), SILENCE_DB),
        (np.full(320, -32768, np.int16), 0.0),
        (np.full(320, 16384, np.int16), -6.02),
        (np.ones(320, np.int16), -90.3),
    ],
)
def test_levels(samples: Pcm, level: float) -> None:
    assert level_db(samples) == pytest.approx(level, abs=0.01)


def test_every_transition_can_happen() -> None:
    taken: set[tuple[Voice, Voice]] = set()
    activity = VoiceActivity(RATE)
    for block in blocks(tone(0.02), silence(0.02), tone(0.2), silence(0.1), tone(0.1), silence(1)):
        before = activity.voice
        activity.push(block)
        if activity.voice is not before:
            taken.add((before, activity.voice))
    assert taken == {(before, after) for (before, _), after in TRANSITIONS.items()}
    assert {sound for _, sound in TRANSITIONS} == set(Sound)


def blocks(*sounds: Pcm) -> Iterable[Pcm]:
    sound = joined(*sounds)
    return (sound[start : start + BLOCK] for start in range(0, sound.size, BLOCK))


def test_the_floor_never_decides_less_than_the_lowest_speech(activity: VoiceActivity) -> None:
    """Else a quiet second would cost many of noise taken for speech."""
    assert FLOOR_LOWEST_DB == -57.0
    changes(activity, silence(60.0))
    said = changes(activity, noise(6.0, -46.0))
    assert said == []


def test_it_costs_next_to_nothing() -> None:
    """20 µs a block were asked; the test allows a slow and busy machine ten times that."""
    activity, sound = VoiceActivity(RATE), noise(20.0, -30.0)
    began = time.process_time()
    changes(activity, sound)
    assert (time.process_time() - began) / (sound.size / BLOCK) < 200e-6
