"""Which of a camera's pictures to take: one about every second, on request, before decoding.

Gemini looks at one picture a second, a camera sends thirty. Only a key picture can be decoded
alone, so the sampler asks for one (RTCP PLI, RFC 4585 section 6.3.1) shortly before the next is
due, collects the packets of that picture only, and lets all others fall. libwebrtc answers a
PLI with a key picture at most every 300 ms, which is why asking once a second is safe.

Pure: `push` takes packets, `tick` takes time, both return what to do.

         due                    key starts                 last packet
RESTING ─────► WANTED (PLI) ───────────────► COLLECTING ──────────────► RESTING
                  ▲                               │ too slow, too big, torn
                  └───────────────────────────────┘
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from transports.depacketise import Fragment
from transports.rtp_sequence import sequence_add, sequence_delta

PLI_REPEAT_S: Final = 0.4  # libwebrtc ignores requests closer than 0.3 s
PLI_MISSES_BEFORE_BACK_OFF: Final = 3
PLI_BACK_OFF_S: Final = 2.0
COLLECT_LIMIT_S: Final = 0.5
NACK_AFTER_S: Final = 0.02  # a reordered packet is usually only milliseconds late
NACK_REPEAT_S: Final = 0.1
NACK_MOST: Final = 64
STREAM_PAUSED_S: Final = 2.0  # no packet for so long: the camera is off, ask for nothing
MAX_PICTURE_BYTES: Final = 1 << 19
MAX_PICTURE_PACKETS: Final = 1024
LATENCY_WEIGHT: Final = 0.2
LATENCY_LIMIT_S: Final = 0.6


class SamplerState(Enum):
    RESTING = auto()
    WANTED = auto()
    COLLECTING = auto()


class SamplerEvent(Enum):
    DUE = auto()
    KEY_STARTED = auto()
    COMPLETED = auto()
    TORN = auto()


TRANSITIONS: Final[Mapping[tuple[SamplerState, SamplerEvent], SamplerState]] = {
    (SamplerState.RESTING, SamplerEvent.DUE): SamplerState.WANTED,
    (SamplerState.WANTED, SamplerEvent.KEY_STARTED): SamplerState.COLLECTING,
    (SamplerState.COLLECTING, SamplerEvent.COMPLETED): SamplerState.RESTING,
    (SamplerState.COLLECTING, SamplerEvent.TORN): SamplerState.WANTED,
}


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """A complete picture that decodes alone. `codec` is "VP8" or "H264" (Annex B)."""

    codec: str
    data: bytes
    arrived_at: float


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Send a PLI."""


@dataclass(frozen=True, slots=True)
class RequestPackets:
    """Send a generic NACK (RFC 4585 section 6.2.1) for these sequence numbers."""

    sequences: tuple[int, ...]


Feedback = RequestKey | RequestPackets


@dataclass(frozen=True, slots=True)
class RtpFragment:
    """What the sampler needs of an RTP packet."""

    sequence: int
    timestamp: int
    marker: bool
    fragment: Fragment


@dataclass(slots=True)
class SamplerCounters:
    packets: int = 0
    pictures: int = 0
    key_requests: int = 0
    packet_requests: int = 0
    torn: int = 0


