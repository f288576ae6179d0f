"""Many speakers to the one stream that Gemini hears. Pure.

Each speaker's samples wait in a short queue; a mixed frame leaves as soon as every speaker
has a whole one, or when the fullest queue holds more than `MAX_SKEW_FRAMES`, with silence
for those who have none. A lone speaker therefore waits for nobody, and no queue ever holds
more than `MAX_SKEW_FRAMES`.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

FRAME_SAMPLES: Final = 640  # 40 ms at 16 kHz
MAX_SKEW_FRAMES: Final = 2  # 80 ms: later than that a speaker counts as silent

Pcm = NDArray[np.int16]


@dataclass(slots=True)
class _Line:
    """One speaker's samples that are not mixed yet."""

    parts: list[Pcm] = field(default_factory=list)
    size: int = 0

    def push(self, samples: Pcm) -> None:
        self.parts.append(samples)
        self.size += samples.size

    def take(self, count: int) -> Pcm:
        """The first `count` samples, padded with silence."""
        joined = self.parts[0] if len(self.parts) == 1 else np.concatenate(self.parts)
        if joined.size == count:  # as a rule
            self.parts = []
            self.size = 0
            return joined
        taken, rest = joined[:count], joined[count:]
        self.parts = [rest]
        self.size = rest.size
        if taken.size < count:
            taken = np.concatenate([taken, np.zeros(count - taken.size, np.int16)])
        return taken


@dataclass(slots=True)
class Mixer:
    """`push` a speaker's samples; get the 40 ms frames that are complete by that.

    `padded_frames` counts those in which a speaker's part was late, and silent in part or
    wholly.
    """

    padded_frames: int = 0
    _lines: dict[str, _Line] = field(default_factory=dict)

    @property
    def waiting_samples(self) -> int:
        """How much the fullest queue holds."""
        return max((line.size for line in self._lines.values()), default=0)

    def waiting_of(self, speaker: str) -> int:
        """How many samples the queue of `speaker` holds."""
        line = self._lines.get(speaker)
        return 0 if line is None else line.size

    def push(self, speaker: str, samples: Pcm) -> list[Pcm]:
        line = self._lines.get(speaker)
        if line is None:
            line = self._lines[speaker] = _Line()
        line.push(samples)
        # With less than a frame in this queue nothing has become ready that was not.
        return self._mix() if line.size >= FRAME_SAMPLES else []

    def remove(self, speaker: str) -> list[Pcm]:
        """What the others had to wait for `speaker` is mixed now."""
        self._lines.pop(speaker, None)
        return self._mix()

    def _mix(self) -> list[Pcm]:
        frames: list[Pcm] = []
        lines = self._lines.values()
        while self._ready():
            if any(line.size < FRAME_SAMPLES for line in lines):
                self.padded_frames += 1
            frames.append(_sum([line.take(FRAME_SAMPLES) for line in lines if line.size]))
        return frames

    def _ready(self) -> bool:
        sizes = [line.size for line in self._lines.values()]
        fullest = max(sizes, default=0)
        if fullest < FRAME_SAMPLES:
            return False
        return min(sizes) >= FRAME_SAMPLES or fullest > MAX_SKEW_FRAMES * FRAME_SAMPLES


def _sum(parts: list[Pcm]) -> Pcm:
    """Clipped. A lone part is passed on as it is."""
    if len(parts) == 1:
        return parts[0]
    total = np.sum(np.stack(parts), axis=0, dtype=np.int32)
    return np.clip(total, -32768, 32767).astype(np.int16)
