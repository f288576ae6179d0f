"""The room's voice on its way out, cut into packets, and what of it was heard. Pure.

The answer's samples wait here; the ticker takes 20 ms at a time. Heard is what was taken,
less what is still on its way to the ears (`IN_FLIGHT_S`).
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

PACKET_S: Final = 0.02
IN_FLIGHT_S: Final = 0.04  # the network's and the jitter buffer's share, as a rule
MAX_WAITING_S: Final = 600.0  # Gemini sends faster than real time; an answer is minutes at most
RTP_CLOCK_HZ: Final = 48_000  # Opus over RTP always counts at 48 kHz (RFC 7587 section 4.1)
TIMESTAMP_STEP: Final = int(PACKET_S * RTP_CLOCK_HZ)

Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Heard:
    """Of an answer of `received_s` so far, `played_s` were sent and `heard_s` heard."""

    received_s: float
    played_s: float

    @property
    def heard_s(self) -> float:
        return max(0.0, self.played_s - IN_FLIGHT_S)


@dataclass(slots=True)
class Playout:
    """`push` samples, `take` packets' worth, `cut` on interruption, `begin` each answer."""

    sample_rate: int
    limit_s: float = MAX_WAITING_S
    dropped_samples: int = 0
    _parts: deque[Pcm] = field(default_factory=deque)
    _waiting: int = 0
    _before: int = 0  # of what waits, this much belongs to the answer before
    _received: int = 0
    _played: int = 0

    @property
    def waiting_s(self) -> float:
        return self._waiting / self.sample_rate

    @property
    def waiting(self) -> bool:
        return self._waiting > 0

    @property
    def heard(self) -> Heard:
        return Heard(self._received / self.sample_rate, self._played / self.sample_rate)

    def begin(self) -> None:
        """A new answer: what was heard counts from zero. Nothing that waits is lost."""
        self._before = self._waiting
        self._received = 0
        self._played = 0

    def push(self, samples: Pcm) -> Pcm:
        """What was taken of it. What does not fit into `limit_s` is dropped and counted."""
        room = int(self.limit_s * self.sample_rate) - self._waiting
        if samples.size > room:
            self.dropped_samples += samples.size - room
            samples = samples[:room]
        if samples.size:
            self._parts.append(samples)
            self._waiting += samples.size
            self._received += samples.size
        return samples

    def take(self, *, flush: bool) -> Pcm | None:
        """The next 20 ms. A shorter rest only with `flush`, padded with silence; else None."""
        count = int(PACKET_S * self.sample_rate)
        if self._waiting == 0 or (self._waiting < count and not flush):
            return None
        taken = self._pop(count)
        earlier = min(self._before, taken.size)
        self._before -= earlier
        self._played += taken.size - earlier
        if taken.size < count:
            taken = np.concatenate([taken, np.zeros(count - taken.size, np.int16)])
        return taken

    def cut(self) -> Heard:
        """Forgets what waits; returns what had been heard by then."""
        self._parts.clear()
        self._waiting = 0
        self._before = 0
        return self.heard

    def _pop(self, count: int) -> Pcm:
        out: list[Pcm] = []
        while count and self._parts:
            part = self._parts.popleft()
            if part.size > count:
                self._parts.appendleft(part[count:])
                part = part[:count]
            out.append(part)
            count -= part.size
            self._waiting -= part.size
        return out[0] if len(out) == 1 else np.concatenate(out)


@dataclass(slots=True)
class RtpClock:
    """RTP timestamps, in steps of a packet: they follow the clock over pauses, never go back.

    Within a stretch of speech they follow the packets, however late the beat: a jump would
    make receivers invent sound for a packet that was never missing.
    """

    _origin: float | None = None
    _step: int = -1

    def next(self, now: float, *, after_pause: bool) -> int:
        """The timestamp of a packet that leaves at `now` (seconds, any origin)."""
        if self._origin is None:
            self._origin = now
        self._step += 1
        if after_pause:
            self._step = max(self._step, round((now - self._origin) / PACKET_S))
        return self._step * TIMESTAMP_STEP
