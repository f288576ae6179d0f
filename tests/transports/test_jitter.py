"""The jitter window: order, loss, silence and jumps, with time as an argument."""

import random
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transports.audio_paths import duration_of, run
from tests.transports.rtp_streams import OPUS_TOC, opus, opus_payload, opus_stream
from transports.jitter import (
    CLOCK_HZ,
    CONCEALED_MOST,
    MAX_SILENCE,
    MIN_SILENCE,
    RESYNC_PACKETS,
    JitterWindow,
    Missing,
    Playable,
    Received,
    Silence,
)
from transports.opus_packet import opus_duration_untrusted
from transports.reorder_wait import LEAST_S, MARGIN, MOST_S, PERIOD_S
from transports.rtp_arrival import RtpArrival

PACKET_S = 0.02


def played(window: JitterWindow, packets: Iterable[RtpArrival]) -> list[Playable]:
    """What comes out when each packet arrives 20 ms after the one before."""
    return [p for i, packet in enumerate(packets) for p in window.push(packet, i * PACKET_S)]


def received(packets: Iterable[RtpArrival]) -> list[Playable]:
    return [Received(packet.payload) for packet in packets]


# ---- in order -------------------------------------------------------------------------------


@pytest.mark.parametrize("duration", sorted(OPUS_TOC))
@pytest.mark.parametrize("start", [0, 65_500])
def test_a_stream_in_order_leaves_as_it_comes(duration: int, start: int) -> None:
    window = JitterWindow()
    packets = opus_stream([duration] * 100, start, 2**32 - 20_000)
    for packet in packets:
        assert window.push(packet, 0.0) == [Received(packet.payload)]
        assert window.deadline is None
    assert window.counters.received == 100
    assert window.counters.lost == window.counters.late == 0


def test_packets_may_change_their_duration() -> None:
    packets = opus_stream([960, 960, 2880, 480, 480, 120, 1920, 960])
    assert played(JitterWindow(), packets) == received(packets)


# ---- reordering and loss --------------------------------------------------------------------


def test_a_reordered_packet_is_put_back_in_its_place() -> None:
    a, b, c, d = opus_stream([960] * 4, 65_534)
    assert played(JitterWindow(), [a, c, b, d]) == received([a, b, c, d])


def test_a_lost_packet_is_given_up_when_the_next_has_waited_a_little() -> None:
    window = JitterWindow()
    a, b, c, d = opus_stream([960] * 4)
    assert played(window, [a, c]) == received([a])
    assert window.deadline == pytest.approx(0.02 + LEAST_S)
    assert window.expire(0.02 + LEAST_S - 0.001) == []
    assert window.expire(0.02 + LEAST_S) == [Missing(c.payload), *received([c])]
    assert window.deadline is None
    assert window.expire(99.0) == []
    assert window.counters.lost == 1
    assert window.push(d, 0.04) == received([d])
    assert window.push(b, 0.2) == []
    assert window.counters.late == 1


def test_a_packet_that_comes_meanwhile_tells_the_time_as_well() -> None:
    window = JitterWindow()
    a, _, c, d = opus_stream([960] * 4)
    assert played(window, [a, c]) == received([a])
    assert window.push(d, 0.04) == [Missing(c.payload), *received([c, d])]


@pytest.mark.parametrize(("duration", "waiting"), [(480, 10), (960, 5), (1920, 3), (2880, 2)])
def test_no_more_than_100_ms_of_sound_wait_however_fast_they_come(
    duration: int, waiting: int
) -> None:
    first, _lost, *rest = opus_stream([duration] * 12)
    window = JitterWindow()
    window.push(first, 0.0)
    held = [window.push(packet, 0.0) for packet in rest[:waiting]]
    assert held[:-1] == [[]] * (waiting - 1)
    assert held[-1] == [Missing(rest[0].payload), *received(rest[:waiting])]


def test_a_packet_behind_a_second_gap_waits_no_longer_than_its_own_time() -> None:
    window = JitterWindow()
    packets = opus_stream([960] * 10)
    window.push(packets[0], 0.0)
    window.push(packets[4], 0.0)  # 1, 2, 3 missing
    window.push(packets[2], 0.005)
    assert window.expire(LEAST_S) == [
        Missing(packets[2].payload),
        *received([packets[2]]),
        Missing(packets[4].payload),
        *received([packets[4]]),
    ]


