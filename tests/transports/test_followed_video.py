"""Streams of which every picture is taken: slow ones, shares, and what happens on the way."""

import random

import pytest

from tests.transports.real_video import (
    ENCODERS,
    CodedPicture,
    coded_pictures,
    decoded,
    decoded_parts,
)
from tests.transports.rtp_streams import video, vp8_payloads
from tests.transports.simulated_camera import Camera, Network, Outcome, Simulation
from transports.feedback import RequestKey, RequestPackets
from transports.key_requests import PLI_REPEAT_S
from transports.packet_requests import GAP_LIMIT_S, NACK_AFTER_S
from transports.picture_assembly import MAX_PICTURE_BYTES
from transports.picture_sampler import STREAM_PAUSED_S, EncodedPicture, PictureSampler
from transports.rtp_arrival import RtpArrival
from transports.sampler_state import SamplerState
from transports.video_mode import ModeChoice, VideoMode

FIRST = 65_530


def key(number: int = 0, sequence: int = FIRST) -> list[RtpArrival]:
    return video(vp8_payloads(3, key=True), sequence, 45_000 * number)


def delta(number: int, sequence: int | None = None, packets: int = 2) -> list[RtpArrival]:
    """Picture `number` of a stream of two a second that began with `key()`."""
    at = FIRST + 3 + 2 * (number - 1) if sequence is None else sequence
    return video(vp8_payloads(packets, key=False), at, 45_000 * number)


def push(sampler: PictureSampler, packets: list[RtpArrival], now: float) -> list[EncodedPicture]:
    pictures = [sampler.push(packet, now) for packet in packets]
    return [picture for picture in pictures if picture is not None]


def following(now: float = 0.0) -> PictureSampler:
    sampler = PictureSampler(1.01)
    (picture,) = push(sampler, key(), now)
    assert picture.alone and picture.followed
    assert sampler.state is SamplerState.FOLLOWING
    return sampler


def assert_decodable(outcome: Outcome) -> None:
    """What builds on others comes only where the decoder was to be kept."""
    kept = False
    for picture in outcome.handed_on:
        assert picture.alone or kept
        kept = picture.followed


# ---- two pictures a second ------------------------------------------------------------------


def test_each_picture_is_handed_on_once_a_second_with_those_it_builds_on() -> None:
    sampler = following()
    assert push(sampler, delta(1), 0.5) == []
    (picture,) = push(sampler, delta(2), 1.0)
    assert len(picture.parts) == 2 and not picture.alone and picture.followed
    assert sampler.tick(1.0) == []
    assert sampler.deadline(1.0) is None  # nothing to do until a packet comes
    assert sampler.rests_until() == float("-inf")


def test_a_picture_that_is_early_waits_for_its_time() -> None:
    sampler = following()
    push(sampler, delta(1), 0.5)
    assert sampler.deadline(0.5) == 1.01
    assert sampler.take(1.0) is None
    picture = sampler.take(1.01)
    assert picture is not None and len(picture.parts) == 1


def test_a_picture_that_has_begun_to_come_is_waited_for_a_moment() -> None:
    sampler = following()
    push(sampler, delta(1), 0.5)
    assert push(sampler, delta(2)[:1], 1.005) == []
    deadline = sampler.deadline(1.005)
    assert deadline is not None and deadline > 1.1 and sampler.take(1.1) is None
    (picture,) = push(sampler, delta(2)[1:], 1.11)
    assert len(picture.parts) == 2
    push(sampler, delta(3), 1.6)
    push(sampler, delta(4)[:1], 2.11)
    picture_late = sampler.take(2.3)
    assert picture_late is not None and len(picture_late.parts) == 1


def test_a_change_after_a_long_time_is_shown_at_once() -> None:
    sampler = following()
    (picture,) = push(sampler, delta(1), 1.9)
    assert picture.arrived_at == 1.9


@pytest.mark.parametrize("pause_s", [STREAM_PAUSED_S + 1, 600.0])
def test_a_stream_that_pauses_goes_on_without_a_key_picture(pause_s: float) -> None:
    sampler = following()
    assert sampler.deadline(pause_s) is None and sampler.tick(pause_s) == []
    (picture,) = push(sampler, delta(1), pause_s)
    assert not picture.alone
    assert sampler.tick(pause_s) == [] and sampler.counters.key_requests == 0


