"""Which of a camera's pictures to take: one about every second, on request, before decoding.

Gemini looks at one picture a second, a camera sends thirty. Only a key picture can be decoded
alone, so the sampler asks for one (RTCP PLI, RFC 4585 section 6.3.1) shortly before the next is
due, collects the packets of that picture only, and lets all others fall unread. libwebrtc
answers a PLI with a key picture at most every 300 ms, which is why asking once a second is safe.

Pure: `push` takes packets, `tick` takes time, both return what to do.

         due                    key starts                 all packets here
RESTING ─────► WANTED (PLI) ───────────────► COLLECTING ───────────────────► RESTING
                  ▲                               │ too slow, too large, stream replaced
                  └───────────────────────────────┘
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from transports.depacketise import Fragment, fragment_untrusted
from transports.errors import PayloadRefused
from transports.picture_assembly import PictureAssembly
from transports.rtp_arrival import RtpArrival

PLI_REPEAT_S: Final = 0.4  # libwebrtc ignores requests closer than 0.3 s
PLIS_BEFORE_BACK_OFF: Final = 4
PLI_BACK_OFF_S: Final = 2.0
COLLECT_LIMIT_S: Final = 1.5  # a slow uplink may need most of it for one key picture
STALL_LIMIT_S: Final = 0.5  # without a further packet: what is missing will not come
NACK_AFTER_S: Final = 0.02  # a reordered packet is usually only milliseconds late
NACK_REPEAT_S: Final = 0.1
NACK_MOST: Final = 64
STREAM_PAUSED_S: Final = 2.0  # no packet for so long: the camera is off, ask for nothing
FIRST_LATENCY_S: Final = 0.1
LATENCY_WEIGHT: Final = 0.2
LATENCY_LIMIT_S: Final = 0.5


class SamplerState(Enum):
    RESTING = auto()
    WANTED = auto()
    COLLECTING = auto()


class SamplerEvent(Enum):
    DUE = auto()
    KEY_STARTED = auto()
    COMPLETED = auto()
    TORN = auto()


TRANSITIONS: Final[Mapping[SamplerState, Mapping[SamplerEvent, SamplerState]]] = {
    SamplerState.RESTING: {SamplerEvent.DUE: SamplerState.WANTED},
    SamplerState.WANTED: {SamplerEvent.KEY_STARTED: SamplerState.COLLECTING},
    SamplerState.COLLECTING: {
        SamplerEvent.COMPLETED: SamplerState.RESTING,
        SamplerEvent.TORN: SamplerState.WANTED,
    },
}


class IllegalTransition(RuntimeError):
    """An event that the table has no row for. Changes nothing."""


def next_state(state: SamplerState, event: SamplerEvent) -> SamplerState:
    """Where `event` leads from `state`. Raises `IllegalTransition`."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransition(f"{event.name} in {state.name}") from None


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


@dataclass(slots=True)
class SamplerCounters:
    """`refused` counts payloads that were looked at and were not what their codec allows."""

    packets: int = 0
    refused: int = 0
    pictures: int = 0
    key_requests: int = 0
    packet_requests: int = 0
    torn: int = 0