def test_a_packet_that_fills_one_gap_leaves_the_other_its_time() -> None:
    window = JitterWindow()
    packets = opus_stream([960] * 5)
    window.push(packets[0], 0.0)
    window.push(packets[2], 0.0)
    window.push(packets[4], 0.004)
    assert window.push(packets[1], 0.006) == received(packets[1:3])
    assert window.deadline == pytest.approx(0.004 + LEAST_S)
    assert window.push(packets[3], 0.007) == received(packets[3:])


# ---- how long a gap is waited for -------------------------------------------------------------


def wait_of(window: JitterWindow, at: float) -> float:
    """How long the window waits for a packet that is lost at that time."""
    before = window.push(opus(7_000, 0, ssrc=9), at)
    assert before[-1] == Received(opus(7_000, 0, ssrc=9).payload)
    window.push(opus(7_002, 1_920, ssrc=9), at)
    assert window.deadline is not None
    wait = window.deadline - at
    window.expire(window.deadline)
    window.push(opus(0, 0), at)
    return wait


def test_a_packet_that_comes_after_it_was_given_up_makes_the_next_gap_wait_longer() -> None:
    window = JitterWindow()
    packets = opus_stream([960] * 12)
    window.push(packets[0], 0.0)
    window.push(packets[3], 0.04)
    assert Missing(packets[3].payload) in window.expire(0.04 + LEAST_S)
    assert window.push(packets[2], 0.08) == []  # 40 ms after it was overtaken
    window.push(packets[4], 0.09)
    window.push(packets[6], 0.1)
    assert window.deadline == pytest.approx(0.1 + MARGIN * 0.04)
    assert window.push(packets[5], 0.14) == received(packets[5:7])
    assert window.counters.lost == 2


def test_a_packet_that_comes_in_time_keeps_the_wait_long_enough() -> None:
    window = JitterWindow()
    packets = opus_stream([960] * 6)
    window.push(packets[0], 0.0)
    window.push(packets[2], 0.0)
    window.push(packets[1], 0.009)  # shorter than the least
    assert wait_of(window, 0.1) == pytest.approx(MARGIN * 0.009)


def test_the_wait_for_a_gap_that_is_open_grows_too() -> None:
    window = JitterWindow()
    packets = opus_stream([960] * 8)
    window.push(packets[0], 0.0)
    window.push(packets[2], 0.0)
    window.expire(LEAST_S)
    window.push(packets[4], 0.03)
    window.push(packets[1], 0.036)
    assert window.deadline == pytest.approx(0.03 + MARGIN * 0.036)


def test_without_reordering_the_wait_is_short_again_after_a_while() -> None:
    window = JitterWindow()
    packets = opus_stream([960] * 3)
    window.push(packets[0], 0.0)
    window.push(packets[2], 0.0)
    window.push(packets[1], 0.06)
    assert wait_of(window, 4.0) == pytest.approx(MARGIN * 0.06)
    assert wait_of(window, 0.06 + 2 * PERIOD_S) == pytest.approx(LEAST_S)


def test_copies_and_what_an_old_path_delivers_do_not_lengthen_the_wait() -> None:
    window = JitterWindow()
    packets = opus_stream([960] * 4)
    played(window, packets)
    played(window, packets)
    window.push(opus(5, 4_800), 0.1)
    window.expire(0.2)
    window.push(opus(4, 3_840), 0.1 + MOST_S + 0.001)
    assert window.counters.late == 5
    assert wait_of(window, 0.3) == pytest.approx(LEAST_S)


def test_what_was_given_up_is_remembered_for_a_second_only() -> None:
    window = JitterWindow()
    window.push(opus(0, 0), 0.0)
    for number in range(2, 2 * RESYNC_PACKETS + 10, 2):  # every other packet is lost
        window.push(opus(number, number * 960), 0.0)
        window.expire(LEAST_S)
    window.push(opus(1, 960), 0.05)
    assert wait_of(window, 0.1) == pytest.approx(LEAST_S)
    assert window.counters.late == 1


def test_a_copy_is_played_once() -> None:
    window = JitterWindow()
    a, b, c = opus_stream([960] * 3)
    assert played(window, [a, a, c, c, b, b, c]) == received([a, b, c])
    assert (window.counters.late, window.counters.duplicate) == (3, 1)


