"""The jitter window on seeded paths: how much delay it adds, and how much sound is missing."""

from dataclasses import replace

import pytest

from tests.transports.audio_paths import Heard, Path, at_once, heard, run
from tests.transports.rtp_streams import opus, opus_stream
from transports.jitter import CLOCK_HZ, JitterWindow
from transports.reorder_wait import LEAST_S, MARGIN, MOST_S
from transports.rtp_arrival import RtpArrival

MINUTE = 3_000  # usual packets
START = (65_000, 2**32 - 500_000)  # both counters wrap within the first minute

SEEDS = pytest.mark.parametrize("seed", range(5))


def talk(packets: int = 2 * MINUTE) -> list[RtpArrival]:
    return opus_stream([960] * packets, *START)


def on(path: Path, seed: int, packets: list[RtpArrival] | None = None) -> Heard:
    """The first and the last packet arrive, so that it is known how much was sent."""
    sent = at_once(packets or talk())
    first, *middle, last = sent
    clean = replace(path, loss=0.0, late=0.0)
    arrivals = clean.carry([first], seed) + path.carry(middle, seed) + clean.carry([last], seed)
    return heard(sent, run(sorted(arrivals, key=lambda arrival: arrival[0])))


def whole(stream: Heard) -> bool:
    """Whether every packet was played where it belongs, and the sound is as long as was sent."""
    return stream.played == stream.sent and stream.displaced == 0


@SEEDS
def test_two_in_a_hundred_lost_add_no_more_than_the_wait_to_one_in_twenty(seed: int) -> None:
    without = on(Path(jitter_s=0.015), seed)
    lossy = on(Path(loss=0.02, jitter_s=0.015), seed)
    assert whole(without) and whole(lossy)
    assert lossy.p95_s <= without.p95_s + LEAST_S  # the aim is 60 ms
    assert max(lossy.delays_s) <= max(without.delays_s) + 0.1
    assert 0.015 < (lossy.recovered + lossy.concealed) / (2 * MINUTE) < 0.025
    assert lossy.silent == 0


@SEEDS
@pytest.mark.parametrize("loss", [0.05, 0.1])
def test_also_of_much_loss_nothing_is_missing(seed: int, loss: float) -> None:
    without = on(Path(jitter_s=0.015), seed)
    lossy = on(Path(loss=loss, run=2.0, jitter_s=0.015), seed)
    assert whole(lossy)
    assert lossy.p95_s <= without.p95_s + 0.06
    # Of each run of lost packets the last has its FEC.
    assert lossy.recovered / (2 * MINUTE) == pytest.approx(loss / 2, rel=0.3)


@SEEDS
def test_long_losses_are_silence_after_what_can_be_concealed(seed: int) -> None:
    lossy = on(Path(loss=0.05, run=8.0), seed)
    assert whole(lossy)
    assert lossy.silent > 10
    assert lossy.concealed <= 4 * lossy.recovered


@SEEDS
@pytest.mark.parametrize("most_s", [0.03, 0.06])
def test_a_path_that_reorders_loses_what_taught_it_and_no_more(seed: int, most_s: float) -> None:
    late = on(Path(late=0.03, late_s=(0.021, most_s)), seed)
    assert whole(late)
    assert late.recovered + late.concealed < 2 * MINUTE * 0.03 * 0.1
    assert max(late.delays_s) <= 0.03 + most_s * MARGIN + 0.04
    assert late.p95_s <= 0.03 + most_s


@SEEDS
def test_packets_that_only_change_places_are_never_lost(seed: int) -> None:
    swapped = on(Path(late=0.05, late_s=(0.0201, 0.02 + LEAST_S - 0.001)), seed)
    assert whole(swapped)
    assert swapped.recovered == swapped.concealed == 0


@SEEDS
def test_loss_on_a_path_that_reorders_costs_at_most_its_reordering(seed: int) -> None:
    path = Path(late=0.02, late_s=(0.03, 0.05), copies=0.02, jitter_s=0.01)
    without, lossy = on(path, seed), on(replace(path, loss=0.02), seed)
    assert whole(lossy)
    assert lossy.p95_s <= without.p95_s + 0.06
    assert lossy.recovered + lossy.concealed < 2 * MINUTE * 0.03


