"""Which of a camera's pictures to take: about one a second, mostly before decoding.

Gemini looks at one picture a second, a camera sends thirty. Only a key picture can be decoded
alone, so the sampler asks for one (RTCP PLI, RFC 4585 section 6.3.1) shortly before the next is
due, collects it and the few after it that make it a good one, and lets all others fall unread.
libwebrtc answers a PLI with a key picture at most every 300 ms, which is why asking once a second
is safe. Where pictures are few, or key pictures cannot be had, it follows the stream and takes
every one (`video_mode.py`): then it asks for a key picture to begin, and after a loss.

Pure: `push` takes packets, `tick` takes time, both return what to do.
"""

from dataclasses import dataclass, field
from typing import Final

from transports.depacketise import Fragment, fragment_untrusted
from transports.errors import PayloadRefused
from transports.feedback import Feedback, RequestKey, RequestPackets
from transports.key_requests import KeyRequests
from transports.packet_requests import PacketRequests
from transports.parameter_sets import ParameterSets
from transports.picture_assembly import MAX_PICTURE_BYTES, PictureAssembly, WholePicture
from transports.rtp_arrival import RtpArrival
from transports.sampler_state import SamplerEvent, SamplerState, next_state
from transports.video_mode import ModeChoice, VideoMode, deltas_after

COLLECT_LIMIT_S: Final = 1.5  # a slow uplink may need most of it for one key picture
STALL_LIMIT_S: Final = 0.5  # without a further packet: what is missing will not come
FEW_LIMIT_S: Final = 0.25  # after the key picture: then it goes with what has come
NACK_MOST: Final = 64
STREAM_PAUSED_S: Final = 2.0  # no packet for so long: the camera is off, ask for nothing
EARLY_SHARE: Final = 0.01  # of the interval: a stream of half seconds stays in step
KEY_AWAITED_S: Final = 0.4  # beyond its time, while there are other pictures to show
REST_AWAITED_S: Final = 0.15  # of a picture that has begun to come
ALL_PICTURES: Final = 1 << 16
MOST_IN_RUN: Final = 64
LEAST_IN_RUN: Final = 12
FULL_HD_PIXELS: Final = 1920 * 1080


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """One picture, and those before it that it builds on: `parts`, to be decoded in order.

    `codec` is "VP8" or "H264" (Annex B). `alone`: nothing before is needed. `followed`: the next
    one may build on this one, so the decoder is to be kept.
    """

    codec: str
    parts: tuple[bytes, ...]
    arrived_at: float
    alone: bool = True
    followed: bool = False


@dataclass(slots=True)
class SamplerCounters:
    """`refused` payloads were looked at and were not what their codec allows. `unanswered` times
    a sender was found to ignore requests for a key picture. `followed` pictures were taken
    because all were."""

    packets: int = 0
    refused: int = 0
    pictures: int = 0
    followed: int = 0
    key_requests: int = 0
    packet_requests: int = 0
    unanswered: int = 0
    torn: int = 0


