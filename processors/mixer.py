"""Many speakers to the one stream that Gemini hears. Pure.

Each speaker's samples wait in a short queue; a mixed frame leaves as soon as every speaker
has a whole one, or when the fullest queue holds more than `MAX_SKEW_FRAMES`, with silence
for those who have none. A lone speaker therefore waits for nobody.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

FRAME_SAMPLES: Final = 640  # 40 ms at 16 kHz
MAX_SKEW_FRAMES: Final = 2  # 80 ms: later than that a speaker counts as silent
MAX_QUEUE_FRAMES: Final = 25  # one second; more is dropped from the front and counted

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
        joined = np.concatenate(self.parts) if self.parts else np.zeros(0, np.int16)
        taken, rest = joined[:count], joined[count:]
        self.parts = [rest] if rest.size else []
        self.size = rest.size
        if taken.size < count:
            taken = np.concatenate([taken, np.zeros(count - taken.size, np.int16)])
        return taken


@dataclass(slots=True)
class Mixer:
    """`push` a speaker's samples; get the 40 ms frames that are complete by that."""

    dropped_samples: int = 0
    _lines: dict[str, _Line] = field(default_factory=dict)

    def add(self, speaker: str) -> None:
        self._lines.setdefault(speaker, _Line())

    def remove(self, speaker: str) -> list[Pcm]:
        """What the others had to wait for `speaker` is mixed now."""
        self._lines.pop(speaker, None)
        return self._mix()

    def push(self, speaker: str, samples: Pcm) -> list[Pcm]:
        line = self._lines.setdefault(speaker, _Line())
        line.push(samples)
        frames = self._mix()
        if line.size > MAX_QUEUE_FRAMES * FRAME_SAMPLES:
            self.dropped_samples += FRAME_SAMPLES
            line.take(FRAME_SAMPLES)
        return frames

    def _mix(self) -> list[Pcm]:
        frames: list[Pcm] = []
        while self._ready():
            taken = [line.take(FRAME_SAMPLES) for line in self._lines.values() if line.size]
            if len(taken) == 1:
                frames.append(taken[0])
                continue
            total = np.sum(np.stack(taken).astype(np.int32), axis=0)
            frames.append(np.clip(total, -32768, 32767).astype(np.int16))
        return frames

    def _ready(self) -> bool:
        sizes = [line.size for line in self._lines.values()]
        if not sizes or max(sizes) < FRAME_SAMPLES:
            return False
        waiting = min(sizes) < FRAME_SAMPLES
        return not waiting or max(sizes) > MAX_SKEW_FRAMES * FRAME_SAMPLES
