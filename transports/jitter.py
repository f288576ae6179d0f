"""The jitter window for one peer's Opus stream: order, gaps and silences.

A packet that is the next one expected leaves at once, so a stream without loss gains no
delay here. At a gap the packets behind it wait, as long as packets came late on this path
lately (`reorder_wait.py`: 10 to 100 ms), and never hold more than 100 ms of sound; then the
missing ones are given up. The last of them is followed by a packet that may hold its forward
error correction (RFC 6716 section 2.1.7); of the others the first few are concealed and the
rest are silence.

Nothing is held to be played smoothly: what is played goes to a speech model, which does not
hear when a packet came.

A jump of the timestamp without one of the sequence number is silence that the sender
suppressed (RFC 7587 section 3.1.3), not loss. A jump of the sequence number too large for a
loss is believed when the next packet confirms it (RFC 3550 appendix A.1), a new SSRC at once.
"""

import math
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from transports.errors import PayloadRefused
from transports.opus_packet import CLOCK_HZ, opus_duration_untrusted
from transports.reorder_wait import LEAST_S, MOST_S, ReorderWait
from transports.rtp_arrival import RtpArrival
from transports.rtp_sequence import (
    SEQUENCE_MODULUS,
    TIMESTAMP_MODULUS,
    sequence_add,
    sequence_delta,
    timestamp_add,
    timestamp_delta,
)

__all__ = [
    "CLOCK_HZ",
    "JitterCounters",
    "JitterWindow",
    "Missing",
    "Playable",
    "Received",
    "Silence",
]

RESYNC_PACKETS: Final = 50  # one usual second: a larger jump is a new stream, not a loss
CONCEALED_MOST: Final = 5  # what a decoder makes up fades to nothing within 100 ms
MIN_SILENCE: Final = CLOCK_HZ // 100  # less is a sender's unsteady clock
MAX_SILENCE: Final = CLOCK_HZ  # a longer pause is not worth filling
MAX_LATE: Final = CLOCK_HZ * 10  # what an abandoned network path may still deliver
MAX_HELD: Final = round(MOST_S * CLOCK_HZ)  # of sound


@dataclass(slots=True)
class Received:
    """An Opus packet whose turn it is."""

    payload: Final[bytes]  # frozen=True would say the same and take twice the time to make


