"""Where an utterance begins and ends; pure, numpy, timed by the audio itself.

Automatic detection compares the level of 20 ms frames with a noise floor that it follows. Only
audio moves its clock: a client that stops sending never ends its turn, as on the real service,
unless it says `audioStreamEnd`. Manual activity trusts the client's marks instead.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

RATE_HZ: Final = 16_000
FRAME_MS: Final = 20
FRAME_SAMPLES: Final = RATE_HZ * FRAME_MS // 1000
FRAME_BYTES: Final = 2 * FRAME_SAMPLES
FRAME_S: Final = FRAME_MS / 1000

# What lies before the committed start belongs to the first word.
PRE_ROLL_MS: Final = 300
# Of the silence that ended an utterance, this much is kept.
TAIL_MS: Final = 200
MAX_UTTERANCE_S: Final = 120.0
MAX_UTTERANCE_BYTES: Final = int(MAX_UTTERANCE_S) * RATE_HZ * 2

QUIETEST_FLOOR_DB: Final = -75.0
FLOOR_FALL_SHARE: Final = 0.5
FLOOR_RISE_QUIET_DB_PER_S: Final = 6.0
FLOOR_RISE_SPEECH_DB_PER_S: Final = 1.5

HIGH: Final = "HIGH"
LOW: Final = "LOW"


@dataclass(frozen=True, slots=True)
class DetectionConfig:
    """The setup's `automaticActivityDetection`. Sensitivities are HIGH or LOW.

    `prefix_padding_ms` is the speech needed before a start is committed, `silence_duration_ms` the
    silence needed before an end is. None takes the sensitivity's own value; the real service
    documents no defaults, and measured silence is about 800 ms.
    """

    start: str = HIGH
    end: str = HIGH
    prefix_padding_ms: int | None = None
    silence_duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Levels in dB above the noise floor and in dBFS, durations in frames of 20 ms."""

    start_over_floor_db: float
    start_at_least_db: float
    stay_over_floor_db: float
    speech_frames: int
    silence_frames: int


_START_DB: Final = {HIGH: (9.0, -52.0), LOW: (15.0, -42.0)}
_STAY_DB: Final = {HIGH: 7.0, LOW: 4.0}
_PREFIX_MS: Final = {HIGH: 60, LOW: 140}
_SILENCE_MS: Final = {HIGH: 800, LOW: 1200}


def thresholds(config: DetectionConfig) -> Thresholds:
    """The numbers behind a configuration."""
    over_floor, at_least = _START_DB[config.start]
    prefix = _PREFIX_MS[config.start]
    silence = _SILENCE_MS[config.end]
    if config.prefix_padding_ms is not None:
        prefix = config.prefix_padding_ms
    if config.silence_duration_ms is not None:
        silence = config.silence_duration_ms
    return Thresholds(
        start_over_floor_db=over_floor,
        start_at_least_db=at_least,
        stay_over_floor_db=_STAY_DB[config.end],
        speech_frames=max(1, round(prefix / FRAME_MS)),
        silence_frames=max(1, round(silence / FRAME_MS)),
    )


