"""Words out of sound: clean, through Opus, with packets lost; and what detectors take it for."""

import random
from collections import Counter

import numpy as np
import pytest

from bench.faults.codec import HEARD_HZ, NUMBERS, SOUND_SAMPLES, WORD_SAMPLES, sound_of, words_in
from bench.faults.listener import EDGE, Listener
from bench.faults.talker import packets_of
from emulator.activity import AutomaticActivity, DetectionConfig, Started
from processors.opus import OpusDecoder, OpusEncoder
from processors.voice_activity import VoiceActivity

SOME = random.Random(3).sample(range(NUMBERS), 200)
OPUS_HZ = 48_000
SPOKEN_HZ = 24_000


@pytest.fixture(scope="module")
def sent() -> list[bytes]:
    """`SOME` as a browser sends them, and one more word that may be cut at the end."""
    return packets_of(sound_of([*SOME, 0], OPUS_HZ))


def numbers_in(sound: np.ndarray) -> list[int]:
    return [word.number for word in words_in(sound)]


def test_every_number_is_heard_where_it_stands() -> None:
    numbers = [*range(0, NUMBERS, 7), NUMBERS - 1]
    words = words_in(sound_of(numbers, HEARD_HZ))
    assert [word.number for word in words] == numbers
    errors = [word.at - place * WORD_SAMPLES for place, word in enumerate(words)]
    assert max(map(abs, errors)) <= HEARD_HZ // 50


@pytest.mark.parametrize("shift", [1, 77, 160, 333, 3999])
def test_words_may_begin_anywhere(shift: int) -> None:
    sound = np.concatenate([np.zeros(shift, np.int16), sound_of(SOME, HEARD_HZ)])
    assert numbers_in(sound) == SOME


def test_what_a_browser_sends_is_heard(sent: list[bytes]) -> None:
    decoder = OpusDecoder(HEARD_HZ)
    sound = np.concatenate([decoder.decode(packet) for packet in sent])
    assert numbers_in(sound)[: len(SOME)] == SOME