@SEEDS
def test_after_the_reordering_has_ended_loss_is_cheap_again(seed: int) -> None:
    sent = at_once(talk())
    half = len(sent) // 2
    arrivals = Path().carry(sent[:1], seed)
    arrivals += Path(late=0.1, late_s=(0.06, 0.08)).carry(sent[1:half], seed)
    arrivals += Path(loss=0.02).carry(sent[half:-1], seed)
    arrivals += Path().carry(sent[-1:], seed)
    stream = heard(sent, run(arrivals))
    assert whole(stream)
    quiet = stream.delays_s[len(stream.delays_s) * 2 // 3 :]
    assert max(quiet) <= 0.03 + 0.06 + LEAST_S + 1e-6  # three lost in a row are rare
    early_delays = stream.delays_s[: len(stream.delays_s) // 2]
    assert max(early_delays) > 0.03 + 0.05


@SEEDS
def test_copies_change_nothing(seed: int) -> None:
    copied = on(Path(copies=0.3, jitter_s=0.01), seed)
    assert whole(copied)
    assert copied.delays_s == pytest.approx(on(Path(jitter_s=0.01), seed).delays_s, abs=0.011)
    assert copied.recovered == copied.concealed == copied.silent == 0


@SEEDS
def test_a_sender_that_suppresses_silence_keeps_its_time(seed: int) -> None:
    """Talk of a second, then a packet every 400 ms for two (RFC 7587 section 3.1.3)."""
    packets = []
    sequence, timestamp = START
    for _ in range(20):
        for step in [960] * 50 + [19_200] * 5:
            packets.append(opus(sequence, timestamp))
            sequence, timestamp = sequence + 1, timestamp + step
    without = on(Path(jitter_s=0.015), seed, packets)
    lossy = on(Path(loss=0.02, jitter_s=0.015), seed, packets)
    assert whole(without) and without.silent == 20 * 5 - 1
    # Two of a pause's packets lost make it longer than what is filled.
    assert 0.995 * lossy.sent <= lossy.played <= lossy.sent
    assert lossy.recovered > 0


@pytest.mark.parametrize("step", [-3 * CLOCK_HZ, -960, 4_800, 20 * CLOCK_HZ])
def test_a_step_of_the_senders_clock_costs_no_packet_and_no_delay(step: int) -> None:
    before = opus_stream([960] * 100, 65_500, 0)
    after = opus_stream([960] * 100, 65_600, 96_000 + step)
    window = JitterWindow()
    for i, packet in enumerate([*before, *after]):
        assert len(window.push(packet, i * 0.02)) == (2 if step > 0 and i == 100 else 1)
        assert window.deadline is None


@pytest.mark.parametrize("jump_s", [-1e6, -2.0, 0.5, 1e6])
def test_a_jump_of_our_own_clock_holds_nothing_up(jump_s: float) -> None:
    """A machine that slept; and should a clock ever go back, packets tell the time."""
    packets = [p for i, p in enumerate(talk(400)) if i % 10 != 5]  # 203 is behind a gap
    window = JitterWindow()
    played = 0
    for i, packet in enumerate(packets):
        now = 1000.0 + i * 0.02 + (jump_s if i >= 204 else 0.0)
        played += len(window.push(packet, now))
        sent = packet.sequence - START[0]
        assert 0 <= (sent % 65_536) + 1 - played <= MOST_S / 0.02 + 1
    played += len(window.expire(1e9))
    assert played == 400


def test_a_stall_of_our_own_is_no_loss() -> None:
    """Half a second of packets is read at once, some of them swapped."""
    packets = talk(100)
    window = JitterWindow()
    out = []
    for i, packet in enumerate(packets[:50]):
        out += window.push(packet, i * 0.02)
    stalled = packets[50:75]
    stalled[3], stalled[4] = stalled[4], stalled[3]
    for packet in [*stalled, *packets[75:]]:
        out += window.push(packet, 1.5)
    assert len(out) == 100
    assert window.counters.lost == 0