def test_of_several_lost_packets_the_last_gets_the_fec() -> None:
    packets = opus_stream([960] * 8)
    out = played(JitterWindow(), [packets[0], *packets[4:7]])
    assert out == [
        *received(packets[:1]),
        Missing(None),
        Missing(None),
        Missing(packets[4].payload),
        *received(packets[4:7]),
    ]


def test_a_long_loss_is_silence_in_the_middle() -> None:
    packets = opus_stream([960] * 40)
    out = played(JitterWindow(), [packets[0], *packets[31:34]])
    assert out == [
        *received(packets[:1]),
        *[Missing(None)] * (CONCEALED_MOST - 1),
        Silence((30 - CONCEALED_MOST) * 960),
        Missing(packets[31].payload),
        *received(packets[31:34]),
    ]


def test_a_lost_packet_is_as_long_as_those_before_and_never_longer_than_the_gap() -> None:
    # Two packets of 20 ms are lost after one of 60 ms: one of 60 ms is made up, not two.
    packets = opus_stream([2880, 960, 960, 960, 960, 960])
    out = played(JitterWindow(), [packets[0], *packets[3:]])
    assert out == [
        *received(packets[:1]),
        Missing(packets[3].payload),
        *received(packets[3:]),
    ]


def test_after_a_change_in_the_stream_it_is_as_long_as_those_since() -> None:
    packets = opus_stream([960, 480, 480, 480, 480, 480])
    out = played(JitterWindow(), [*packets[:2], *packets[4:]])
    assert out == [
        *received(packets[:2]),
        Missing(None),
        Missing(packets[4].payload),
        *received(packets[4:]),
    ]


# ---- silence --------------------------------------------------------------------------------


def test_a_timestamp_that_jumps_alone_is_silence() -> None:
    a = opus(65_535, 2**32 - 960)
    b = opus(0, 48_000)
    assert played(JitterWindow(), [a, b]) == [*received([a]), Silence(48_000), *received([b])]


def test_a_long_pause_is_cut() -> None:
    a, b = opus(1, 0), opus(2, 60 * CLOCK_HZ)
    assert played(JitterWindow(), [a, b])[1] == Silence(MAX_SILENCE)


def test_an_unsteady_clock_is_no_silence() -> None:
    packets = [opus(i, i * 960 + wobble) for i, wobble in enumerate([0, 3, -200, 200, -279, 0])]
    assert played(JitterWindow(), packets) == received(packets)


def test_a_timestamp_that_jumps_back_is_followed() -> None:
    packets = [opus(1, 500_000), opus(2, 1_000), opus(3, 1_960)]
    assert played(JitterWindow(), packets) == received(packets)


def test_fec_of_a_packet_lost_after_a_pause_is_played_after_the_pause() -> None:
    before = opus(1, 0)
    lost_at = 960 + 19_200  # 400 ms of suppressed silence
    after = [opus(3 + i, lost_at + 960 * (i + 1)) for i in range(3)]
    assert played(JitterWindow(), [before, *after]) == [
        *received([before]),
        Silence(19_200),
        Missing(after[0].payload),
        *received(after),
    ]


def test_sound_lost_before_a_pause_is_concealed_before_it() -> None:
    before = opus(1, 0)
    after = [opus(4 + i, 60_000 + 960 * i) for i in range(3)]  # 2 and 3 are lost
    assert played(JitterWindow(), [before, *after]) == [
        *received([before]),
        Missing(None),
        Silence(MAX_SILENCE),
        Missing(after[0].payload),
        *received(after),
    ]


# ---- jumps ----------------------------------------------------------------------------------


def test_a_new_ssrc_starts_over_at_once_after_what_was_held() -> None:
    window = JitterWindow()
    old = opus_stream([960] * 3, 100)
    new = [opus(50_000, 7, ssrc=2), opus(50_001, 967, ssrc=2)]
    assert played(window, [old[0], old[2], *new]) == [
        *received(old[:1]),
        Missing(old[2].payload),
        *received([old[2], *new]),
    ]