@dataclass(slots=True)
class PictureSampler:
    """`interval_s` is the wished distance between pictures. Times are one monotonic clock's."""

    interval_s: float
    counters: SamplerCounters = field(default_factory=SamplerCounters)
    state: SamplerState = SamplerState.RESTING
    _due_at: float | None = None
    _last_packet_at: float = float("-inf")
    _latency_s: float = 0.1  # from PLI to complete picture, smoothed
    _misses: int = 0
    _requested_at: float | None = None
    _first: int = 0
    _last: int | None = None
    _timestamp: int = 0
    _bytes: int = 0
    _started_at: float = 0.0
    _nacked_at: float = 0.0
    _parts: dict[int, bytes] = field(default_factory=dict)

    def push(self, codec: str, packet: RtpFragment, now: float) -> EncodedPicture | None:
        """Takes one packet; returns the picture that it completes, if it is a wanted one."""
        self.counters.packets += 1
        resumed = now - self._last_packet_at > STREAM_PAUSED_S
        self._last_packet_at = now
        if self._due_at is None or (resumed and self.state is SamplerState.RESTING):
            self._due_at = now
        if packet.fragment.starts_key and self._wants_key(now):
            self._start(packet, now)
        if self.state is not SamplerState.COLLECTING or packet.timestamp != self._timestamp:
            return None
        self._collect(packet, now)
        return self._completed(codec, now)

    def tick(self, now: float) -> list[Feedback]:
        """What to ask of the sender now. Call it again at `deadline()`."""
        if now - self._last_packet_at > STREAM_PAUSED_S or self._due_at is None:
            return []
        if self.state is SamplerState.COLLECTING:
            if now - self._started_at >= COLLECT_LIMIT_S:
                self._tear(now)
            else:
                return self._request_missing(now)
        if self.state is SamplerState.RESTING and now >= self._due_at - self._latency_s:
            self._apply(SamplerEvent.DUE)
            self._requested_at = None
            self._misses = 0
        if self.state is SamplerState.WANTED:
            return self._request_key(now)
        return []

    def deadline(self, now: float) -> float | None:
        """When `tick` next has something to do; None while no packets come."""
        if now - self._last_packet_at > STREAM_PAUSED_S or self._due_at is None:
            return None
        if self.state is SamplerState.RESTING:
            return self._due_at - self._latency_s
        if self.state is SamplerState.COLLECTING:
            return now + NACK_AFTER_S
        return now if self._requested_at is None else self._requested_at + self._repeat_s()

    def _wants_key(self, now: float) -> bool:
        """An unasked key picture is welcome when the next one is nearly due anyway."""
        if self.state is SamplerState.RESTING and self._due_at is not None:
            if now >= self._due_at - self._latency_s:
                self._apply(SamplerEvent.DUE)
                self._requested_at = None
                self._misses = 0
        return self.state is SamplerState.WANTED

    def _apply(self, event: SamplerEvent) -> None:
        self.state = TRANSITIONS[self.state, event]

    def _repeat_s(self) -> float:
        return PLI_REPEAT_S if self._misses < PLI_MISSES_BEFORE_BACK_OFF else PLI_BACK_OFF_S

    def _request_key(self, now: float) -> list[Feedback]:
        if self._requested_at is not None and now - self._requested_at < self._repeat_s():
            return []
        if self._requested_at is not None:
            self._misses += 1
        self._requested_at = now
        self.counters.key_requests += 1
        return [RequestKey()]

    def _start(self, packet: RtpFragment, now: float) -> None:
        self._apply(SamplerEvent.KEY_STARTED)
        self._first, self._last = packet.sequence, None
        self._timestamp = packet.timestamp
        self._started_at = self._nacked_at = now
        self._bytes = 0
        self._parts = {}

    def _collect(self, packet: RtpFragment, now: float) -> None:
        if sequence_delta(packet.sequence, self._first) < 0:
            return  # an H.264 access unit delimiter before the parameter sets: not needed
        if packet.sequence not in self._parts:
            self._parts[packet.sequence] = packet.fragment.data
            self._bytes += len(packet.fragment.data)
        if packet.marker:
            self._last = packet.sequence
        if self._bytes > MAX_PICTURE_BYTES or len(self._parts) > MAX_PICTURE_PACKETS:
            self._tear(now)

    def _tear(self, now: float) -> None:
        self.counters.torn += 1
        self._apply(SamplerEvent.TORN)
        self._parts = {}
        self._requested_at = now - PLI_REPEAT_S  # ask again at once

    def _completed(self, codec: str, now: float) -> EncodedPicture | None:
        if self.state is not SamplerState.COLLECTING or self._last is None:
            return None
        count = sequence_delta(self._last, self._first) + 1
        order = [sequence_add(self._first, i) for i in range(max(count, 0))]
        if any(sequence not in self._parts for sequence in order):
            return None
        data = b"".join(self._parts[sequence] for sequence in order)
        self._finish(now)
        return EncodedPicture(codec, data, now)

    def _finish(self, now: float) -> None:
        assert self._due_at is not None  # push() sets it before anything can start
        self._apply(SamplerEvent.COMPLETED)
        self._parts = {}
        self.counters.pictures += 1
        if self._requested_at is not None and self._misses == 0:
            measured = min(now - self._requested_at, LATENCY_LIMIT_S)
            self._latency_s += LATENCY_WEIGHT * (measured - self._latency_s)
        # Stay on the grid, so that the rate holds although each picture comes a little late.
        self._due_at += self.interval_s
        if abs(self._due_at - self.interval_s - now) > self.interval_s / 2:
            self._due_at = now + self.interval_s

    def _request_missing(self, now: float) -> list[Feedback]:
        if now - self._nacked_at < (NACK_AFTER_S if not self._nacked else NACK_REPEAT_S):
            return []
        newest = max(self._parts, key=lambda s: sequence_delta(s, self._first))
        last = self._last if self._last is not None else newest
        count = sequence_delta(last, self._first)
        missing = tuple(
            sequence
            for sequence in (sequence_add(self._first, i) for i in range(count))
            if sequence not in self._parts
        )
        if not missing:
            return []
        self._nacked_at = now
        self.counters.packet_requests += 1
        return [RequestPackets(missing[:NACK_MOST])]

    @property
    def _nacked(self) -> bool:
        """Whether packets of the picture in hand were asked for already."""
        return self._nacked_at > self._started_at