@dataclass(frozen=True, slots=True)
class Started:
    """Speech is committed; `offset_s` is its place in the received audio."""

    offset_s: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The utterance is over; `pcm` is PCM16 mono 16 kHz with a little quiet on both sides.

    `samples` says where in the received audio it lies, from and to.
    """

    offset_s: float
    pcm: bytes
    samples: tuple[int, int] = (0, 0)


ActivityEvent: TypeAlias = Started | Ended


class AutomaticActivity:
    """Finds utterances in a stream of PCM16 mono 16 kHz."""

    def __init__(self, config: DetectionConfig) -> None:
        self._limits = thresholds(config)
        self._floor_db = QUIETEST_FLOOR_DB
        self._rest = b""
        self._frames = 0
        # Crumbs of frames that an end of the stream left behind.
        self._lost_samples = 0
        self._pre_roll: deque[bytes] = deque(
            maxlen=PRE_ROLL_MS // FRAME_MS + self._limits.speech_frames
        )
        self._utterance: list[bytes] | None = None
        self._loud_frames = 0
        self._quiet_frames = 0

    @property
    def active(self) -> bool:
        """True between a start and its end."""
        return self._utterance is not None

    @property
    def offset_s(self) -> float:
        """How much audio was judged so far."""
        return self._frames * FRAME_S

    @property
    def samples(self) -> int:
        """How many samples came so far."""
        return self._judged_samples + len(self._rest) // 2

    @property
    def _judged_samples(self) -> int:
        return self._frames * FRAME_SAMPLES + self._lost_samples

    def feed(self, pcm: bytes) -> list[ActivityEvent]:
        """Judge more audio; whole frames only, the rest waits for the next call."""
        pcm = self._rest + pcm
        whole = len(pcm) // FRAME_BYTES * FRAME_BYTES
        self._rest = pcm[whole:]
        levels = _levels_db(pcm[:whole])
        events: list[ActivityEvent] = []
        for position, level_db in enumerate(levels):
            frame = pcm[position * FRAME_BYTES : (position + 1) * FRAME_BYTES]
            event = self._judge(frame, level_db)
            if event is not None:
                events.append(event)
        return events

    def end_stream(self) -> list[ActivityEvent]:
        """`audioStreamEnd`: whatever is open ends now; the next audio opens anew."""
        self._lost_samples += len(self._rest) // 2
        self._rest = b""
        self._loud_frames = 0
        self._pre_roll.clear()
        return [] if self._utterance is None else [self._end()]

    def _judge(self, frame: bytes, level_db: float) -> ActivityEvent | None:
        self._frames += 1
        self._follow_floor(level_db)
        over_floor_db = level_db - self._floor_db
        if self._utterance is None:
            self._pre_roll.append(frame)
            loud = (
                over_floor_db >= self._limits.start_over_floor_db
                and level_db >= self._limits.start_at_least_db
            )
            self._loud_frames = self._loud_frames + 1 if loud else 0
            return self._start() if self._loud_frames >= self._limits.speech_frames else None
        self._utterance.append(frame)
        quiet = over_floor_db < self._limits.stay_over_floor_db
        self._quiet_frames = self._quiet_frames + 1 if quiet else 0
        full = len(self._utterance) * FRAME_S >= MAX_UTTERANCE_S
        return self._end() if full or self._quiet_frames >= self._limits.silence_frames else None

    def _follow_floor(self, level_db: float) -> None:
        if level_db < self._floor_db:
            self._floor_db += FLOOR_FALL_SHARE * (level_db - self._floor_db)
            self._floor_db = max(self._floor_db, QUIETEST_FLOOR_DB)
            return
        speech = self._utterance is not None or self._loud_frames
        rise = FLOOR_RISE_SPEECH_DB_PER_S if speech else FLOOR_RISE_QUIET_DB_PER_S
        self._floor_db = min(level_db, self._floor_db + rise * FRAME_S)

    def _start(self) -> Started:
        self._utterance = list(self._pre_roll)
        self._pre_roll.clear()
        started = Started(self.offset_s - self._loud_frames * FRAME_S)
        self._loud_frames = self._quiet_frames = 0
        return started

    def _end(self) -> Ended:
        frames, self._utterance = self._utterance or [], None
        surplus = max(0, self._quiet_frames - TAIL_MS // FRAME_MS)
        self._quiet_frames = 0
        pcm = b"".join(frames[: len(frames) - surplus])
        end = self._judged_samples - surplus * FRAME_SAMPLES
        return Ended(self.offset_s, pcm, (end - len(pcm) // 2, end))


class ManualActivity:
    """Collects the audio between `activityStart` and `activityEnd`; the rest is not heard."""

    def __init__(self) -> None:
        self._samples = 0
        self._utterance: deque[bytes] | None = None
        self._kept_bytes = 0

    @property
    def active(self) -> bool:
        """True between the client's marks."""
        return self._utterance is not None

    @property
    def offset_s(self) -> float:
        """How much audio arrived so far, heard or not."""
        return self._samples / RATE_HZ

    @property
    def samples(self) -> int:
        """How many samples came so far."""
        return self._samples

    def start(self) -> bool:
        """Open an activity; False when one is open already (nested starts are ignored)."""
        if self._utterance is not None:
            return False
        self._utterance = deque()
        self._kept_bytes = 0
        return True

    def feed(self, pcm: bytes) -> None:
        """More audio; kept only inside an activity, the oldest dropped beyond MAX_UTTERANCE_S."""
        self._samples += len(pcm) // 2
        if self._utterance is None:
            return
        self._utterance.append(pcm[-MAX_UTTERANCE_BYTES:])
        self._kept_bytes += len(self._utterance[-1])
        while self._kept_bytes > MAX_UTTERANCE_BYTES:
            self._kept_bytes -= len(self._utterance.popleft())

    def end(self) -> bytes:
        """Close the activity; empty when there was none or it held no audio (a fatal mistake)."""
        pcm, self._utterance = b"".join(self._utterance or ()), None
        return pcm


def _levels_db(pcm: bytes) -> list[float]:
    """The level of each whole frame in dBFS; digital silence is -100."""
    if not pcm:
        return []
    samples: NDArray[np.float32] = np.frombuffer(pcm, "<i2").astype(np.float32)
    samples = samples.reshape(-1, FRAME_SAMPLES) / 32768.0
    power = np.einsum("ij,ij->i", samples, samples) / FRAME_SAMPLES
    levels: list[float] = (10.0 * np.log10(np.maximum(power, 1e-10))).tolist()
    return levels