@pytest.mark.parametrize("first", [248, 1584, 2296, 2744])
@pytest.mark.parametrize("shift_s", [0.0, 0.01375])
def test_the_halves_of_two_words_are_not_taken_for_one(first: int, shift_s: float) -> None:
    """These were, once Opus had blurred the pause between them."""
    numbers = [*range(first, first + 8)]
    lead, rest = np.zeros(round(shift_s * OPUS_HZ), np.int16), np.zeros(OPUS_HZ // 2, np.int16)
    packets = packets_of(np.concatenate([lead, sound_of(numbers, OPUS_HZ), rest]))
    decoder = OpusDecoder(HEARD_HZ)
    assert numbers_in(np.concatenate([decoder.decode(p) for p in packets])) == numbers


def test_what_the_service_sends_is_heard() -> None:
    encoder, decoder = OpusEncoder(SPOKEN_HZ), OpusDecoder(HEARD_HZ)
    sound = sound_of([*SOME, 0], SPOKEN_HZ)
    size = SPOKEN_HZ // 50
    parts = [encoder.encode(sound[at : at + size]) for at in range(0, sound.size - size, size)]
    heard = numbers_in(np.concatenate([decoder.decode(part) for part in parts]))
    assert heard[: len(SOME)] == SOME


@pytest.mark.parametrize("first_lost", range(0, 29, 4))
def test_a_word_survives_the_loss_of_a_packet(sent: list[bytes], first_lost: int) -> None:
    """One in 29, so that every place in a word is met; at most one word in a hundred goes."""
    decoder = OpusDecoder(HEARD_HZ)
    sound = np.concatenate(
        [
            decoder.conceal() if place % 29 == first_lost else decoder.decode(packet)
            for place, packet in enumerate(sent)
        ]
    )
    heard = Counter(numbers_in(sound))
    assert sum(number not in heard for number in SOME) <= len(SOME) // 100
    assert not [number for number in SOME if heard[number] > 1]


def test_a_word_that_is_cut_is_no_word() -> None:
    sound = sound_of([1, 2, 3], HEARD_HZ)
    cut = WORD_SAMPLES + SOUND_SAMPLES // 2
    assert numbers_in(sound[:cut]) == [1]
    assert numbers_in(sound[cut:]) == [3]
    assert numbers_in(np.concatenate([sound[:cut], sound[cut:]])) == [1, 2, 3]


def test_what_is_said_again_is_heard_again() -> None:
    sound = sound_of([5, 6], HEARD_HZ)
    assert numbers_in(np.concatenate([sound, sound])) == [5, 6, 5, 6]


def test_noise_speech_and_silence_hold_no_words() -> None:
    noise = np.random.default_rng(1).normal(0, 3000, 60 * HEARD_HZ).astype(np.int16)
    tone = (8000 * np.sin(2 * np.pi * 500 * np.arange(60 * HEARD_HZ) / HEARD_HZ)).astype(np.int16)
    for sound in (
        noise,
        tone,
        np.zeros(HEARD_HZ, np.int16),
        np.zeros(5, np.int16),
        sound_of([], 1),
    ):
        assert numbers_in(sound) == []
    assert numbers_in(np.zeros(SOUND_SAMPLES, np.int16)) == []


@pytest.mark.parametrize("number", [-1, NUMBERS])
def test_other_numbers_cannot_be_said(number: int) -> None:
    with pytest.raises(ValueError, match="is not from 0 to"):
        sound_of([number], HEARD_HZ)


def test_detectors_take_it_for_one_utterance() -> None:
    pause = np.zeros(HEARD_HZ, np.int16)
    sound = np.concatenate([pause, sound_of(SOME[:40], HEARD_HZ), pause])
    ours, its = VoiceActivity(HEARD_HZ), AutomaticActivity(DetectionConfig())
    blocks = [sound[at : at + 320] for at in range(0, sound.size, 320)]
    assert [change for block in blocks if (change := ours.push(block)) is not None] == [True, False]
    events = [event for block in blocks for event in its.feed(block.tobytes())]
    assert len(events) == 2
    assert isinstance(events[0], Started)
    assert abs(events[0].offset_s - 1.0) < 0.1


# In a stream


def packets(sound: np.ndarray) -> list[np.ndarray]:
    return [sound[at : at + 320] for at in range(0, sound.size - 319, 320)]


def test_a_listener_tells_when_each_word_came() -> None:
    listener = Listener()
    sound = np.concatenate([sound_of(SOME[:9], HEARD_HZ), np.zeros(2 * EDGE + 4000, np.int16)])
    found = [
        listener.push(packet, place * 320, 10.0 + place * 0.02)
        for place, packet in enumerate(packets(sound))
    ]
    assert any(found)
    assert [word.number for word in listener.heard] == SOME[:9]
    errors = [word.at - 10.0 - 0.25 * place for place, word in enumerate(listener.heard)]
    assert max(map(abs, errors)) <= 0.05


def test_a_hole_is_silence_and_what_follows_it_has_its_own_time() -> None:
    """The first word after a hole came with the packet it is in, not with one before."""
    listener = Listener()
    word = np.concatenate([sound_of([7], HEARD_HZ), np.zeros(EDGE + 4000, np.int16)])
    for place, packet in enumerate(packets(word)):
        listener.push(packet, place * 320, place * 0.02)
    for place, packet in enumerate(packets(word)):
        listener.push(packet, (100 + place) * 320, 50.0 + place * 0.02)
    assert [word.number for word in listener.heard] == [7, 7]
    assert listener.heard[1].at >= 50.0


def test_a_packet_that_comes_too_late_is_not_played() -> None:
    listener = Listener()
    parts = packets(sound_of([7, 8], HEARD_HZ))
    listener.push(parts[0], 0, 0.0)
    listener.push(parts[2], 640, 0.04)
    assert not listener.push(parts[1], 320, 0.05)
