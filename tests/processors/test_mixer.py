import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processors.mixer import FRAME_SAMPLES, MAX_SKEW_FRAMES, Mixer, Pcm

PACKET = FRAME_SAMPLES // 2


def level(value: int, count: int = FRAME_SAMPLES) -> Pcm:
    return np.full(count, value, np.int16)


def test_a_lone_speaker_passes_untouched_and_waits_for_nobody() -> None:
    mixer = Mixer()
    speech = np.random.default_rng(1).integers(-32768, 32768, 5 * PACKET).astype(np.int16)
    frames = [
        frame
        for start in range(0, speech.size, PACKET)
        for frame in mixer.push("a", speech[start : start + PACKET])
    ]
    assert [frame.size for frame in frames] == [FRAME_SAMPLES, FRAME_SAMPLES]
    assert np.array_equal(np.concatenate(frames), speech[: 2 * FRAME_SAMPLES])
    assert mixer.waiting_samples == PACKET
    assert mixer.padded_frames == 0


def test_a_long_stretch_leaves_as_many_frames() -> None:
    assert len(Mixer().push("a", level(1, 16_000))) == 25


def test_two_speakers_are_summed() -> None:
    mixer = Mixer()
    assert mixer.push("a", level(1000)) != []  # alone until now
    assert mixer.push("b", level(0, PACKET)) == []
    assert mixer.push("a", level(1000)) == []
    (frame,) = mixer.push("b", level(200, PACKET))
    assert np.array_equal(frame, np.r_[level(1000, PACKET), level(1200, PACKET)])


def test_the_sum_is_clipped_and_not_wrapped() -> None:
    mixer = Mixer()
    mixer.push("a", level(0, PACKET))
    mixer.push("b", level(0, PACKET))
    mixer.push("a", level(30_000, PACKET))
    (frame,) = mixer.push("b", level(30_000, PACKET))
    assert frame.max() == 32767
    mixer.push("a", level(-30_000))
    (frame,) = mixer.push("b", level(-30_000))
    assert frame.min() == -32768


def with_two_speakers() -> Mixer:
    mixer = Mixer()
    mixer.push("b", level(1, PACKET))
    mixer.push("a", level(1, PACKET))
    mixer.push("b", level(1, PACKET))
    mixer.push("a", level(1, PACKET))
    assert mixer.waiting_samples == 0
    return mixer


def test_one_that_stops_delays_the_others_by_the_skew_only() -> None:
    mixer = with_two_speakers()
    sent = 0
    while not (frames := mixer.push("a", level(7, PACKET))):
        sent += PACKET
    assert sent == MAX_SKEW_FRAMES * FRAME_SAMPLES
    assert np.array_equal(frames[0], level(7))
    assert mixer.padded_frames == 1


def test_what_the_late_one_had_is_mixed_in_and_padded() -> None:
    mixer = with_two_speakers()
    mixer.push("b", level(100, PACKET))
    frames = mixer.push("a", level(7, MAX_SKEW_FRAMES * FRAME_SAMPLES + PACKET))
    assert np.array_equal(frames[0], np.r_[level(107, PACKET), level(7, PACKET)])


def test_removing_the_one_that_all_wait_for_lets_the_rest_go() -> None:
    mixer = with_two_speakers()
    mixer.push("b", level(100, PACKET))
    assert mixer.push("a", level(7, FRAME_SAMPLES + PACKET)) == []
    (frame,) = mixer.remove("b")
    assert np.array_equal(frame, level(7))
    assert mixer.push("a", level(7, PACKET)) != []  # alone again


def test_removing_the_last_or_an_unknown_speaker_gives_nothing() -> None:
    mixer = Mixer()
    assert mixer.remove("nobody") == []
    mixer.push("a", level(1, PACKET))
    assert mixer.remove("a") == []
    assert mixer.waiting_samples == 0


def test_a_speaker_without_samples_is_waited_for() -> None:
    mixer = with_two_speakers()
    assert mixer.push("b", level(1, 0)) == []
    assert mixer.push("a", level(7)) == []


def test_the_queue_of_each_speaker_can_be_asked_for() -> None:
    mixer = with_two_speakers()
    mixer.push("a", level(7, PACKET))
    assert (mixer.waiting_of("a"), mixer.waiting_of("b")) == (PACKET, 0)
    assert mixer.waiting_of("nobody") == 0


pushes = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3000)), max_size=60)


@given(pushes)
def test_no_queue_grows_and_no_sample_is_invented(sequence: list[tuple[str, int]]) -> None:
    mixer, pushed, mixed = Mixer(), dict.fromkeys("abc", 0), 0
    for speaker, count in sequence:
        pushed[speaker] += count
        frames = mixer.push(speaker, level(1, count))
        assert all(frame.size == FRAME_SAMPLES for frame in frames)
        mixed += int(sum(frame.sum(dtype=np.int64) for frame in frames))
        assert mixer.waiting_samples <= MAX_SKEW_FRAMES * FRAME_SAMPLES
    left = [frame for speaker in "abc" for frame in mixer.remove(speaker)]
    mixed += int(sum(frame.sum(dtype=np.int64) for frame in left))
    assert mixed <= sum(pushed.values())
    assert mixed >= sum(pushed.values()) - 3 * MAX_SKEW_FRAMES * FRAME_SAMPLES
