"""Network paths for Opus packets, seeded, and what a jitter window makes of what they deliver."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles

from transports.jitter import CLOCK_HZ, JitterWindow, Missing, Playable, Received, Silence
from transports.opus_packet import opus_duration_untrusted
from transports.rtp_arrival import RtpArrival
from transports.rtp_sequence import timestamp_delta

BURST = CLOCK_HZ // 25  # what is sent to Gemini at a time

Sent = tuple[float, RtpArrival]  # when, what
Arrived = tuple[float, RtpArrival]


def at_once(packets: Iterable[RtpArrival], start: float = 100.0) -> list[Sent]:
    """Each packet is sent when its sound ends, by the sender's timestamps."""
    first: int | None = None
    sent = []
    for packet in packets:
        first = packet.timestamp if first is None else first
        end = timestamp_delta(packet.timestamp, first) + opus_duration_untrusted(packet.payload)
        sent.append((start + end / CLOCK_HZ, packet))
    return sent


@dataclass(frozen=True, slots=True)
class Path:
    """Chances are those of one packet. `run` is how many packets a loss takes on average."""

    loss: float = 0.0
    run: float = 1.0
    copies: float = 0.0
    late: float = 0.0
    late_s: tuple[float, float] = (0.02, 0.04)  # by how much others may overtake it
    jitter_s: float = 0.0
    delay_s: float = 0.03

    def carry(self, sent: Iterable[Sent], seed: int) -> list[Arrived]:
        """In the order of arrival. What is not late stays in order, as in a queue."""
        rng = random.Random(seed)
        arrivals = []
        queue_at, losing = 0.0, False
        for at, packet in sent:
            chance = max(1 - 1 / self.run, self.loss) if losing else self.loss / self.run
            losing = rng.random() < chance
            queue_at = max(queue_at, at + self.delay_s + rng.random() * self.jitter_s)
            late_s = rng.uniform(*self.late_s) if rng.random() < self.late else 0.0
            if not losing:
                arrivals.append((queue_at + late_s, packet))
            if rng.random() < self.copies:
                arrivals.append((queue_at + rng.random() * 0.2, packet))
        return sorted(arrivals, key=lambda arrival: arrival[0])


def run(
    arrivals: Iterable[Arrived], window: JitterWindow | None = None
) -> list[tuple[float, Playable]]:
    """Plays a network's arrivals with a timer that is on time: (when, what)."""
    window = window or JitterWindow()
    out: list[tuple[float, Playable]] = []
    for at, packet in arrivals:
        while (deadline := window.deadline) is not None and deadline <= at:
            out += ((deadline, playable) for playable in window.expire(deadline))
        out += ((at, playable) for playable in window.push(packet, at))
    while (deadline := window.deadline) is not None:
        out += ((deadline, playable) for playable in window.expire(deadline))
    return out


def spans(playables: Iterable[Playable]) -> list[int]:
    """How long each is to a listener: what is missing is as long as the packet before."""
    lengths, last = [], 960
    for playable in playables:
        match playable:
            case Received(payload):
                last = opus_duration_untrusted(payload)
                lengths.append(last)
            case Missing():
                lengths.append(last)
            case Silence(duration):
                lengths.append(duration)
    return lengths


def duration_of(playables: Iterable[Playable]) -> int:
    return sum(spans(playables))


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a stream. `delays_s` are those of each 40 ms of it, since it was sent."""

    sent: int
    played: int
    delays_s: list[float]
    recovered: int
    concealed: int
    silent: int
    displaced: int  # packets that were not played where they belong

    @property
    def p95_s(self) -> float:
        return quantiles(self.delays_s, n=100)[94]


def heard(sent: Sequence[Sent], out: Sequence[tuple[float, Playable]]) -> Heard:
    """Of a stream whose first packet arrived."""
    start = sent[0][1].timestamp
    belongs = {packet.payload: timestamp_delta(packet.timestamp, start) for _, packet in sent}
    position, displaced = 0, 0
    ends: list[tuple[int, float]] = []  # how much of the sound is there, from when on
    for (at, playable), length in zip(out, spans(p for _, p in out), strict=True):
        if isinstance(playable, Received):
            displaced += belongs[playable.payload] != position
        position += length
        ends.append((position, at))
    last = sent[-1][1]
    total = timestamp_delta(last.timestamp, start) + opus_duration_untrusted(last.payload)
    return Heard(
        total,
        position,
        _delays(ends, sent[0][0] - opus_duration_untrusted(sent[0][1].payload) / CLOCK_HZ),
        sum(isinstance(p, Missing) and p.next_payload is not None for _, p in out),
        sum(isinstance(p, Missing) and p.next_payload is None for _, p in out),
        sum(isinstance(p, Silence) for _, p in out),
        displaced,
    )


def _delays(ends: Sequence[tuple[int, float]], began: float) -> list[float]:
    delays = []
    due = BURST
    for position, at in ends:
        while position >= due:
            delays.append(at - (began + due / CLOCK_HZ))
            due += BURST
    return delays
