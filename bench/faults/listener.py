"""Finds the words in a stream of packets as it comes. Pure."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from bench.faults.codec import HEARD_HZ, SOUND_SAMPLES, WORD_SAMPLES, Pcm, words_in
from bench.faults.gaps import Heard

LOOK_EVERY: Final = HEARD_HZ // 5  # samples
KEPT: Final = WORD_SAMPLES + SOUND_SAMPLES
EDGE: Final = 800  # samples after a word before it counts as whole
MAX_HOLE_S: Final = 10.0
ARRIVALS_KEPT: Final = 500


@dataclass(slots=True)
class Listener:
    """`push` each packet's samples (16 kHz) with its RTP time in samples and its arrival.

    `heard` are the words so far. What is missing between two packets becomes silence.
    """

    heard: list[Heard] = field(default_factory=list)
    _parts: list[Pcm] = field(default_factory=list)
    _kept_from: int = 0  # place of the first kept sample in the whole stream
    _end: int = 0  # and behind the last
    _looked: int = 0
    _next_time: int | None = None
    _last_word: int = -WORD_SAMPLES
    _arrivals: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=ARRIVALS_KEPT))

    def push(self, samples: Pcm, time: int, now: float) -> bool:
        """True when words were found."""
        hole = 0 if self._next_time is None else time - self._next_time
        if hole < 0:
            return False  # too late to be played
        if 0 < hole <= MAX_HOLE_S * HEARD_HZ:
            self._add(np.zeros(hole, np.int16))
        self._next_time = time + samples.size
        self._add(samples)
        self._arrivals.append((self._end, now))
        if self._end - self._looked < LOOK_EVERY:
            return False
        self._looked = self._end
        return self._look()

    def _add(self, samples: Pcm) -> None:
        self._parts.append(samples)
        self._end += samples.size

    def _look(self) -> bool:
        before = len(self.heard)
        sound = np.concatenate(self._parts)
        for word in words_in(sound):
            at = self._kept_from + word.at
            whole = word.at + SOUND_SAMPLES + EDGE <= sound.size
            if whole and at - self._last_word >= WORD_SAMPLES // 2:
                self._last_word = at
                self.heard.append(Heard(word.number, self._arrival(at)))
        kept = sound[-KEPT:]
        self._kept_from = self._end - kept.size
        self._parts = [kept]
        return len(self.heard) > before

    def _arrival(self, place: int) -> float:
        """Of the packet that holds it, or of the next one if none came."""
        return next(now for end, now in self._arrivals if end > place)
