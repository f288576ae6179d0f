"""Who speaks and when it is quiet, from the sound's level alone. Pure, a few µs a block.

The level is compared with a noise floor that follows falls at once and rises slowly, so that
a fan is not speech and speech does not become the floor. Gemini's own events override it.

          loud              loud long               soft
  QUIET ─────────► RISING ─────────────► SPEAKING ─────────► FADING
    ▲  ▲             │                      ▲                │    │
    │  └────soft─────┘                      └──────loud──────┘    │
    └───────────────────────soft long─────────────────────────────┘
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, auto
from typing import Final

import numpy as np
from numpy.typing import NDArray

BLOCK_S: Final = 0.02  # longer stretches are judged in blocks, or a click would fill them
SPEECH_OVER_FLOOR_DB: Final = 12.0
SPEECH_LOWEST_DB: Final = -45.0
FLOOR_RISE_DB_PER_S: Final = 4.0
FLOOR_LOWEST_DB: Final = SPEECH_LOWEST_DB - SPEECH_OVER_FLOOR_DB  # a lower one decides nothing
FLOOR_START_DB: Final = -50.0
START_AFTER_S: Final = 0.06  # shorter sounds are clicks
STOP_AFTER_S: Final = 0.5  # longer than the pauses within a sentence
SILENCE_DB: Final = -100.0
FULL_SCALE: Final = 32768.0


class Voice(IntEnum):  # looked up for every packet: Enum hashes ten times as slowly
    QUIET = auto()
    RISING = auto()
    SPEAKING = auto()
    FADING = auto()


class Sound(IntEnum):
    LOUD = auto()
    SOFT = auto()
    LOUD_LONG = auto()
    SOFT_LONG = auto()


TRANSITIONS: Final[Mapping[tuple[Voice, Sound], Voice]] = {
    (Voice.QUIET, Sound.LOUD): Voice.RISING,
    (Voice.RISING, Sound.SOFT): Voice.QUIET,
    (Voice.RISING, Sound.LOUD_LONG): Voice.SPEAKING,
    (Voice.SPEAKING, Sound.SOFT): Voice.FADING,
    (Voice.FADING, Sound.LOUD): Voice.SPEAKING,
    (Voice.FADING, Sound.SOFT_LONG): Voice.QUIET,
}
"""What is not listed changes nothing: sounds go on."""


def level_db(samples: NDArray[np.int16]) -> float:
    """RMS level in dB of full scale; `SILENCE_DB` for nothing."""
    if not samples.size:
        return SILENCE_DB
    wide = samples.astype(np.float32)
    mean_square = float(np.dot(wide, wide)) / samples.size / FULL_SCALE**2
    return max(SILENCE_DB, 10.0 * math.log10(mean_square)) if mean_square else SILENCE_DB


@dataclass(slots=True)
class VoiceActivity:
    """`push` each stretch of samples in order; `speaking` and `level` are as of its end."""

    sample_rate: int
    voice: Voice = Voice.QUIET
    level: float = SILENCE_DB
    _floor: float = FLOOR_START_DB
    _in_state: int = 0

    @property
    def speaking(self) -> bool:
        return self.voice is Voice.SPEAKING or self.voice is Voice.FADING

    def push(self, samples: NDArray[np.int16]) -> bool | None:
        """True when speech began with these samples, False when it ended, None otherwise."""
        before = self.speaking
        block = int(BLOCK_S * self.sample_rate)
        if 0 < samples.size <= block:
            self._judge(samples)
        else:
            for start in range(0, samples.size, block):
                self._judge(samples[start : start + block])
        after = self.speaking
        return None if after is before else after

    def _judge(self, block: NDArray[np.int16]) -> None:
        self.level = level_db(block)
        loud = self.level > max(self._floor + SPEECH_OVER_FLOOR_DB, SPEECH_LOWEST_DB)
        self._follow_floor(block.size)
        self._in_state += block.size
        after = TRANSITIONS.get((self.voice, self._sound(loud)))
        if after is not None:
            self.voice, self._in_state = after, block.size

    def _follow_floor(self, count: int) -> None:
        risen = self._floor + FLOOR_RISE_DB_PER_S * count / self.sample_rate
        self._floor = max(min(self.level, risen), FLOOR_LOWEST_DB)

    def _sound(self, loud: bool) -> Sound:
        in_state_s = self._in_state / self.sample_rate
        if loud:
            long = self.voice is Voice.RISING and in_state_s >= START_AFTER_S
            return Sound.LOUD_LONG if long else Sound.LOUD
        long = self.voice is Voice.FADING and in_state_s >= STOP_AFTER_S
        return Sound.SOFT_LONG if long else Sound.SOFT