@dataclass(frozen=True, slots=True)
class Missing:
    """One lost packet, as long as the one before. `next_payload` may hold its FEC.

    None: there is none, conceal.
    """

    next_payload: bytes | None


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing is known of `duration` units of 1/48000 s, most likely because all was quiet."""

    duration: int


Playable = Received | Missing | Silence


@dataclass(slots=True)
class JitterCounters:
    """`late` includes copies of packets that left already.

    `strays` came with a sequence number far from all others and were dropped.
    """

    received: int = 0
    refused: int = 0
    late: int = 0
    duplicate: int = 0
    lost: int = 0
    strays: int = 0
    resyncs: int = 0


class _Held(NamedTuple):
    packet: RtpArrival
    duration: int
    arrived_at: float


@dataclass(slots=True)
class JitterWindow:
    """`push` every packet as it arrives, `expire` at `deadline`; play what they return, in order.

    Times are those of one monotonic clock, in seconds. Between calls either nothing is held, or
    the first packet held is behind a gap.
    """

    counters: JitterCounters = field(default_factory=JitterCounters)
    _ssrc: int | None = None
    _expected: int = 0
    _next_timestamp: int = 0
    _duration: int = CLOCK_HZ // 50
    _held: dict[int, _Held] = field(default_factory=dict)  # in the order of arrival
    _stray: _Held | None = None
    _wait: ReorderWait = field(default_factory=ReorderWait)
    _wait_s: float = LEAST_S  # for the gaps there are
    _given_up: dict[int, float] = field(default_factory=dict)  # when each was overtaken

    @property
    def deadline(self) -> float | None:
        """When `expire` has something to do; None while nothing is held."""
        if not self._held:
            return None
        return next(iter(self._held.values())).arrived_at + self._wait_s

    @property
    def waiting(self) -> int:
        """How much sound is held, in units of 1/48000 s: less than `MAX_HELD` between calls."""
        return sum(held.duration for held in self._held.values())

    def push(self, packet: RtpArrival, now: float) -> list[Playable]:
        """What can be played now. The payload may be anything; what is not Opus is dropped."""
        self.counters.received += 1
        try:
            duration = opus_duration_untrusted(packet.payload)
        except PayloadRefused:
            self.counters.refused += 1
            return []
        # Nearly every packet: `_place` would do the same in three times the time.
        if (
            packet.sequence == self._expected
            and packet.timestamp == self._next_timestamp
            and packet.ssrc == self._ssrc
            and not self._held
            and self._stray is None
        ):
            self._expected = (packet.sequence + 1) % SEQUENCE_MODULUS
            self._next_timestamp = (packet.timestamp + duration) % TIMESTAMP_MODULUS
            self._duration = duration
            return [Received(packet.payload)]
        return self._place(_Held(packet, duration, now), now)

    def expire(self, now: float) -> list[Playable]:
        """What can be played because what is missing has been waited for long enough."""
        out: list[Playable] = []
        while (deadline := self.deadline) is not None:
            if now < deadline and self.waiting < MAX_HELD:
                break
            out += self._skip_gap()
            out += self._release()
        return out

    def _place(self, arrival: _Held, now: float) -> list[Playable]:
        packet = arrival.packet
        if packet.ssrc != self._ssrc:
            return self._start(arrival)
        ahead = sequence_delta(packet.sequence, self._expected)
        if ahead < 0 and self._is_late(ahead, packet.timestamp):
            self.counters.late += 1
            self._note_late(self._given_up.pop(packet.sequence, None), now)
            return []
        if abs(ahead) > RESYNC_PACKETS:
            return self._far(arrival)
        self._forget_stray()
        if packet.sequence in self._held:
            self.counters.duplicate += 1
            return []
        if self._held:
            self._note_late(self._overtaken_at(packet.sequence), now)
        else:
            self._wait_s = self._wait.seconds(now)
        self._held[packet.sequence] = arrival
        return self._release() + self.expire(now)

    def _overtaken_at(self, sequence: int) -> float | None:
        """When the first packet held came that was sent after this one."""
        return next(
            (h.arrived_at for s, h in self._held.items() if sequence_delta(s, sequence) > 0), None
        )

    def _note_late(self, overtaken_at: float | None, now: float) -> None:
        if overtaken_at is not None:
            self._wait.late(now - overtaken_at, now)
            self._wait_s = self._wait.seconds(now)

    def _is_late(self, ahead: int, timestamp: int) -> bool:
        behind = timestamp_delta(self._next_timestamp, timestamp)
        return ahead >= -RESYNC_PACKETS or 0 < behind <= MAX_LATE

    def _start(self, first: _Held) -> list[Playable]:
        """A stream of its own, after what is left of the one before."""
        out = self.expire(math.inf)
        self._forget_stray()
        self._given_up.clear()
        self._ssrc = first.packet.ssrc
        self._next_timestamp = first.packet.timestamp
        return out + self._play(first)

    def _far(self, arrival: _Held) -> list[Playable]:
        before = self._stray
        if before is None or arrival.packet.sequence != sequence_add(before.packet.sequence, 1):
            self._forget_stray()
            self._stray = arrival
            return []
        self._stray = None
        self.counters.resyncs += 1
        out = self.expire(math.inf)
        self._given_up.clear()
        return out + self._play(before) + self._play(arrival)

    def _forget_stray(self) -> None:
        if self._stray is not None:
            self._stray = None
            self.counters.strays += 1

    def _release(self) -> list[Playable]:
        out: list[Playable] = []
        while (held := self._held.pop(self._expected, None)) is not None:
            out += self._play(held)
        return out

    def _play(self, arrival: _Held) -> list[Playable]:
        packet = arrival.packet
        out = self._silence_until(packet.timestamp)
        out.append(Received(packet.payload))
        self._expected = sequence_add(packet.sequence, 1)
        self._next_timestamp = timestamp_add(packet.timestamp, arrival.duration)
        self._duration = arrival.duration
        return out

    def _skip_gap(self) -> list[Playable]:
        """Gives up what is missing before the first packet held.

        A pause in the sender's talk is put before the last missing packet: its FEC says what
        came right before the packet after it, not what came before the pause.
        """
        first = min(self._held, key=lambda sequence: sequence_delta(sequence, self._expected))
        packet = self._held[first].packet
        lost = sequence_delta(first, self._expected)
        room = timestamp_delta(packet.timestamp, self._next_timestamp) // self._duration
        made_up = min(lost, CONCEALED_MOST, max(room, 1))
        out: list[Playable] = [Missing(None)] * (made_up - 1)
        self._next_timestamp = timestamp_add(self._next_timestamp, made_up * self._duration)
        out += self._silence_until(packet.timestamp)
        out.append(Missing(packet.payload))
        self.counters.lost += lost
        self._note_given_up(lost, first)
        self._expected, self._next_timestamp = first, packet.timestamp
        return out

    def _note_given_up(self, count: int, before: int) -> None:
        """So that one which comes after all is known for late, and not for a copy."""
        overtaken_at = next(iter(self._held.values())).arrived_at
        for back in range(count, 0, -1):
            self._given_up[sequence_add(before, -back)] = overtaken_at
        while len(self._given_up) > RESYNC_PACKETS:
            del self._given_up[next(iter(self._given_up))]

    def _silence_until(self, timestamp: int) -> list[Playable]:
        pause = timestamp_delta(timestamp, self._next_timestamp)
        return [Silence(min(pause, MAX_SILENCE))] if pause >= MIN_SILENCE else []
