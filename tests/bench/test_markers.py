"""Bursts of speech are found again, each by its pitch and at its place."""

import numpy as np
import pytest

from bench.markers import (
    BURST_EVERY,
    CLIP_PACKETS,
    HEARD_HZ,
    LEAD_S,
    LOOK_AHEAD_S,
    PACKET_S,
    PITCHES,
    BurstFinder,
    Pcm,
    burst_of,
    packet_place,
    speech_packets,
    speech_sound,
)
from processors.opus import OpusDecoder


def heard() -> Pcm:
    """The clip twice, as the endpoint gets it when nothing is lost.

    Its very first burst has no quiet before it and is not found.
    """
    decoder = OpusDecoder()
    return np.concatenate([np.asarray(decoder.decode(packet)) for packet in 2 * speech_packets()])


def pushed(sound: Pcm, samples: int) -> BurstFinder:
    """In messages of that size; each comes when its last sample was spoken."""
    finder = BurstFinder()
    for start in range(0, sound.size, samples):
        part = sound[start : start + samples]
        finder.push(part, (start + part.size) / HEARD_HZ)
    return finder


@pytest.mark.parametrize("message_ms", [10, 20, 40, 33])
def test_every_burst_is_found_by_name_whatever_the_size_of_the_messages(message_ms: int) -> None:
    finder = pushed(heard(), message_ms * HEARD_HZ // 1000)
    assert [each.burst for each in finder.heard] == (2 * list(range(PITCHES)))[1:]


def test_a_beginning_is_found_in_the_very_packet_that_it_was_sent_in() -> None:
    finder = pushed(heard(), int(PACKET_S * HEARD_HZ))
    places = range(BURST_EVERY, 2 * CLIP_PACKETS, BURST_EVERY)
    sent = [(place + 1) * PACKET_S for place in places]
    assert [each.at for each in finder.heard] == pytest.approx(sent)


def test_a_later_chunk_is_placed_by_its_oldest_sound() -> None:
    finder = pushed(heard(), int(2 * PACKET_S * HEARD_HZ))
    assert len(finder.heard) == 2 * PITCHES - 1
    for each in finder.heard:
        assert len(each.chunks) > 5
        for at, offset in each.chunks:
            oldest = round(at / PACKET_S) - 2  # the first of the two packets of its message
            begun = each.burst * BURST_EVERY
            assert packet_place(offset) == (oldest - begun) % CLIP_PACKETS


def test_places_are_counted_from_where_the_sound_begins_in_its_packet() -> None:
    begins = LEAD_S + LOOK_AHEAD_S
    assert packet_place(0.0) == 0
    assert packet_place(PACKET_S - begins - 0.001) == 0
    assert packet_place(PACKET_S - begins + 0.001) == 1


def test_noise_is_no_burst() -> None:
    noise = np.random.default_rng(5).normal(0, 300, HEARD_HZ * 2).astype(np.int16)
    assert pushed(noise, 320).heard == []


def test_a_burst_that_is_interrupted_for_a_moment_is_one() -> None:
    sound = heard()[HEARD_HZ // 2 : HEARD_HZ * 16 // 10].copy()
    sound[HEARD_HZ * 7 // 10 : HEARD_HZ * 75 // 100] = 0
    assert len(pushed(sound, 320).heard) == 1


def test_the_packets_that_begin_bursts() -> None:
    named = [(index, burst_of(index)) for index in range(2 * CLIP_PACKETS)]
    begun = {index: burst for index, burst in named if burst is not None}
    assert list(begun) == list(range(0, 2 * CLIP_PACKETS, BURST_EVERY))
    assert list(begun.values()) == 2 * list(range(PITCHES))


def test_the_clip_has_as_many_packets_as_it_has_sound() -> None:
    assert len(speech_packets()) == CLIP_PACKETS
    assert speech_sound().size == round(CLIP_PACKETS * PACKET_S * 48_000)
