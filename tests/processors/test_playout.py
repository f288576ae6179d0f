import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.playout import (
    IN_FLIGHT_S,
    MAX_WAITING_S,
    PACKET_S,
    TIMESTAMP_STEP,
    Heard,
    Pcm,
    Playout,
    RtpClock,
)

RATE = 24_000
PACKET = 480


def ramp(count: int, start: int = 0) -> Pcm:
    return (np.arange(start, start + count) % 30_000).astype(np.int16)


def taken(playout: Playout, *, flush: bool = False) -> list[Pcm]:
    packets = []
    while (packet := playout.take(flush=flush)) is not None:
        packets.append(packet)
    return packets


def test_chunks_of_any_size_become_packets_in_order() -> None:
    playout = Playout(RATE)
    for start, count in ((0, 100), (100, 1000), (1100, 3), (1103, 817)):
        playout.push(ramp(count, start))
    packets = taken(playout)
    assert [packet.size for packet in packets] == [PACKET] * 4
    assert np.array_equal(np.concatenate(packets), ramp(4 * PACKET))
    assert playout.waiting_s == 0.0


def test_a_short_rest_waits_for_more() -> None:
    playout = Playout(RATE)
    playout.push(ramp(PACKET - 1))
    assert playout.take(flush=False) is None
    assert playout.waiting_s == pytest.approx(PACKET_S, abs=1e-4)
    playout.push(ramp(1, PACKET - 1))
    (packet,) = taken(playout)
    assert np.array_equal(packet, ramp(PACKET))


def test_at_the_end_a_short_rest_is_padded() -> None:
    playout = Playout(RATE)
    playout.push(ramp(PACKET + 100, 1))
    packets = taken(playout, flush=True)
    assert np.array_equal(packets[1], np.r_[ramp(100, PACKET + 1), np.zeros(380, np.int16)])
    assert playout.heard.played_s == (PACKET + 100) / RATE
    assert playout.take(flush=True) is None


def test_heard_is_what_was_taken_less_what_is_on_its_way() -> None:
    playout = Playout(RATE)
    playout.push(ramp(RATE))
    for _ in range(10):
        playout.take(flush=False)
    assert playout.heard == Heard(received_s=1.0, played_s=0.2)
    assert playout.heard.heard_s == pytest.approx(0.2 - IN_FLIGHT_S)


def test_nothing_is_heard_while_the_first_packets_are_on_their_way() -> None:
    playout = Playout(RATE)
    playout.push(ramp(RATE))
    playout.take(flush=False)
    assert playout.heard.heard_s == 0.0


def test_a_cut_forgets_what_waits_and_tells_what_was_heard() -> None:
    playout = Playout(RATE)
    playout.push(ramp(RATE))
    for _ in range(25):
        playout.take(flush=False)
    assert playout.cut() == Heard(received_s=1.0, played_s=0.5)
    assert playout.waiting_s == 0.0
    assert not playout.waiting
    assert playout.take(flush=True) is None
    playout.push(ramp(PACKET, 7))
    (packet,) = taken(playout)
    assert np.array_equal(packet, ramp(PACKET, 7)), "nothing of the old answer comes back"


def test_each_answer_counts_from_zero() -> None:
    playout = Playout(RATE)
    playout.push(ramp(RATE))
    taken(playout)
    playout.begin()
    assert playout.heard == Heard(0.0, 0.0)
    playout.push(ramp(RATE // 2))
    playout.take(flush=False)
    assert playout.heard == Heard(0.5, PACKET_S)


def test_the_rest_of_the_answer_before_is_played_first_and_counts_for_it() -> None:
    playout = Playout(RATE)
    playout.push(ramp(PACKET + PACKET // 2))
    playout.begin()
    playout.push(ramp(RATE))
    playout.take(flush=False)
    assert playout.heard == Heard(1.0, 0.0)
    playout.take(flush=False)  # half of the one, half of the other
    assert playout.heard == Heard(1.0, PACKET_S / 2)
    playout.take(flush=False)
    assert playout.heard == Heard(1.0, PACKET_S * 1.5)


def test_a_cut_forgets_the_rest_of_the_answer_before_too() -> None:
    playout = Playout(RATE)
    playout.push(ramp(RATE))
    playout.begin()
    playout.cut()
    playout.push(ramp(PACKET))
    playout.take(flush=False)
    assert playout.heard == Heard(PACKET_S, PACKET_S)


def test_what_no_one_could_wait_for_is_dropped_and_counted() -> None:
    playout = Playout(RATE)
    minute = np.zeros(60 * RATE, np.int16)
    for _ in range(11):
        playout.push(minute)
    assert playout.waiting_s == MAX_WAITING_S
    assert playout.dropped_samples == minute.size
    assert playout.heard.received_s == MAX_WAITING_S
    playout.take(flush=False)
    playout.push(minute)
    assert playout.dropped_samples == 2 * minute.size - PACKET


def test_nothing_is_no_part() -> None:
    playout = Playout(RATE)
    playout.push(ramp(0))
    assert playout.take(flush=True) is None


@given(st.lists(st.tuples(st.integers(0, 2000), st.booleans()), max_size=50))
def test_every_sample_leaves_once_and_in_order(steps: list[tuple[int, bool]]) -> None:
    playout, pushed, out = Playout(RATE), 0, []
    for count, takes in steps:
        playout.push(ramp(count, pushed))
        pushed += count
        if takes and (packet := playout.take(flush=False)) is not None:
            out.append(packet)
        assert playout.heard.received_s == pushed / RATE
        assert playout.heard.played_s == pytest.approx(len(out) * PACKET_S)
    out += taken(playout, flush=True)
    played = np.concatenate([*out, ramp(0)])
    assert np.array_equal(played[:pushed], ramp(pushed))
    assert not played[pushed:].any()


def test_timestamps_count_packets_while_speech_lasts() -> None:
    clock = RtpClock()
    late = [1000.0, 1000.02, 1000.09, 1000.095, 1000.1]  # the beat was late and caught up
    stamps = [clock.next(now, after_pause=n == 0) for n, now in enumerate(late)]
    assert stamps == [n * TIMESTAMP_STEP for n in range(5)]


def test_timestamps_follow_the_clock_over_pauses() -> None:
    clock = RtpClock()
    assert clock.next(5.0, after_pause=True) == 0
    assert clock.next(7.0, after_pause=True) == 100 * TIMESTAMP_STEP
    assert clock.next(7.02, after_pause=False) == 101 * TIMESTAMP_STEP


def test_timestamps_are_of_the_nearest_beat() -> None:
    clock = RtpClock()
    clock.next(5.0, after_pause=True)
    assert clock.next(5.3999, after_pause=True) == 20 * TIMESTAMP_STEP
    assert clock.next(5.8001, after_pause=True) == 40 * TIMESTAMP_STEP


def test_timestamps_never_go_back() -> None:
    clock = RtpClock()
    stamps = [clock.next(5.0, after_pause=n % 3 == 0) for n in range(10)]
    assert stamps == [n * TIMESTAMP_STEP for n in range(10)]
