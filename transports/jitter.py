"""The jitter window for one peer's Opus stream: order, gaps and silences, without a clock.

A packet that is the next one expected leaves at once, so a stream without loss gains no
delay here. At a gap the packets behind it wait, at most `WINDOW_PACKETS` of them; then the
missing ones are given up, each as a `Missing` that carries the packet after it when that
holds their forward error correction (RFC 6716 section 2.1.7).

A jump of the timestamp without one of the sequence number is silence the sender suppressed
(RFC 7587 section 3.1.3), not loss.
"""

from dataclasses import dataclass, field
from typing import Final

from transports.rtp_sequence import sequence_add, sequence_delta, timestamp_delta

CLOCK_HZ: Final = 48_000  # Opus over RTP always counts at 48 kHz (RFC 7587 section 4.1)
WINDOW_PACKETS: Final = 3  # 60 ms of 20 ms packets: enough for Wi-Fi reordering and FEC
RESYNC_PACKETS: Final = 50  # one second: a jump larger than this is a new stream, not a loss
MAX_SILENCE: Final = CLOCK_HZ  # a longer pause is not worth filling


@dataclass(frozen=True, slots=True)
class Received:
    """An Opus packet whose turn it is."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Missing:
    """One lost packet. `next_payload` may hold its FEC; None: conceal."""

    next_payload: bytes | None


@dataclass(frozen=True, slots=True)
class Silence:
    """The sender was silent for `duration` units of 1/48000 s."""

    duration: int


Playable = Received | Missing | Silence


@dataclass(slots=True)
class JitterCounters:
    received: int = 0
    late: int = 0
    duplicate: int = 0
    lost: int = 0
    resyncs: int = 0


@dataclass(slots=True)
class JitterWindow:
    """`push` every packet as it arrives; play what it returns, in that order."""

    counters: JitterCounters = field(default_factory=JitterCounters)
    _expected: int | None = None
    _next_timestamp: int = 0
    _packet_duration: int = CLOCK_HZ // 50
    _held: dict[int, tuple[int, bytes]] = field(default_factory=dict)

    def push(self, sequence: int, timestamp: int, payload: bytes) -> list[Playable]:
        """What can be played now. `sequence` and `timestamp` are the RTP header's."""
        self.counters.received += 1
        if self._expected is None:
            return self._start(sequence, timestamp, payload)
        ahead = sequence_delta(sequence, self._expected)
        if abs(ahead) > RESYNC_PACKETS:
            self.counters.resyncs += 1
            self._held.clear()
            return self._start(sequence, timestamp, payload)
        if ahead < 0:
            self.counters.late += 1
            return []
        if sequence in self._held:
            self.counters.duplicate += 1
            return []
        self._held[sequence] = (timestamp, payload)
        out = self._release()
        while len(self._held) >= WINDOW_PACKETS:
            out += self._give_up_next()
            out += self._release()
        return out

    def _start(self, sequence: int, timestamp: int, payload: bytes) -> list[Playable]:
        self._expected = sequence_add(sequence, 1)
        self._next_timestamp = timestamp + self._packet_duration
        return [Received(payload)]

    def _release(self) -> list[Playable]:
        out: list[Playable] = []
        while self._expected in self._held:
            timestamp, payload = self._held.pop(self._expected)
            out += self._silence_before(timestamp)
            out.append(Received(payload))
            self._expected = sequence_add(self._expected, 1)
            self._next_timestamp = timestamp + self._packet_duration
        return out

    def _silence_before(self, timestamp: int) -> list[Playable]:
        pause = timestamp_delta(timestamp, self._next_timestamp)
        if pause < self._packet_duration:
            return []
        return [Silence(min(pause, MAX_SILENCE))]

    def _give_up_next(self) -> list[Playable]:
        assert self._expected is not None  # push() starts the stream before anything is held
        self.counters.lost += 1
        following = self._held.get(sequence_add(self._expected, 1))
        self._expected = sequence_add(self._expected, 1)
        self._next_timestamp += self._packet_duration
        return [Missing(following[1] if following else None)]
