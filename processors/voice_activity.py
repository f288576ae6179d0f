"""Who speaks and when it is quiet, from the sound's level alone. Pure, a few µs a frame.

The level is compared with a noise floor that follows falls at once and rises slowly, so that
a fan is not speech and speech does not become the floor. Gemini's own events override it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import numpy as np
from numpy.typing import NDArray

FLOOR_RISE_DB_PER_S: Final = 4.0
FLOOR_LOWEST_DB: Final = -70.0
FLOOR_START_DB: Final = -50.0
SPEECH_OVER_FLOOR_DB: Final = 12.0
SPEECH_LOWEST_DB: Final = -45.0
START_AFTER_S: Final = 0.06  # shorter sounds are clicks
STOP_AFTER_S: Final = 0.5  # longer than the pauses within a sentence
FULL_SCALE: Final = 32768.0


class Voice(Enum):
    QUIET = auto()
    RISING = auto()
    SPEAKING = auto()
    FADING = auto()


class Sound(Enum):
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


def level_db(samples: NDArray[np.int16]) -> float:
    """RMS level in dB of full scale; -100 for nothing."""
    if not samples.size:
        return -100.0
    wide = samples.astype(np.float32)
    mean_square = float(np.dot(wide, wide)) / samples.size
    return 10.0 * float(np.log10(mean_square / FULL_SCALE**2 + 1e-10))


@dataclass(slots=True)
class VoiceActivity:
    """`push` each stretch of samples in order; `speaking` is the verdict after it."""

    sample_rate: int
    voice: Voice = Voice.QUIET
    level: float = -100.0
    _floor: float = FLOOR_START_DB
    _in_state_s: float = 0.0

    @property
    def speaking(self) -> bool:
        return self.voice in (Voice.SPEAKING, Voice.FADING)

    def push(self, samples: NDArray[np.int16]) -> bool | None:
        """True when speech began with these samples, False when it ended, None otherwise."""
        duration_s = samples.size / self.sample_rate
        self.level = level_db(samples)
        loud = self.level > max(self._floor + SPEECH_OVER_FLOOR_DB, SPEECH_LOWEST_DB)
        self._follow_floor(duration_s)
        return self._apply(loud, duration_s)

    def _follow_floor(self, duration_s: float) -> None:
        risen = self._floor + FLOOR_RISE_DB_PER_S * duration_s
        self._floor = max(min(self.level, risen), FLOOR_LOWEST_DB)

    def _apply(self, loud: bool, duration_s: float) -> bool | None:
        before = self.speaking
        self._in_state_s += duration_s
        sound = Sound.LOUD if loud else Sound.SOFT
        if loud and self.voice is Voice.RISING and self._in_state_s >= START_AFTER_S:
            sound = Sound.LOUD_LONG
        if not loud and self.voice is Voice.FADING and self._in_state_s >= STOP_AFTER_S:
            sound = Sound.SOFT_LONG
        after = TRANSITIONS.get((self.voice, sound))
        if after is not None:
            self.voice, self._in_state_s = after, 0.0
        return None if self.speaking == before else self.speaking