def test_a_picture_in_hand_is_shown_although_the_stream_pauses() -> None:
    sampler = PictureSampler(5.0)
    push(sampler, key(), 0.0)
    push(sampler, delta(1), 1.0)
    assert sampler.deadline(4.0) == 5.0
    assert sampler.take(5.0) is not None


def test_a_key_picture_on_the_way_makes_those_before_needless() -> None:
    sampler = following()
    push(sampler, delta(1), 0.5)
    (picture,) = push(sampler, key(2, FIRST + 5), 1.1)
    assert picture.alone and len(picture.parts) == 1 and picture.followed


def test_what_waits_is_bounded() -> None:
    sampler, payload = PictureSampler(1e6), b"\x10\x01" + bytes(MAX_PICTURE_BYTES // 4)
    push(sampler, key(), 0.0)
    pictures = []
    for number in range(12):
        pictures += push(sampler, video([payload], FIRST + 3 + number, 45_000 * number), number / 2)
    assert [len(picture.parts) for picture in pictures] == [4, 4, 4]


# ---- losses ---------------------------------------------------------------------------------


def test_a_gap_is_asked_for_and_filled() -> None:
    sampler = following()
    push(sampler, delta(1)[:1], 0.5)
    push(sampler, delta(2), 1.0)
    assert sampler.deadline(1.0) == 1.0 + NACK_AFTER_S
    (asked,) = sampler.tick(1.0 + NACK_AFTER_S)
    assert asked == RequestPackets((delta(1)[1].sequence,))
    (picture,) = push(sampler, delta(1)[1:], 1.1)
    assert len(picture.parts) == 2


def test_a_gap_that_stays_needs_a_key_picture() -> None:
    sampler = following()
    push(sampler, delta(2), 1.0)
    push(sampler, delta(3), 1.5)
    assert RequestKey() not in sampler.tick(1.9)
    assert sampler.tick(1.0 + GAP_LIMIT_S) == [RequestKey()]
    assert sampler.state is SamplerState.WANTED and sampler.counters.torn == 1
    assert push(sampler, delta(4), 2.1) == []
    (picture,) = push(sampler, key(5, FIRST + 20), 2.2)
    assert picture.alone and picture.followed


def test_a_gap_too_wide_needs_a_key_picture_at_once() -> None:
    sampler = following()
    push(sampler, delta(1, FIRST + 5000), 0.5)
    assert sampler.tick(0.5) == [RequestKey()]


def test_what_could_not_be_decoded_needs_a_key_picture() -> None:
    sampler = following()
    sampler.lost()
    push(sampler, delta(1), 0.5)
    assert sampler.tick(0.5) == [RequestKey()]
    sampler.lost()
    assert sampler.counters.torn == 1


def test_another_stream_begins_anew() -> None:
    sampler = following()
    sampler.restart(0.3)
    assert push(sampler, delta(1), 0.4) == []
    assert sampler.tick(0.4) == [RequestKey()]


def test_a_key_picture_that_was_none_is_torn() -> None:
    sampler = PictureSampler(1.01)
    sps = [b"\x67\x42", b"\x61\x88"]
    for number, payload in enumerate(sps):
        sampler.push(RtpArrival("video", "H264", 7, number, number, True, payload), 0.0)
    assert sampler.state is SamplerState.WANTED and sampler.counters.torn == 1


# ---- real streams ---------------------------------------------------------------------------


def packets_of(coded: CodedPicture, sequence: int, number: int, codec: str) -> list[RtpArrival]:
    return video(coded.payloads, sequence, number * 45_000, codec=codec)


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("seed", range(4))
def test_a_real_slow_stream_with_losses_copies_and_disorder(encoder: str, seed: int) -> None:
    """Each run decodes where it is handed on, by a decoder that has seen those before."""
    rng, codec, sequence = random.Random(seed), ENCODERS[encoder], 65_500
    sampler, sent, runs = PictureSampler(1.01), {}, []
    for number, coded in enumerate(coded_pictures(encoder, 24, frozenset({12}))):
        now = number / 2
        packets = packets_of(coded, sequence, number, codec)
        sequence += len(packets)
        sent.update({packet.sequence: packet for packet in packets})
        arriving = [p for p in packets for _ in range(rng.choice([0, 1, 1, 1, 1, 2]))]
        rng.shuffle(arriving)
        for packet in arriving if number else packets:
            runs += [sampler.push(packet, now)]
        for wait in (0.03, 0.2, 0.4):
            runs += [sampler.take(now + wait)]
            for asked in sampler.tick(now + wait):
                if isinstance(asked, RequestPackets):
                    runs += [sampler.push(sent[s], now + wait) for s in asked.sequences]
    handed = [run for run in runs if run is not None]
    assert sampler.counters.key_requests == 0 and sampler.counters.torn == 0
    assert len(handed) >= 10
    assert decoded_parts(codec, [run.parts for run in handed]) == sum(
        len(run.parts) for run in handed
    )


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_sampled_stream_whose_size_changes(encoder: str) -> None:
    codec, sequence = ENCODERS[encoder], 65_500
    sampler = PictureSampler(1.0, choice=ModeChoice(VideoMode.KEYS))
    sizes = []
    for second, (width, height) in enumerate([(320, 240), (640, 480), (160, 120)]):
        for i, coded in enumerate(coded_pictures(encoder, 5, frozenset(), width, height)):
            for packet in video(coded.payloads, sequence, (second * 30 + i) * 3000, codec=codec):
                picture = sampler.push(packet, second + i / 30)
                if picture is not None:
                    (frame,) = decoded(codec, picture.parts[0])
                    sizes.append((frame.width, frame.height))
            sequence += len(coded.payloads)
    assert sizes == [(320, 240), (640, 480), (160, 120)]


# ---- ten minutes ----------------------------------------------------------------------------

MINUTES_10 = 600.0


@pytest.mark.parametrize("fps", [1.0, 2.0, 3.0, 5.0])
def test_a_slow_camera_is_asked_for_nothing(fps: float) -> None:
    sim = Simulation(Camera(fps=fps), Network())
    outcome = sim.run(MINUTES_10)
    assert 0.97 <= outcome.per_second(0, MINUTES_10) <= 1.0
    assert outcome.gaps[0] >= 0.98 and outcome.gaps[-1] <= 1.25
    assert outcome.plis == [] and outcome.keys_sent == 1
    assert_decodable(outcome)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("loss", [0.01, 0.05])
def test_loss_costs_a_slow_camera_little(loss: float, seed: int) -> None:
    sim = Simulation(Camera(fps=2.0), Network(jitter_s=0.03, loss=loss, seed=seed))
    outcome = sim.run(MINUTES_10)
    assert 0.95 <= outcome.per_second(0, MINUTES_10) <= 1.0
    assert len(outcome.plis) <= 20
    assert_decodable(outcome)


@pytest.mark.parametrize(("before", "after"), [(30.0, 2.0), (2.0, 30.0)])
def test_a_camera_that_changes_its_pace(before: float, after: float) -> None:
    sim = Simulation(Camera(fps=before, later_fps=(60.0, after)), Network())
    outcome = sim.run(120.0)
    assert 0.96 <= outcome.per_second(0, 60) <= 1.0
    assert 0.96 <= outcome.per_second(60, 120) <= 1.02
    assert outcome.gaps[-1] < 1.6
    assert sim.sampler.choice.mode is (VideoMode.ALL if after < 6 else VideoMode.KEYS)
    fast, slow = sorted([(0, 60), (64, 120)], key=lambda span: (span[0] < 60) != (before > after))
    assert sum(fast[0] <= at < fast[1] for at in outcome.plis) >= 50
    assert sum(slow[0] <= at < slow[1] for at in outcome.plis) <= 1
    assert_decodable(outcome)


def test_a_share_that_stands_still_is_asked_for_nothing() -> None:
    """Five pictures a second while it changes, then one in three seconds."""
    sim = Simulation(Camera(fps=5.0, later_fps=(60.0, 1 / 3)), Network())
    outcome = sim.run(MINUTES_10)
    assert outcome.plis == []
    assert len(outcome.pictures) >= 60 + 540 / 3 - 2
    assert_decodable(outcome)


def test_requests_keep_their_distance_whatever_is_lost() -> None:
    sampler, now = PictureSampler(1.01), 0.0
    asked = []
    for number in range(200):
        now += 0.1
        push(sampler, key(number, 10 * number), now)
        sampler.lost()
        asked += [now] * sampler.tick(now).count(RequestKey())
    assert all(b - a >= PLI_REPEAT_S - 1e-9 for a, b in zip(asked, asked[1:], strict=False))
