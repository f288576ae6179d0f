"""How much of a stream is taken: by its rate, its key pictures, and whether it listens."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.video_mode import (
    ARRIVALS,
    DELTAS_AFTER_FAIR,
    DELTAS_AFTER_POOR,
    FAST_FROM_FPS,
    OWN_KEYS_WITHIN_S,
    RATE_PICTURES,
    SLOW_BELOW_FPS,
    TRANSITIONS,
    WINDOW_S,
    IllegalModeChange,
    ModeChoice,
    VideoMode,
    VideoModeEvent,
    deltas_after,
    next_mode,
)

KEYS, ALL = VideoMode

ROWS = {
    (KEYS, VideoModeEvent.SLOW): ALL,
    (KEYS, VideoModeEvent.NO_KEYS): ALL,
    (ALL, VideoModeEvent.FAST): KEYS,
    (ALL, VideoModeEvent.KEYS_COME): KEYS,
}


@pytest.mark.parametrize(("mode", "event"), list(product(VideoMode, VideoModeEvent)))
def test_every_row_of_the_table(mode: VideoMode, event: VideoModeEvent) -> None:
    if (mode, event) in ROWS:
        assert next_mode(mode, event) is ROWS[mode, event]
    else:
        with pytest.raises(IllegalModeChange, match=f"{event.name} in {mode.name}"):
            next_mode(mode, event)


def test_the_table_has_every_mode() -> None:
    assert set(TRANSITIONS) == set(VideoMode)


def read(
    choice: ModeChoice,
    fps: float,
    pictures: int,
    start: int = 2**32 - 50_000,
    at: float = 0.0,
) -> None:
    for number in range(pictures):
        choice.read((start + round(90_000 * number / fps)) % 2**32, at + number / fps)


@pytest.mark.parametrize("fps", [FAST_FROM_FPS, 10.0, 15.0, 30.0, 60.0])
def test_a_fast_stream_is_known_after_a_few_pictures(fps: float) -> None:
    choice = ModeChoice()
    read(choice, fps, RATE_PICTURES)
    assert choice.mode is ALL
    read(choice, fps, RATE_PICTURES + 1)
    assert choice.mode is KEYS


@pytest.mark.parametrize("step", [0, -3000, 45_000])
def test_a_stream_that_stamps_its_pictures_wrongly_is_known_by_their_arrival(step: int) -> None:
    choice = ModeChoice()
    for number in range(ARRIVALS):
        choice.read(step * number % 2**32, number / 30)
    assert choice.mode is ALL
    choice.read(step * ARRIVALS % 2**32, ARRIVALS / 30)
    assert choice.mode is KEYS


def test_slow_pictures_that_come_all_at_once_after_a_stall_are_no_fast_stream() -> None:
    choice = ModeChoice()
    for number in range(ARRIVALS - 1):
        choice.read(45_000 * number, 100.0)
    assert choice.mode is ALL


@pytest.mark.parametrize("fps", [0.2, 1.0, 2.0, 5.0, SLOW_BELOW_FPS, FAST_FROM_FPS - 0.1])
def test_a_slow_stream_stays_followed(fps: float) -> None:
    choice = ModeChoice()
    read(choice, fps, 500)
    assert choice.mode is ALL


def count(choice: ModeChoice, rates: list[float], start: float = 50.0) -> None:
    """A second of each rate."""
    pictures, now = 1.0, start
    choice.counted(1, now)
    for rate in rates:
        pictures, now = pictures + rate, now + 1.0
        choice.counted(round(pictures), now)


@pytest.mark.parametrize(
    ("rates", "mode"),
    [
        ([2.0, 2.0], ALL),
        ([5.0, 5.0], ALL),
        ([6.0, 6.0, 7.0, 7.0], KEYS),
        ([30.0, 2.0, 30.0, 2.0, 30.0], KEYS),
        ([2.0], KEYS),
        ([0.0, 0.0], ALL),
    ],
)
def test_a_stream_that_slows_down_is_followed(rates: list[float], mode: VideoMode) -> None:
    choice = ModeChoice(KEYS)
    count(choice, rates)
    assert choice.mode is mode


def test_a_pause_is_no_frame_rate() -> None:
    choice = ModeChoice(KEYS)
    choice.counted(300, 10.0)
    choice.counted(301, 70.0)
    choice.counted(331, 71.0)
    assert choice.mode is KEYS


def test_looks_that_follow_closely_are_one() -> None:
    choice = ModeChoice(KEYS)
    for number in range(40):
        choice.counted(10 + 10 * number, number / 3)
    assert choice.mode is KEYS
    choice = ModeChoice(KEYS)
    choice.counted(9, 0.0)
    for number in range(1, 100):
        choice.counted(9, number * WINDOW_S / 100)
    assert choice.mode is KEYS


def test_a_sender_without_marker_bits_is_not_thought_slow() -> None:
    choice = ModeChoice(KEYS)
    for second in range(10):
        choice.counted(0, float(second))
    assert choice.mode is KEYS


def test_between_the_limits_nothing_changes_ever() -> None:
    choice = ModeChoice()
    for turn in range(5):
        read(choice, 7.0, 50, at=20.0 * turn)
        count(choice, [7.0] * 5)
        assert choice.mode is ALL
    choice = ModeChoice(KEYS)
    for _ in range(5):
        read(choice, 7.0, 50)
        count(choice, [7.0] * 5)
        assert choice.mode is KEYS


def test_a_sender_that_ignores_requests_is_followed_however_fast() -> None:
    choice = ModeChoice(KEYS)
    choice.asked_in_vain()
    assert choice.mode is ALL and choice.ignores_requests
    read(choice, 30.0, 100)
    assert choice.mode is ALL
    choice.asked_in_vain()
    assert choice.mode is ALL


def test_unless_its_own_key_pictures_come_often() -> None:
    choice = ModeChoice(KEYS)
    choice.key_came(0.0)
    choice.asked_in_vain()
    choice.key_came(OWN_KEYS_WITHIN_S + 0.1)
    assert choice.mode is ALL
    choice.key_came(2 * OWN_KEYS_WITHIN_S)
    assert choice.mode is KEYS
    choice.key_came(3 * OWN_KEYS_WITHIN_S)
    assert choice.mode is KEYS
    choice.key_came(4 * OWN_KEYS_WITHIN_S + 0.1)
    assert choice.mode is ALL


def test_key_pictures_of_a_sender_that_answers_change_nothing() -> None:
    for mode in VideoMode:
        choice = ModeChoice(mode)
        for second in range(10):
            choice.key_came(float(second))
            choice.key_came(second * 10.0)
        assert choice.mode is mode


def test_pictures_that_are_read_while_keys_are_taken_change_nothing() -> None:
    choice = ModeChoice(KEYS)
    read(choice, 30.0, 50)
    assert choice.mode is KEYS


@pytest.mark.parametrize(
    ("key_bytes", "pixels", "deltas"),
    [
        (16_272, 640 * 480, DELTAS_AFTER_FAIR),  # libvpx at 1 Mbit/s
        (6_864, 640 * 480, DELTAS_AFTER_POOR),  # 300 kbit/s
        (31_828, 1280 * 720, DELTAS_AFTER_POOR),  # 2 Mbit/s
        (40_000, 640 * 480, 0),
        (5_000, None, DELTAS_AFTER_FAIR),
        (5_000, 0, DELTAS_AFTER_FAIR),
    ],
)
def test_poor_key_pictures_are_mended_by_more(
    key_bytes: int, pixels: int | None, deltas: int
) -> None:
    assert deltas_after(key_bytes, pixels) == deltas


@given(st.integers(0, 10**6), st.integers(1, 10**7))
def test_more_bits_never_ask_for_more_pictures(key_bytes: int, pixels: int) -> None:
    assert deltas_after(key_bytes, pixels) >= deltas_after(key_bytes + 100, pixels)