@dataclass(slots=True)
class PictureSampler:
    """Samples one video stream. `interval_s` is the wished distance between pictures.

    Times are those of one monotonic clock, in seconds.
    """

    interval_s: float
    counters: SamplerCounters = field(default_factory=SamplerCounters)
    state: SamplerState = SamplerState.RESTING
    choice: ModeChoice = field(default_factory=ModeChoice)
    _due_at: float = float("-inf")
    _last_packet_at: float = float("-inf")
    _requests: KeyRequests = field(default_factory=KeyRequests)
    _assembly: PictureAssembly = field(default_factory=lambda: PictureAssembly(0))
    _sets: ParameterSets = field(default_factory=ParameterSets)
    _codec: str = ""
    _key_timestamp: int = 0
    _started_at: float = 0.0
    _progress_at: float = 0.0
    _key_whole_at: float = 0.0
    _packets: PacketRequests = field(default_factory=PacketRequests)
    _few: int = 0
    _run: list[bytes] = field(default_factory=list)  # whole, and not handed on yet
    _run_bytes: int = 0
    _run_alone: bool = False

    def restart(self, now: float) -> None:
        """The packets from now on are of another stream."""
        self.lost()
        self.choice = ModeChoice()
        self._sets = ParameterSets()
        self._due_at = now
        self._requests.begin_stream()

    def lost(self) -> None:
        """What later pictures build on is gone: only a key picture helps."""
        if self.state in (SamplerState.COLLECTING, SamplerState.FOLLOWING):
            self._tear()

    def undecodable(self) -> None:
        """What was handed on, and others build on, could not be decoded."""
        self._requests.failed()
        self.lost()

    def wants_packet(self, now: float) -> bool:
        """Whether `push` would read the packet that has just come. If not, `push` it not."""
        self._note_packet(now)
        wanted = self.state is not SamplerState.RESTING
        if not wanted:
            self.counters.packets += 1
        return wanted

    def rests_until(self) -> float:
        """No packet before is wanted, unless the stream pauses or another begins."""
        return self._asks_at() if self.state is SamplerState.RESTING else float("-inf")

    def skipped(self, packets: int, last_at: float) -> None:
        """So many packets came while it rested, the last one then."""
        self.counters.packets += packets
        self._last_packet_at = max(self._last_packet_at, last_at)

    def counted(self, pictures: int, now: float) -> None:
        """So many pictures have come since the stream began, read or not."""
        self.choice.counted(pictures, now)

    @property
    def phase(self) -> tuple[SamplerState, VideoMode, bool, bool, bool]:
        """When it changes, `deadline` may have become earlier."""
        begun = self._assembly.begun
        return self.state, self.choice.mode, bool(self._run), begun, self._packets.gap

    def push(self, arrival: RtpArrival, now: float) -> EncodedPicture | None:
        """Takes one packet; returns the picture that is to be shown now, if there is one.

        The payload may be anything; what is not of its codec is counted and dropped.
        """
        self.counters.packets += 1
        self._note_packet(now)
        if self.state is SamplerState.RESTING:
            return None
        try:
            fragment = _fragment_untrusted(arrival)
        except PayloadRefused:
            self.counters.refused += 1
            return None
        if self.state is SamplerState.WANTED:
            if not fragment.starts_key:
                return None
            self._start(arrival, now)
        whole = self._add(arrival, fragment, now)
        return self.take(now, early_s=EARLY_SHARE * self.interval_s) if whole else None

    def _note_packet(self, now: float) -> None:
        if self.paused(now):
            self._resume(now)
        self._last_packet_at = now
        self._pass_time(now)

    def _resume(self, now: float) -> None:
        """A stream that is followed goes on: if something got lost meanwhile, a gap shows it."""
        if self.state is SamplerState.COLLECTING:
            self._tear()
        if self.state is not SamplerState.FOLLOWING:
            self._due_at = now
        self._requests.begin()

    def tick(self, now: float) -> list[Feedback]:
        """What to ask of the sender now. Call it again at `deadline`, and when `phase` changed."""
        if self.paused(now):
            return []
        self._pass_time(now)
        if self.state is SamplerState.WANTED:
            return self._request_key(now)
        if self.state is SamplerState.RESTING:
            return []
        out = self._request_missing(now)
        if self._wants_key(now):
            out += self._request_key(now)
        return out

    def take(self, now: float, early_s: float = 0.0) -> EncodedPicture | None:
        """The picture that is to be shown now; also when no packet comes, before each `tick`."""
        if not self._run:
            return None
        if self.state is SamplerState.COLLECTING:
            enough = len(self._run) > self._few or now >= self._key_whole_at + FEW_LIMIT_S
            return self._finish(now) if enough else None
        if now < self._hand_on_at() - early_s and self._run_bytes <= MAX_PICTURE_BYTES:
            return None
        self._due_at = now + self.interval_s
        return self._hand_on(now)

    def deadline(self, now: float) -> float | None:
        """When `take` or `tick` next have something to do; None while no packets come."""
        if self.state is SamplerState.FOLLOWING:
            return self._deadline_following(now)
        if self.paused(now):
            return None
        if self.state is SamplerState.RESTING:
            return self._asks_at()
        if self.state is SamplerState.WANTED:
            return self._request_at()
        return min(self._packets.next_at(now), self._give_up_at())

    def _deadline_following(self, now: float) -> float | None:
        times = [self._hand_on_at()] if self._run else []
        if not self.paused(now):
            gap = self._packets.gap_deadline(now)
            times += [] if gap is None else [gap]
            if self.choice.mode is VideoMode.KEYS:
                times.append(max(self._asks_at(), self._request_at()))
        return min(times, default=None)

    def _hand_on_at(self) -> float:
        """While it follows. What is on its way is waited for."""
        if self.choice.mode is VideoMode.KEYS and self._requests.pending:
            return self._due_at + KEY_AWAITED_S
        return self._due_at + (REST_AWAITED_S if self._assembly.begun else 0.0)

    def paused(self, now: float) -> bool:
        """Whether the stream has stopped, or never began."""
        return now - self._last_packet_at > STREAM_PAUSED_S

    def _asks_at(self) -> float:
        return self._due_at - self._requests.latency_s

    def _request_at(self) -> float:
        return self._requests.next_at(ignored=self.choice.ignores_requests)

    def _pass_time(self, now: float) -> None:
        if self.state is SamplerState.COLLECTING and not self._run and now >= self._give_up_at():
            self._tear()
        if self.state is SamplerState.FOLLOWING and self._packets.hopeless(now):
            self._tear()
        if self.state is SamplerState.RESTING and now >= self._asks_at():
            self._apply(SamplerEvent.DUE)
            self._requests.begin()

    def _give_up_at(self) -> float:
        if self._run:
            return self._key_whole_at + FEW_LIMIT_S
        return min(self._started_at + COLLECT_LIMIT_S, self._progress_at + STALL_LIMIT_S)

    def _apply(self, event: SamplerEvent) -> None:
        self.state = next_state(self.state, event)

    def _wants_key(self, now: float) -> bool:
        """While it follows: whether a key picture now would end that."""
        if self.state is not SamplerState.FOLLOWING or self.choice.mode is not VideoMode.KEYS:
            return False
        return self._requests.pending or now >= self._asks_at()

    def _request_key(self, now: float) -> list[Feedback]:
        if now < self._request_at():
            return []
        self._requests.sent(now)
        self.counters.key_requests += 1
        self._note_in_vain()
        return [RequestKey()]

    def _note_in_vain(self) -> None:
        if self._requests.in_vain and not self.choice.ignores_requests:
            self.counters.unanswered += 1
            self.choice.asked_in_vain()

    def _start(self, arrival: RtpArrival, now: float) -> None:
        self._apply(SamplerEvent.KEY_STARTED)
        self._assembly = PictureAssembly(arrival.sequence)
        self._forget_run()
        self._key_timestamp = arrival.timestamp
        self._started_at = self._progress_at = now
        self._few = 0
        self._packets.begin(now)
        self._note_key_began(now)

    def _note_key_began(self, now: float) -> None:
        if self._requests.key_began(now):
            self.choice.ignores_requests = False
        self._note_in_vain()

    def _add(self, arrival: RtpArrival, fragment: Fragment, now: float) -> bool:
        """Whether that made a picture whole."""
        assembly = self._assembly
        assembly.add(
            arrival.sequence,
            arrival.timestamp,
            marker=arrival.marker,
            data=fragment.data,
            starts_key=fragment.starts_key,
        )
        self._codec = arrival.codec
        if arrival.timestamp == self._key_timestamp:
            self._progress_at = now
        whole = False
        for picture in assembly.whole():
            whole = True
            self._took(picture, now)
            if self.state is SamplerState.WANTED:
                return False
        self._packets.note(assembly.broken, now)
        if assembly.too_large and not (self._run and self.state is SamplerState.COLLECTING):
            self._tear()
        return whole

    def _took(self, picture: WholePicture, now: float) -> None:
        """A picture is whole, and all before it were."""
        key = self._sets.completed(self._codec, picture.data) if picture.starts_key else None
        if key is not None:
            self._took_key(key, now)
        elif self._run or self.state is SamplerState.FOLLOWING:
            self._run.append(picture.data)
            self._run_bytes += len(picture.data)
        elif not picture.starts_key:
            self._tear()  # what began as a key picture was none
            return
        if self.state is SamplerState.FOLLOWING:
            self.counters.followed += 1
            self.choice.read(picture.timestamp, now)
            if len(self._run) > self._most_in_run():
                self._tear()

    def _most_in_run(self) -> int:
        """Of pictures that are decoded at once: fewer of large ones."""
        pixels = self._sets.pixels or FULL_HD_PIXELS
        return max(LEAST_IN_RUN, min(MOST_IN_RUN, MOST_IN_RUN * FULL_HD_PIXELS // pixels))

    def _took_key(self, key: bytes, now: float) -> None:
        if self._wants_key(now):
            self._apply(SamplerEvent.KEY_STARTED)
            self._note_key_began(now)
        self.choice.key_came(now)
        self._run, self._run_bytes, self._run_alone = [key], len(key), True
        if self.state is SamplerState.COLLECTING:
            self._key_whole_at = now
            pixels = self._sets.pixels
            sampled = self.choice.mode is VideoMode.KEYS
            self._few = deltas_after(len(key), pixels) if sampled else 0

    def _finish(self, now: float) -> EncodedPicture:
        sampled = self.choice.mode is VideoMode.KEYS
        self._apply(SamplerEvent.COMPLETED if sampled else SamplerEvent.ALL_TAKEN)
        self._requests.key_taken(now)
        self._requests.begin()
        # On the grid the rate holds although each picture comes a little early or late.
        on_grid = abs(now - self._due_at) <= self.interval_s / 2
        self._due_at = (self._due_at if on_grid else now) + self.interval_s
        return self._hand_on(now)

    def _hand_on(self, now: float) -> EncodedPicture:
        self.counters.pictures += 1
        followed = self.state is SamplerState.FOLLOWING
        if not followed or not self._run_alone:  # nobody complained of what it builds on
            self._requests.succeeded()
        picture = EncodedPicture(self._codec, tuple(self._run), now, self._run_alone, followed)
        self._forget_run()
        return picture

    def _forget_run(self) -> None:
        self._run, self._run_bytes, self._run_alone = [], 0, False

    def _tear(self) -> None:
        self._apply(SamplerEvent.TORN)
        self._forget_run()
        self.counters.torn += 1

    def _request_missing(self, now: float) -> list[Feedback]:
        if not self._packets.due(now):
            return []
        sampled = self.state is SamplerState.COLLECTING and self.choice.mode is VideoMode.KEYS
        whole = len(self._run)
        missing = self._assembly.missing(1 + self._few - whole if sampled else ALL_PICTURES)
        if not missing:
            return []
        self._packets.sent(now)
        self.counters.packet_requests += 1
        return [RequestPackets(missing[:NACK_MOST])]


def _fragment_untrusted(arrival: RtpArrival) -> Fragment:
    """Padding holds nothing, but its number counts. Raises `PayloadRefused`."""
    if not arrival.payload:
        return Fragment(b"", False)
    return fragment_untrusted(arrival.codec, arrival.payload)
