"""When to ask, what to collect, when to give up: packets and time in, feedback out."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transports.rtp_streams import KEY_HEADER, video, vp8_payloads
from tests.transports.simulated_camera import Camera, Network, Outcome, Simulation
from transports.feedback import Feedback, RequestKey, RequestPackets
from transports.key_requests import (
    FIRST_LATENCY_S,
    LATENCY_LIMIT_S,
    PLI_BACK_OFF_S,
    PLI_IGNORED_S,
    PLI_REPEAT_S,
    PLIS_BEFORE_BACK_OFF,
)
from transports.packet_requests import GAP_LIMIT_S, NACK_AFTER_S, NACK_REPEAT_S
from transports.picture_assembly import MAX_PICTURE_BYTES
from transports.picture_sampler import (
    COLLECT_LIMIT_S,
    FEW_LIMIT_S,
    KEY_AWAITED_S,
    MOST_IN_RUN,
    NACK_MOST,
    STALL_LIMIT_S,
    STREAM_PAUSED_S,
    EncodedPicture,
    PictureSampler,
)
from transports.rtp_arrival import RtpArrival
from transports.sampler_state import SamplerState
from transports.video_mode import DELTAS_AFTER_POOR, ModeChoice, VideoMode

FRAME = 3000  # of the 90 kHz clock: 30 fps

RESTING, WANTED, COLLECTING, FOLLOWING = SamplerState


def key(number: int, packets: int = 4) -> list[RtpArrival]:
    """A key picture; picture `number` owns the sequence numbers from 65,530 + 100 * number."""
    return video(vp8_payloads(packets, key=True), 65_530 + 100 * number, FRAME * number)


def delta(number: int, packets: int = 1) -> list[RtpArrival]:
    return video(vp8_payloads(packets, key=False), 65_530 + 100 * number, FRAME * number)


def push(
    sampler: PictureSampler, packets: list[RtpArrival], now: float
) -> list[EncodedPicture | None]:
    return [sampler.push(packet, now) for packet in packets]


def sampling(interval_s: float = 1.0) -> PictureSampler:
    """A sampler that knows its stream to be fast."""
    return PictureSampler(interval_s, choice=ModeChoice(VideoMode.KEYS))


def wanting(now: float = 0.0) -> PictureSampler:
    """A sampler that has seen a stream begin, and has asked for its first key picture."""
    sampler = sampling()
    push(sampler, delta(0), now)
    assert sampler.tick(now) == [RequestKey()]
    return sampler


def collecting(now: float = 0.0, packets: int = 4) -> PictureSampler:
    """A sampler that has the first packet of `key(1, packets)`."""
    sampler = wanting(now)
    push(sampler, key(1, packets)[:1], now)
    assert sampler.state is COLLECTING
    return sampler


# ---- one picture ----------------------------------------------------------------------------


def test_a_stream_that_begins_with_a_key_picture_needs_no_request() -> None:
    sampler = sampling()
    packets = key(0, 3)
    *rest, picture = push(sampler, packets, 5.0)
    assert rest == [None, None]
    assert picture == EncodedPicture("VP8", (b"".join(p.payload[1:] for p in packets),), 5.0)
    assert sampler.state is RESTING
    assert sampler.tick(5.0) == []
    assert sampler.counters.key_requests == 0


def test_before_a_stream_begins_nothing_is_asked() -> None:
    sampler = sampling()
    assert sampler.tick(1.0) == [] and sampler.deadline(1.0) is None


def test_joining_in_the_middle_asks_at_once_and_takes_the_key_picture_only() -> None:
    sampler = wanting()
    assert push(sampler, delta(1, 3), 0.03) == [None] * 3
    assert sampler.state is WANTED
    assert push(sampler, key(2), 0.06)[-1] is not None
    assert push(sampler, delta(3), 0.09) == [None]
    assert (sampler.counters.pictures, sampler.counters.packets) == (1, 9)


def test_packets_of_other_pictures_do_not_mix_in() -> None:
    sampler = wanting()
    first, second, last = key(2, 3)
    assert push(sampler, [first, *delta(1, 2), second, *delta(3, 2), last], 0.1)[-1] is not None


def test_while_resting_payloads_are_not_even_read() -> None:
    sampler = sampling()
    push(sampler, key(0), 0.0)
    garbage = RtpArrival("video", "VP8", 7, 1, 1, True, b"\xff")
    assert sampler.push(garbage, 0.1) is None
    assert sampler.counters.refused == 0


@pytest.mark.parametrize("codec", ["VP8", "H264", "AV1"])
def test_garbage_is_counted_and_dropped(codec: str) -> None:
    sampler = wanting()
    assert sampler.push(RtpArrival("video", codec, 7, 1, 1, True, b"\xff"), 0.1) is None
    assert sampler.counters.refused == 1 and sampler.state is WANTED


# ---- when it asks ---------------------------------------------------------------------------


def test_it_asks_again_the_usual_latency_before_the_next_is_due() -> None:
    sampler = sampling()
    push(sampler, key(0), 10.0)
    due = 11.0 - FIRST_LATENCY_S
    push(sampler, delta(1), due - 0.01)
    assert sampler.deadline(due - 0.01) == pytest.approx(due)
    assert sampler.tick(due - 0.01) == []
    assert sampler.tick(due) == [RequestKey()]


def test_an_unasked_key_picture_is_taken_when_nearly_due_and_not_before() -> None:
    sampler = sampling()
    push(sampler, key(0), 0.0)
    assert push(sampler, key(1), 0.89)[-1] is None
    assert push(sampler, key(2), 0.91)[-1] is not None
    assert sampler.counters.key_requests == 0


def answered_after(sampler: PictureSampler, latency_s: float, count: int) -> list[float]:
    """When each of so many pictures came, that long after it was asked for the first time."""
    number, now, came = 1, 0.0, []
    push(sampler, key(0), now)
    for _ in range(count):
        push(sampler, delta(number), now)
        deadline = sampler.deadline(now)
        assert deadline is not None
        assert sampler.tick(deadline) == [RequestKey()]
        while now < deadline + latency_s:  # the stream goes on, and so do the requests
            now = min(now + 0.1, deadline + latency_s)
            push(sampler, delta(number + 1), now)
            sampler.tick(now)
        assert push(sampler, key(number + 2), now)[-1] is not None
        came.append(now)
        number += 3
    return came


def test_the_latency_is_learnt_so_that_pictures_come_on_the_second() -> None:
    came = answered_after(sampling(), 0.3, 30)
    assert came[0] == pytest.approx(1.0 - FIRST_LATENCY_S + 0.3)
    assert [at - round(at) for at in came[25:]] == pytest.approx([0.0] * 5, abs=0.01)


def test_a_latency_that_includes_a_repeated_request_counts_from_the_first() -> None:
    came = answered_after(sampling(), PLI_REPEAT_S + 0.05, 30)
    assert [at - round(at) for at in came[25:]] == pytest.approx([0.0] * 5, abs=0.01)


def test_what_is_learnt_is_limited() -> None:
    sampler = sampling()
    last = answered_after(sampler, 0.58, 30)[-1]
    assert sampler.deadline(last) == pytest.approx(last + 1.0 - LATENCY_LIMIT_S, abs=0.1)


def test_pictures_stay_on_a_grid() -> None:
    """One that is 0.4 s late does not delay all that follow."""
    sampler = sampling()
    push(sampler, key(0), 0.0)
    push(sampler, delta(1), 0.95)
    assert push(sampler, key(2), 1.4)[-1] is not None
    assert sampler.deadline(1.4) == pytest.approx(2.0 - FIRST_LATENCY_S)


def test_a_very_late_picture_starts_a_new_grid() -> None:
    sampler = sampling()
    push(sampler, key(0), 0.0)
    push(sampler, delta(1), 0.95)
    assert push(sampler, key(2), 1.6)[-1] is not None
    assert sampler.deadline(1.6) == pytest.approx(2.6 - FIRST_LATENCY_S)


def test_requests_are_paced_and_back_off() -> None:
    sampler, asked, now = wanting(), [0.0], 0.0
    while now < 24.0:
        now += 0.01
        push(sampler, delta(int(now * 100)), now)
        if sampler.tick(now):
            asked.append(now)
    early = [i * PLI_REPEAT_S for i in range(PLIS_BEFORE_BACK_OFF)]
    first = early[-1] + PLI_BACK_OFF_S
    assert asked == pytest.approx(
        [*early, first, first + PLI_IGNORED_S, first + 2 * PLI_IGNORED_S], abs=0.06
    )
    assert sampler.counters.unanswered == 1
    assert sampler.counters.key_requests == len(asked)


def test_the_deadline_is_when_tick_has_something_to_do() -> None:
    sampler, now = wanting(), 0.0
    for number in range(6):
        deadline = sampler.deadline(now)
        assert deadline is not None
        while now < deadline - 0.3:  # the stream goes on meanwhile
            now += 0.2
            push(sampler, delta(number + 2), now)
        assert sampler.tick(deadline - 1e-6) == []
        assert sampler.tick(deadline) == [RequestKey()]
        now = deadline


# ---- what it asks for within a picture ------------------------------------------------------


def test_a_gap_is_asked_for_after_a_moment_and_again() -> None:
    sampler = collecting()
    _, second, third, last = key(1)
    push(sampler, [third], 0.01)
    assert sampler.deadline(0.01) == pytest.approx(0.01 + NACK_AFTER_S)
    at = 0.01 + NACK_AFTER_S
    assert sampler.tick(at - 0.001) == []
    wanted = [RequestPackets((second.sequence,))]
    assert sampler.tick(at) == wanted
    assert sampler.tick(at + NACK_REPEAT_S - 0.001) == []
    assert sampler.tick(at + NACK_REPEAT_S) == wanted
    assert sampler.counters.packet_requests == 2
    push(sampler, [last], 0.14)
    picture = sampler.push(second, 0.15)
    assert picture is not None
    assert picture.parts == (b"".join(p.payload[1:] for p in key(1)),)


def test_the_lost_end_is_asked_for_when_the_next_picture_shows_it() -> None:
    sampler = collecting()
    _, second, third, last = key(1)
    push(sampler, [second, third], 0.01)
    assert sampler.tick(0.05) == []
    after = video(vp8_payloads(1, key=False), last.sequence + 1, last.timestamp + FRAME)
    push(sampler, after, 0.06)
    assert sampler.tick(0.06 + NACK_AFTER_S) == [RequestPackets((last.sequence,))]
    assert sampler.push(last, 0.1) is not None


def test_gaps_in_pictures_that_nobody_wants_are_left_alone() -> None:
    sampler = wanting()
    first, _, third = delta(1, 3)
    push(sampler, [first, third], 0.03)
    assert sampler.tick(0.1) == []
    push(sampler, key(2), 0.2)
    first, _, third = delta(3, 3)
    push(sampler, [first, third], 0.23)
    assert sampler.tick(0.4) == []
    assert sampler.counters.packet_requests == 0


def test_one_request_names_a_bounded_number_of_packets() -> None:
    sampler = collecting(packets=200)
    push(sampler, key(1, 200)[199:], 0.01)
    (request,) = sampler.tick(0.05)
    assert isinstance(request, RequestPackets)
    assert len(request.sequences) == NACK_MOST
    assert request.sequences[0] == key(1, 200)[1].sequence


# ---- when it gives a picture up -------------------------------------------------------------


def test_a_picture_that_stalls_is_torn_and_another_asked_for_at_once() -> None:
    sampler = collecting()
    push(sampler, key(1)[2:3], 0.1)
    push(sampler, delta(2), 0.3)
    late = 0.1 + STALL_LIMIT_S
    assert RequestKey() not in sampler.tick(late - 0.001)
    assert sampler.tick(late) == [RequestKey()]
    assert sampler.state is WANTED and sampler.counters.torn == 1


def test_a_picture_that_dribbles_is_torn_in_the_end() -> None:
    sampler, now = collecting(packets=100), 0.0
    for packet in key(1, 100)[1:]:
        now += 0.1
        sampler.push(packet, now)
        if sampler.state is not COLLECTING:
            break
    assert now == pytest.approx(COLLECT_LIMIT_S, abs=0.11)
    assert sampler.counters.torn == 1


def test_a_picture_given_up_while_nobody_ticked_does_not_block_the_next() -> None:
    sampler = collecting()
    assert push(sampler, key(2), 0.7)[-1] is not None
    assert (sampler.counters.torn, sampler.counters.pictures) == (1, 1)


def test_a_picture_too_large_is_torn_and_requests_back_off() -> None:
    sampler, asked = sampling(), []
    huge = vp8_payloads(3, key=True, size=MAX_PICTURE_BYTES // 2)
    for i in range(1000):
        now = i / 100
        assert push(sampler, video(huge, i * 10, i * FRAME), now) == [None] * 3
        asked += [now for item in sampler.tick(now) if item == RequestKey()]
    assert sampler.counters.pictures == 0
    assert len(asked) <= PLIS_BEFORE_BACK_OFF + 10 / PLI_BACK_OFF_S


def test_after_a_tear_requests_keep_their_distance() -> None:
    sampler = wanting()
    huge = vp8_payloads(3, key=True, size=MAX_PICTURE_BYTES // 2)
    push(sampler, video(huge, 10, FRAME), 0.1)
    assert sampler.counters.torn == 1
    assert sampler.tick(0.1) == []
    assert sampler.tick(PLI_REPEAT_S) == [RequestKey()]


# ---- streams that stop, start and change ----------------------------------------------------


@pytest.mark.parametrize("make", [wanting, collecting], ids=["wanted", "collecting"])
def test_a_stream_that_stopped_is_asked_nothing(make: Callable[[], PictureSampler]) -> None:
    sampler = make()
    assert sampler.tick(STREAM_PAUSED_S + 0.001) == []
    assert sampler.deadline(STREAM_PAUSED_S + 0.001) is None
    assert sampler.paused(STREAM_PAUSED_S + 0.001) and not sampler.paused(STREAM_PAUSED_S)


def test_a_stream_that_resumes_gets_asked_at_once() -> None:
    sampler = sampling(10.0)
    push(sampler, key(0), 0.0)
    push(sampler, delta(1), 3.0)
    assert sampler.tick(3.0) == [RequestKey()]


def test_a_resumed_stream_is_not_made_to_pay_for_requests_before() -> None:
    sampler = wanting()
    for i in range(1, 6):
        push(sampler, delta(i), i / 2)
        sampler.tick(i / 2)
    push(sampler, delta(9), 6.0)
    assert sampler.tick(6.0) == [RequestKey()]
    push(sampler, delta(10), 6.0 + PLI_REPEAT_S)
    assert sampler.tick(6.0 + PLI_REPEAT_S) == [RequestKey()]


def test_a_picture_in_hand_is_dropped_when_the_stream_resumes() -> None:
    sampler = collecting()
    assert push(sampler, key(1)[1:], 5.0) == [None] * 3
    assert sampler.counters.torn == 1
    assert sampler.tick(5.0) == [RequestKey()]


def test_another_stream_starts_over_but_does_not_ask_more_often() -> None:
    sampler = collecting()
    sampler.restart(0.1)
    assert sampler.state is WANTED
    assert push(sampler, key(1)[1:], 0.1) == [None] * 3
    assert sampler.tick(0.1) == []
    assert sampler.tick(PLI_REPEAT_S) == [RequestKey()]


def test_restarting_at_rest_wants_a_picture_of_the_new_stream() -> None:
    sampler = sampling()
    push(sampler, key(0), 0.0)
    sampler.restart(0.2)
    assert push(sampler, key(1), 0.2)[-1] is not None


def test_packets_that_nobody_read_are_counted_and_keep_the_stream_alive() -> None:
    sampler = sampling()
    assert sampler.wants_packet(0.0)
    assert sampler.rests_until() == float("-inf")
    push(sampler, key(0), 0.0)
    assert not sampler.wants_packet(0.1)
    assert sampler.rests_until() == pytest.approx(1.0 - FIRST_LATENCY_S)
    sampler.skipped(20, 0.8)
    sampler.skipped(1, 0.5)
    assert sampler.counters.packets == 26
    assert not sampler.paused(0.8 + STREAM_PAUSED_S)
    assert sampler.wants_packet(0.95)


# ---- pictures that build on others ----------------------------------------------------------


def poor_key(number: int) -> list[RtpArrival]:
    """A key picture of so few bits for its size that the next few make it a better one."""
    head = b"\x10" + KEY_HEADER[:6] + b"\x80\x02\xe0\x01"  # 640×480
    return video([head + bytes(20)], 65_530 + 100 * number, FRAME * number)


def after(number: int, place: int) -> list[RtpArrival]:
    """The pictures that follow `poor_key(number)`."""
    at, timestamp = 65_530 + 100 * number + place, FRAME * (number + place)
    return video(vp8_payloads(1, key=False), at, timestamp)


def test_a_poor_key_picture_goes_with_the_next_few() -> None:
    sampler = wanting()
    assert push(sampler, poor_key(1), 0.1) == [None]
    few = range(1, 1 + DELTAS_AFTER_POOR)
    *before, picture = [push(sampler, after(1, n), 0.1 + n / 30)[0] for n in few]
    assert before == [None] * (DELTAS_AFTER_POOR - 1)
    assert picture is not None and len(picture.parts) == 1 + DELTAS_AFTER_POOR
    assert picture.alone
    assert not picture.followed and sampler.state is RESTING


def test_when_the_next_few_do_not_come_it_goes_with_those_that_did() -> None:
    sampler = wanting()
    push(sampler, poor_key(1), 0.1)
    push(sampler, after(1, 2), 0.2)
    assert sampler.tick(0.2 + NACK_AFTER_S) == [RequestPackets((after(1, 1)[0].sequence,))]
    deadline = sampler.deadline(0.34)
    assert deadline is not None and deadline == pytest.approx(0.1 + FEW_LIMIT_S)
    assert sampler.take(deadline - 0.001) is None
    picture = sampler.take(deadline)
    assert picture is not None and len(picture.parts) == 1
    assert sampler.state is RESTING and sampler.counters.torn == 0


def test_a_stream_is_followed_until_it_is_known_to_be_fast_and_answers() -> None:
    sampler = PictureSampler(1.0)
    first = sampler.push(poor_key(0)[0], 0.0)
    assert first is not None and first.followed and sampler.state is FOLLOWING
    for place in range(1, 28):
        assert push(sampler, after(0, place), place / 30) == [None]
    assert sampler.choice.mode is VideoMode.KEYS
    assert sampler.deadline(0.9) == pytest.approx(1.0 + KEY_AWAITED_S, abs=0.5)
    assert sampler.tick(0.91) == [RequestKey()]
    (key_alone,) = push(sampler, video(vp8_payloads(1, key=True), 65_558, 28 * FRAME), 0.95)
    assert key_alone is not None and key_alone.alone and not key_alone.followed
    assert sampler.state is RESTING and sampler.counters.followed == 27


def test_more_pictures_at_once_than_a_camera_sends_are_given_up() -> None:
    sampler = PictureSampler(1.0)
    push(sampler, poor_key(0), 0.0)
    for place in range(1, MOST_IN_RUN + 2):
        assert sampler.state is FOLLOWING
        push(sampler, after(0, place), 0.5)
    assert sampler.state is WANTED and sampler.counters.torn == 1


def test_a_followed_stream_that_paused_is_not_asked_and_one_that_is_lost_is() -> None:
    sampler = PictureSampler(1.0)
    push(sampler, poor_key(0), 0.0)
    push(sampler, after(0, 1), 0.1)
    assert sampler.deadline(0.1) == 1.0
    assert sampler.take(1.0) is not None
    assert sampler.deadline(1.0) is None
    assert push(sampler, after(0, 2), 5.0)[0] is not None
    push(sampler, after(0, 5), 5.1)
    assert sampler.deadline(5.1) == pytest.approx(5.1 + NACK_AFTER_S)
    sampler.lost()
    assert sampler.tick(5.2) == [RequestKey()]


def test_a_gap_that_stays_ends_the_following() -> None:
    sampler = PictureSampler(1.0)
    push(sampler, poor_key(0), 0.0)
    push(sampler, after(0, 2), 0.1)
    push(sampler, after(0, 3), 0.6)
    assert sampler.tick(0.1 + GAP_LIMIT_S) == [RequestKey()]
    assert sampler.state is WANTED


def test_a_picture_in_hand_is_shown_although_its_stream_has_paused() -> None:
    sampler = PictureSampler(5.0)
    push(sampler, poor_key(0), 0.0)
    push(sampler, after(0, 1), 1.0)
    assert sampler.deadline(4.0) == 5.0


def test_pictures_that_never_decode_are_asked_for_ever_less() -> None:
    sampler, asked, now = PictureSampler(1.0), 0, 0.0
    for number in range(100):
        now += 0.1
        if push(sampler, key(number), now)[-1] is not None:
            sampler.undecodable()
        asked += len(sampler.tick(now))
    assert 3 <= asked <= 3 + 10 / PLI_BACK_OFF_S


def test_a_pause_does_not_bring_the_next_picture_forward() -> None:
    sampler = PictureSampler(5.0)
    push(sampler, poor_key(0), 0.0)
    assert push(sampler, after(0, 1), STREAM_PAUSED_S + 0.5) == [None]
    assert sampler.take(5.0) is not None


def test_what_began_as_a_key_picture_and_is_none_is_torn() -> None:
    sampler = PictureSampler(1.0)
    for number, payload in enumerate((b"\x67\x42", b"\x61\x88")):
        sampler.push(RtpArrival("video", "H264", 7, number, number, True, payload), 0.0)
    assert sampler.state is WANTED and sampler.counters.torn == 1


# ---- ten minutes with a camera --------------------------------------------------------------

MINUTES_10 = 600.0


@pytest.mark.parametrize("fps", [60.0, 30.0, 10.0])
def test_a_clean_network_gives_one_picture_a_second(fps: float) -> None:
    sim = Simulation(Camera(fps=fps), Network())
    outcome = sim.run(MINUTES_10)
    assert 0.985 <= outcome.per_second(0, MINUTES_10) <= 1.0
    assert outcome.gaps[0] > 0.85 and outcome.gaps[-1] < 1.15
    assert sim.sampler.counters.torn == 0
    assert len(outcome.plis) == len(outcome.pictures) - 1  # the first key came unasked
    assert outcome.keys_sent <= len(outcome.pictures) + 1
    assert sim.sampler.counters.followed < 1.2 * fps
    assert_decodable(outcome)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("loss", [0.01, 0.05])
def test_loss_and_jitter_cost_at_most_a_twentieth(seed: int, loss: float) -> None:
    sim = Simulation(Camera(), Network(jitter_s=0.02, loss=loss, seed=seed))
    outcome = sim.run(MINUTES_10)
    assert 0.95 <= outcome.per_second(0, MINUTES_10) <= 1.0
    assert outcome.gaps[round(len(outcome.gaps) * 0.99)] < (1.5 if loss < 0.02 else 2.0)
    assert sim.sampler.counters.torn <= 5  # gaps were filled, not given up
    assert all(b - a >= PLI_REPEAT_S - 1e-9 for a, b in pairwise(outcome.plis))


def test_a_slow_path_with_loss() -> None:
    outcome = Simulation(Camera(), Network(delay_s=0.15, loss=0.02)).run(MINUTES_10)
    assert 0.95 <= outcome.per_second(0, MINUTES_10) <= 1.0


@pytest.mark.parametrize(("fps", "least"), [(5.0, 0.98), (2.0, 0.97), (1.0, 0.89), (0.4, 0.19)])
def test_a_slow_camera_gives_what_it_can(fps: float, least: float) -> None:
    outcome = Simulation(Camera(fps=fps), Network()).run(MINUTES_10)
    assert least <= outcome.per_second(0, MINUTES_10) <= 1.0


def test_a_slow_camera_with_loss() -> None:
    outcome = Simulation(Camera(fps=2.0), Network(jitter_s=0.03, loss=0.02)).run(MINUTES_10)
    assert 0.9 <= outcome.per_second(0, MINUTES_10) <= 1.0


@pytest.mark.parametrize("key_every_s", [10.0, 1e9])
def test_a_camera_that_ignores_requests_is_followed_from_its_first_picture(
    key_every_s: float,
) -> None:
    sim = Simulation(Camera(obeys_pli=False, key_every_s=key_every_s), Network())
    outcome = sim.run(60.0)
    assert 0.97 <= outcome.per_second(0, 60) <= 1.0
    assert sim.sampler.counters.unanswered == 1
    assert len(outcome.plis) <= 5
    assert_decodable(outcome)


def test_a_camera_that_ignores_requests_is_sampled_at_its_own_keys_if_they_come_often() -> None:
    sim = Simulation(Camera(obeys_pli=False, key_every_s=2.0), Network())
    outcome = sim.run(60.0)
    assert 0.48 <= outcome.per_second(0, 60)
    assert sim.sampler.counters.unanswered >= 1
    assert sim.sampler.counters.followed < 60 * 30 / 4
    assert len(outcome.plis) < 60  # some are tried again and again
    assert_decodable(outcome)


def assert_decodable(outcome: Outcome) -> None:
    """What builds on others comes only where the decoder was to be kept."""
    kept = False
    for picture in outcome.handed_on:
        assert picture.alone or kept
        kept = picture.followed


def test_a_camera_of_key_pictures_only_is_never_asked_more_than_once_a_picture() -> None:
    outcome = Simulation(Camera(key_every_s=0.0), Network(loss=0.02)).run(60.0)
    assert 0.95 <= outcome.per_second(0, 60.0) <= 1.0
    assert len(outcome.plis) <= len(outcome.pictures) + 1


def test_a_camera_that_stops_and_resumes() -> None:
    outcome = Simulation(Camera(off=(100.0, 200.0)), Network(loss=0.01)).run(300.0)
    assert 0.97 <= outcome.per_second(0, 100) <= 1.0
    assert 0.97 <= outcome.per_second(200, 300) <= 1.0
    assert not [at for at in outcome.plis if 100 + STREAM_PAUSED_S < at < 200]
    assert min(at for at in outcome.pictures if at > 150) < 200.3


# ---- anything -------------------------------------------------------------------------------

ARRIVAL = st.builds(
    RtpArrival,
    st.just("video"),
    st.sampled_from(["VP8", "H264"]),
    st.just(7),
    st.one_of(st.integers(0, 40), st.integers(0, 65_535)),
    st.one_of(st.sampled_from([0, FRAME, 2 * FRAME]), st.integers(0, 2**32 - 1)),
    st.booleans(),
    st.one_of(
        st.sampled_from([b"\x10\x00a", b"\x10\x01b", b"\x00c", b"\x67s", b"\x65i"]),
        st.binary(max_size=6),
    ),
)


@settings(deadline=None)
@given(st.lists(st.tuples(ARRIVAL, st.floats(0, 0.7)), max_size=80))
def test_no_packets_break_it_or_make_it_ask_too_often(
    story: list[tuple[RtpArrival, float]],
) -> None:
    sampler, now, keys, nacks = sampling(), 0.0, 0, 0
    for arrival, pause in story:
        now += pause
        sampler.push(arrival, now)
        sampler.take(now)
        feedback: list[Feedback] = sampler.tick(now)
        keys += feedback.count(RequestKey())
        nacks += sum(isinstance(item, RequestPackets) for item in feedback)
        deadline = sampler.deadline(now)
        assert deadline is None or deadline > now or sampler.state is RESTING
    assert keys <= 1 + now / PLI_REPEAT_S
    assert nacks <= 1 + now / NACK_AFTER_S
