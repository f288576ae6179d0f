"""A camera behind a bad network, and a sampler in front of it, in virtual time.

The sender behaves as libwebrtc: a PLI makes the next frame a key picture unless one was made so
less than 300 ms ago, NACKed packets are sent again, packets of a frame leave paced.
"""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Final

from tests.transports.rtp_streams import video, vp8_payloads
from transports.feedback import Feedback, RequestKey
from transports.picture_sampler import EncodedPicture, PictureSampler
from transports.rtp_arrival import RtpArrival

KEY_LIMIT_S: Final = 0.3
PACE_S: Final = 0.0005


@dataclass(frozen=True)
class Camera:
    fps: float = 30.0
    later_fps: tuple[float, float] = (float("inf"), 0.0)  # from when on, how many
    obeys_pli: bool = True
    key_every_s: float = float("inf")
    key_packets: int = 25
    delta_packets: int = 4
    off: tuple[float, float] = (float("inf"), float("inf"))  # sends nothing between
    sequence: int = 65_000
    timestamp: int = 2**32 - 90_000


@dataclass(frozen=True)
class Network:
    """One way; `jitter_s` is uniform and may reorder."""

    delay_s: float = 0.025
    jitter_s: float = 0.0
    loss: float = 0.0
    seed: int = 1


@dataclass
class Outcome:
    pictures: list[float] = field(default_factory=list)
    feedback: Counter[str] = field(default_factory=Counter)
    plis: list[float] = field(default_factory=list)
    keys_sent: int = 0
    handed_on: list[EncodedPicture] = field(default_factory=list)

    def take(self, picture: EncodedPicture | None, now: float) -> None:
        if picture is not None:
            self.pictures.append(now)
            self.handed_on.append(picture)

    def per_second(self, start: float, end: float) -> float:
        return sum(start <= at < end for at in self.pictures) / (end - start)

    @property
    def gaps(self) -> list[float]:
        return sorted(later - earlier for earlier, later in pairwise(self.pictures))


class Simulation:
    def __init__(self, camera: Camera, network: Network, interval_s: float = 1.01) -> None:
        self.sampler = PictureSampler(interval_s)
        self.outcome = Outcome()
        self._camera = camera
        self._network = network
        self._rng = random.Random(network.seed)
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._count = 0
        self._sequence, self._timestamp = camera.sequence, camera.timestamp
        self._history: dict[int, RtpArrival] = {}
        self._key_wanted = True
        self._key_asked_at = self._key_made_at = float("-inf")
        self._timer = 0
        self._ended = 0

    def run(self, seconds: float) -> Outcome:
        self._at(0.0, self._frame)
        while self._events and self._events[0][0] < seconds:
            now, _, event = heapq.heappop(self._events)
            event(now)
        return self.outcome

    def _at(self, when: float, event: Callable[[float], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (when, self._count, event))

    # ---- the sender

    def _frame(self, now: float) -> None:
        camera = self._camera
        fps = camera.fps if now < camera.later_fps[0] else camera.later_fps[1]
        self._at(now + 1 / fps, self._frame)
        self._timestamp = (self._timestamp + round(90_000 / fps)) % 2**32
        if camera.off[0] <= now < camera.off[1]:
            return
        key = self._key_wanted or now - self._key_made_at >= camera.key_every_s
        if key:
            self._key_wanted, self._key_made_at = False, now
            self.outcome.keys_sent += 1
        count = camera.key_packets if key else camera.delta_packets
        for i, packet in enumerate(
            video(vp8_payloads(count, key=key), self._sequence, self._timestamp)
        ):
            self._history[packet.sequence] = packet
            self._send(now + i * PACE_S, packet)
        self._sequence += count

    def _send(self, now: float, packet: RtpArrival) -> None:
        self._travel(now, partial(self._receive, packet))

    def _travel(self, now: float, arrive: Callable[[float], None]) -> None:
        if self._rng.random() >= self._network.loss:
            delay = self._network.delay_s + self._rng.random() * self._network.jitter_s
            self._at(now + delay, arrive)

    def _obey(self, item: Feedback, now: float) -> None:
        if not isinstance(item, RequestKey):
            for sequence in item.sequences:
                self._send(now, self._history[sequence])
        elif self._camera.obeys_pli and now - self._key_asked_at >= KEY_LIMIT_S:
            self._key_asked_at, self._key_wanted = now, True

    # ---- the receiver, as video_receiver.py runs it

    def _receive(self, packet: RtpArrival, now: float) -> None:
        phase, idle = self.sampler.phase, self.sampler.paused(now)
        self._ended += packet.marker
        picture = self.sampler.push(packet, now)
        self.outcome.take(picture, now)
        if idle or picture is not None or self.sampler.phase != phase:
            self._wake(now)

    def _wake(self, now: float) -> None:
        self._timer += 1
        self.outcome.take(self.sampler.take(now), now)
        self.sampler.counted(self._ended, now)
        for item in self.sampler.tick(now):
            self.outcome.feedback[type(item).__name__] += 1
            if isinstance(item, RequestKey):
                self.outcome.plis.append(now)
            self._travel(now, partial(self._obey, item))
        deadline = self.sampler.deadline(now)
        if deadline is not None:
            self._at(max(deadline, now), partial(self._on_timer, self._timer))

    def _on_timer(self, timer: int, now: float) -> None:
        if timer == self._timer:  # else it was set again since
            self._wake(now)