def test_a_far_packet_is_believed_when_the_next_confirms_it() -> None:
    window = JitterWindow()
    before = opus_stream([960] * 2, 0, 0)
    after = opus_stream([960] * 3, 30_000, 4_000_000_000)
    assert played(window, [*before, *after]) == received([*before, *after])
    assert (window.counters.resyncs, window.counters.strays) == (1, 0)


def test_what_is_held_comes_out_before_a_jump() -> None:
    window = JitterWindow()
    before = opus_stream([960] * 3)
    after = opus_stream([960] * 2, 30_000, 4_000_000_000)
    assert played(window, [before[0], before[2], *after]) == [
        *received(before[:1]),
        Missing(before[2].payload),
        *received([before[2], *after]),
    ]


def test_a_long_outage_is_a_pause() -> None:
    packets = opus_stream([960] * 80)
    out = played(JitterWindow(), [packets[0], *packets[61:63]])
    assert out == [*received(packets[:1]), Silence(MAX_SILENCE), *received(packets[61:63])]


def test_a_jump_of_a_second_is_still_a_loss_and_a_larger_one_is_not() -> None:
    packets = opus_stream([960] * 60)
    window = JitterWindow()
    window.push(packets[0], 0.0)
    window.push(packets[RESYNC_PACKETS + 1], 0.0)
    assert window.deadline is not None
    window = JitterWindow()
    window.push(packets[0], 0.0)
    window.push(packets[RESYNC_PACKETS + 2], 0.0)
    assert window.deadline is None


def test_single_far_packets_are_dropped_and_counted() -> None:
    window = JitterWindow()
    packets = opus_stream([960] * 4)
    strays = [opus(20_000, 2**31), opus(40_000, 2**31), opus(20_001, 2**31)]
    order = [packets[0], strays[0], packets[1], strays[1], strays[2], packets[2], packets[3]]
    assert played(window, order) == received(packets)
    assert window.counters.strays == 3


def test_a_stray_before_a_new_ssrc_is_dropped() -> None:
    window = JitterWindow()
    a, new = opus(0, 0), opus(9, 9, ssrc=2)
    assert played(window, [a, opus(30_000, 5), new]) == received([a, new])
    assert window.counters.strays == 1


def test_what_an_old_path_delivers_a_second_late_is_late_not_a_jump() -> None:
    window = JitterWindow()
    packets = opus_stream([960] * 300)
    assert played(window, [packets[0], *packets[200:202]])[-2:] == received(packets[200:202])
    assert played(window, packets[100:110]) == []
    assert window.counters.late == 10
    assert window.push(packets[202], 0.0) == received([packets[202]])


def test_a_sender_that_starts_again_lower_is_followed() -> None:
    window = JitterWindow()
    played(window, opus_stream([960] * 3, 40_000, 40_000_000))
    again = opus_stream([960] * 3, 5, 3_000_000_000)
    assert played(window, again) == received(again)


# ---- bad input ------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [b"", b"\x03", b"\x0b\x3f"])
def test_what_is_not_opus_is_as_good_as_lost(payload: bytes) -> None:
    window = JitterWindow()
    packets = opus_stream([960] * 5)
    bad = RtpArrival("audio", "opus", 1, 1, 960, False, payload)
    assert played(window, [packets[0], bad, *packets[2:]]) == [
        *received(packets[:1]),
        Missing(packets[2].payload),
        *received(packets[2:]),
    ]
    assert window.counters.refused == 1


# ---- seeded networks ------------------------------------------------------------------------


def shaken(
    packets: list[RtpArrival], rng: random.Random, *, loss: float, copies: float, jitter_s: float
) -> list[tuple[float, RtpArrival]]:
    """(arrival time, packet), in the order of arrival."""
    arrivals = []
    at = 0.0
    for packet in packets:
        at += opus_duration_untrusted(packet.payload) / CLOCK_HZ
        for _ in range(1 + (rng.random() < copies)):
            if rng.random() >= loss:
                arrivals.append((at + rng.random() * jitter_s, packet))
    return sorted(arrivals, key=lambda arrival: arrival[0])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("loss", [0.02, 0.1])