@dataclass(slots=True)
class PictureSampler:
    """Samples one video stream. `interval_s` is the wished distance between pictures.

    Times are those of one monotonic clock, in seconds.
    """

    interval_s: float
    counters: SamplerCounters = field(default_factory=SamplerCounters)
    state: SamplerState = SamplerState.RESTING
    _due_at: float = float("-inf")
    _last_packet_at: float = float("-inf")
    _latency_s: float = FIRST_LATENCY_S  # from the first PLI to the complete picture, smoothed
    _plis: int = 0  # for the picture wanted now
    _first_pli_at: float = float("-inf")
    _last_pli_at: float = float("-inf")
    _picture: PictureAssembly = field(default_factory=lambda: PictureAssembly(0, 0))
    _started_at: float = 0.0
    _progress_at: float = 0.0
    _nack_at: float = 0.0

    def restart(self, now: float) -> None:
        """The packets from now on are of another stream, or of one that had paused."""
        if self.state is SamplerState.COLLECTING:
            self._tear()
        self._due_at = now
        self._plis = 0

    def wants_packet(self, now: float) -> bool:
        """Whether `push` would read the packet that has just come. If not, `push` it not."""
        self._note_packet(now)
        wanted = self.state is not SamplerState.RESTING
        if not wanted:
            self.counters.packets += 1
        return wanted

    def push(self, arrival: RtpArrival, now: float) -> EncodedPicture | None:
        """Takes one packet; returns the picture that it completes, if it is a wanted one.

        The payload may be anything; what is not of its codec is counted and dropped.
        """
        self.counters.packets += 1
        self._note_packet(now)
        if self.state is SamplerState.RESTING:
            return None
        try:
            fragment = fragment_untrusted(arrival.codec, arrival.payload)
        except PayloadRefused:
            self.counters.refused += 1
            return None
        if self.state is SamplerState.WANTED:
            if not fragment.starts_key:
                return None
            self._start(arrival, now)
        return self._collect(arrival, fragment, now)

    def _note_packet(self, now: float) -> None:
        if self.paused(now):
            self.restart(now)
        self._last_packet_at = now
        self._pass_time(now)

    def tick(self, now: float) -> list[Feedback]:
        """What to ask of the sender now. Call it again at `deadline`, and when `state` changed."""
        if self.paused(now):
            return []
        self._pass_time(now)
        if self.state is SamplerState.WANTED:
            return self._request_key(now)
        if self.state is SamplerState.COLLECTING:
            return self._request_missing(now)
        return []

    def deadline(self, now: float) -> float | None:
        """When `tick` next has something to do; None while no packets come."""
        if self.paused(now):
            return None
        if self.state is SamplerState.RESTING:
            return self._due_at - self._latency_s
        if self.state is SamplerState.WANTED:
            return self._last_pli_at + self._pli_pause_s()
        return min(max(self._nack_at, now + NACK_AFTER_S), self._give_up_at())

    def paused(self, now: float) -> bool:
        """Whether the stream has stopped, or never began."""
        return now - self._last_packet_at > STREAM_PAUSED_S

    def _pass_time(self, now: float) -> None:
        if self.state is SamplerState.COLLECTING and now >= self._give_up_at():
            self._tear()
        if self.state is SamplerState.RESTING and now >= self._due_at - self._latency_s:
            self._apply(SamplerEvent.DUE)
            self._plis = 0

    def _give_up_at(self) -> float:
        return min(self._started_at + COLLECT_LIMIT_S, self._progress_at + STALL_LIMIT_S)

    def _apply(self, event: SamplerEvent) -> None:
        self.state = next_state(self.state, event)

    def _pli_pause_s(self) -> float:
        return PLI_REPEAT_S if self._plis < PLIS_BEFORE_BACK_OFF else PLI_BACK_OFF_S

    def _request_key(self, now: float) -> list[Feedback]:
        if now < self._last_pli_at + self._pli_pause_s():
            return []
        if self._plis == 0:
            self._first_pli_at = now
        self._plis += 1
        self._last_pli_at = now
        self.counters.key_requests += 1
        return [RequestKey()]

    def _start(self, arrival: RtpArrival, now: float) -> None:
        self._apply(SamplerEvent.KEY_STARTED)
        self._picture = PictureAssembly(arrival.sequence, arrival.timestamp)
        self._started_at = self._progress_at = now
        self._nack_at = now + NACK_AFTER_S

    def _collect(
        self, arrival: RtpArrival, fragment: Fragment, now: float
    ) -> EncodedPicture | None:
        picture = self._picture
        if arrival.timestamp == picture.timestamp:
            picture.add(arrival.sequence, marker=arrival.marker, data=fragment.data)
            self._progress_at = now
        else:
            picture.later(arrival.sequence, arrival.timestamp)
        if picture.too_large:
            self._tear()
        elif picture.complete:
            self._finish(now)
            return EncodedPicture(arrival.codec, picture.data(), now)
        return None

    def _tear(self) -> None:
        self._apply(SamplerEvent.TORN)
        self.counters.torn += 1

    def _finish(self, now: float) -> None:
        self._apply(SamplerEvent.COMPLETED)
        self.counters.pictures += 1
        if self._plis:
            measured = min(now - self._first_pli_at, LATENCY_LIMIT_S)
            self._latency_s += LATENCY_WEIGHT * (measured - self._latency_s)
        # On the grid the rate holds although each picture comes a little early or late.
        on_grid = abs(now - self._due_at) <= self.interval_s / 2
        self._due_at = (self._due_at if on_grid else now) + self.interval_s

    def _request_missing(self, now: float) -> list[Feedback]:
        if now < self._nack_at:
            return []
        missing = self._picture.missing()
        if not missing:
            return []
        self._nack_at = now + NACK_REPEAT_S
        self.counters.packet_requests += 1
        return [RequestPackets(missing[:NACK_MOST])]