def test_two_minutes_of_a_bad_network_keep_their_length(seed: int, loss: float) -> None:
    packets = opus_stream([960] * 6_000, 60_000, 2**32 - 1_000_000)
    arrivals = shaken(packets, random.Random(seed), loss=loss, copies=0.01, jitter_s=0.03)
    out = run(arrivals)
    sent = (max(_position(p, 60_000) for _, p in arrivals) + 1) * 960
    first = min(_position(p, 60_000) for _, p in arrivals) * 960
    assert abs(duration_of(p for _, p in out) - (sent - first)) <= 2 * 960
    missing = sum(isinstance(p, Missing) for _, p in out)
    assert loss * 0.7 < missing / 6_000 < loss * 1.3
    latest = {packet.payload: at for at, packet in reversed(arrivals)}
    waits = [at - latest[p.payload] for at, p in out if isinstance(p, Received)]
    assert max(waits) <= MOST_S + 1e-9
    assert sum(wait < 0.001 for wait in waits) / len(waits) > 1 - 5 * loss - 0.5 * 0.03 / 0.02


def _position(packet: RtpArrival, start: int) -> int:
    return (packet.sequence - start) % 65_536


def network(
    duration: int, count: int, starts: tuple[int, int], seed: int, shape: tuple[float, float, float]
) -> list[tuple[float, RtpArrival]]:
    loss, copies, jitter_s = shape
    packets = opus_stream([duration] * count, *starts)
    return shaken(packets, random.Random(seed), loss=loss, copies=copies, jitter_s=jitter_s)


NETWORK = st.builds(
    network,
    st.sampled_from(sorted(OPUS_TOC)),
    st.integers(1, 120),
    st.tuples(st.sampled_from([0, 65_500]), st.sampled_from([0, 2**32 - 5_000])),
    st.integers(0, 2**32),
    st.tuples(
        st.sampled_from([0.0, 0.05, 0.4]),
        st.sampled_from([0.0, 0.3]),
        st.sampled_from([0.0, 0.02, 0.3]),
    ),
)


@settings(max_examples=60, deadline=None)
@given(NETWORK)
def test_packets_come_out_at_most_once_in_order_and_in_time(
    arrivals: list[tuple[float, RtpArrival]],
) -> None:
    out = run(arrivals)
    arrived: dict[bytes, tuple[float, RtpArrival]] = {}
    for at, packet in arrivals:
        arrived.setdefault(packet.payload, (at, packet))
    came = [(at, p.payload) for at, p in out if isinstance(p, Received)]
    assert len({payload for _, payload in came}) == len(came)
    positions = [(arrived[payload][1].sequence - 60_000) % 65_536 for _, payload in came]
    assert all(earlier < later for earlier, later in pairwise(positions))
    assert all(at - arrived[payload][0] <= MOST_S + 1e-9 for at, payload in came)
    assert all(earlier <= later for (earlier, _), (later, _) in pairwise(out))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(OPUS_TOC)),
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3), st.integers(0, 20)), max_size=40),
)
def test_the_length_is_the_senders_through_loss_and_silence(
    duration: int, story: list[tuple[int, int, int]]
) -> None:
    """Each chapter: packets that arrive, packets lost, then silence not sent."""
    sequence, timestamp, packets = 65_500, 2**32 - 30_000, []
    for arrive, lost, quiet in [*story, (1, 0, 0)]:
        for _ in range(arrive):
            packets.append(opus(sequence, timestamp, duration))
            sequence, timestamp = sequence + 1, timestamp + duration
        sequence += lost
        told = MIN_SILENCE <= quiet * duration <= MAX_SILENCE
        timestamp += (lost + quiet * told) * duration
    sent = packets[-1].timestamp + duration - (2**32 - 30_000)
    out = run([(i * 0.001, packet) for i, packet in enumerate(packets)])
    assert duration_of(p for _, p in out) == sent % 2**32


@given(
    st.lists(
        st.builds(
            RtpArrival,
            st.just("audio"),
            st.just("opus"),
            st.integers(1, 2),
            st.integers(0, 65_535),
            st.integers(0, 2**32 - 1),
            st.booleans(),
            st.one_of(st.binary(max_size=3), st.just(opus_payload(960))),
        ),
        max_size=60,
    )
)
def test_nothing_a_peer_sends_breaks_it_or_stays_in_it(packets: list[RtpArrival]) -> None:
    window = JitterWindow()
    for i, packet in enumerate(packets):
        window.push(packet, i * 0.005)
    window.expire(1e9)
    assert window.deadline is None
    counters = window.counters
    assert counters.received == len(packets)
