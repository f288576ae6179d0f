"""How much of an answer's text has been spoken by a given moment of its sound. Pure.

Gemini sends words and sound side by side and does not say when each word is spoken. As a rule a
fragment comes with the piece of sound in which it begins, or with that in which it ends. Where
all of an answer came like that, its order of arrival tells. Where the words ran ahead of the
sound or behind it, they are spread over what is audible in proportion to their length; and when
the whole sound is known, the ends of clauses are laid on the pauses of the voice.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from processors.clause_alignment import align
from processors.wording import clause_ends, weights, words

FRAME_S: Final = 0.02  # what is told apart as audible or not
QUIET_RMS: Final = 200.0  # of 32,767; what is softer is a pause
PAUSE_FRAMES: Final = 4  # shorter ones lie within words

USUAL_RATE: Final = 17.0  # letters to a second of voice, as `wording.weights` counts them
PLAUSIBLE: Final = 3.0  # times the usual rate, or a part of it
FAMILIAR: Final = 1.5  # the same of a rate that was measured
MEASURABLE_S: Final = 2.0  # of voice; less says little about its rate

OUT_OF_STEP_S: Final = 0.4  # a fragment that is so much longer than its sound came without it
ODD_SHARE: Final = 0.1  # of the fragments may be so: figures, names
DRIFT_S: Final = 1.0  # of all before it, against a steady rate
UNSTEADY: Final = 0.1  # the part by which a voice's own rate changes

TELLING: Final = 4  # fragments, of which the second and the last say the same as those before

OWED_SHARE: Final = 0.3  # of the words that a sound should have; with fewer, more will come
OWED_AFTER_S: Final = 0.3

_Knots = Sequence[tuple[float, float]]  # (seconds of voice, letters spoken by then), rising


def audible(samples: NDArray[np.int16], sample_rate: int) -> bytes:
    """A byte for each `FRAME_S` of mono sound: 1 where something is heard, 0 in a pause."""
    size = int(FRAME_S * sample_rate)
    count = -(-samples.size // size)
    padded = np.zeros(count * size, np.float32)
    padded[: samples.size] = samples
    power = np.square(padded.reshape(count, size)).mean(axis=1)
    return bytes((power > QUIET_RMS**2).astype(np.uint8))


@dataclass(slots=True)
class SpokenText:
    """`said` and `sounded` in their order of arrival, `completed` when no more sound should come.

    `rate` is what `measured_rate` was of an answer before, in the same voice.
    """

    rate: float | None = None
    text: str = ""
    sound_s: float = 0.0
    complete: bool = False
    _fragments: list[str] = field(default_factory=list)
    _twice: bool = False
    _came_again: bool = False  # the last fragment
    _arrivals: list[tuple[float, int]] = field(default_factory=list)  # (voice before, its end)
    _audible: bytearray = field(default_factory=bytearray)  # a byte for each frame
    _voiced: int = 0  # frames in which something was heard

    def said(self, fragment: str) -> str:
        """What is new in it: nothing, when every fragment of this answer comes twice.

        That is known by the fourth, which takes the second out of `text` again.
        """
        last = self._fragments[-1] if self._fragments else ""
        if not fragment or (self._twice and fragment == last and not self._came_again):
            self._came_again = True
            return ""
        self._came_again = False
        self._add(fragment, self._voice_s)
        if len(self._fragments) != TELLING or self._twice:
            return fragment
        one, again, other, other_again = self._fragments
        self._twice = self._came_again = one == again != other == other_again
        if not self._twice:
            return fragment
        arrivals, self._arrivals = self._arrivals, []
        self.text, self._fragments = "", []
        self._add(one, arrivals[0][0])
        self._add(other, arrivals[2][0])
        return ""

    def _add(self, fragment: str, voice_s: float) -> None:
        self.text += fragment
        self._fragments.append(fragment)
        self._arrivals.append((voice_s, len(self.text)))

    def sounded(self, duration_s: float, heard: bytes = b"\x01") -> None:
        """The next piece of sound; `heard` as `audible` tells it of all the piece, at any pace."""
        self.complete = False
        self.sound_s += duration_s
        count = round(self.sound_s / FRAME_S) - len(self._audible)
        frames = bytes(heard[index * len(heard) // count] for index in range(count))
        self._audible += frames
        self._voiced += frames.count(1)

    def completed(self) -> None:
        self.complete = True

    @property
    def measured_rate(self) -> float | None:
        """Letters to a second of voice; None when the answer does not tell."""
        if not self.complete or self._voice_s < MEASURABLE_S:
            return None
        rate = sum(weights(self.text)) / self._voice_s
        return rate if _near(rate, USUAL_RATE, PLAUSIBLE) else None

    @property
    def words_owed(self) -> bool:
        """There is sound whose words have not come."""
        expected = self._voice_s * (self.rate or USUAL_RATE)
        return self._voice_s >= OWED_AFTER_S and sum(weights(self.text)) < OWED_SHARE * expected

    def text_until(self, heard_s: float) -> str:
        """What was spoken in the first `heard_s` of the sound, in whole words.

        A word counts when half of it was spoken.
        """
        spoken = [0.0, *accumulate(weights(self.text))]
        voiced = self._audible.count(1, 0, round(heard_s / FRAME_S))
        limit = self._spoken_at(voiced * FRAME_S, spoken)
        kept = 0
        for begin, end in words(self.text):
            if (spoken[begin] + spoken[end]) / 2 > limit:
                break
            kept = end
        return self.text[:kept].strip()

    @property
    def _voice_s(self) -> float:
        """How long something is heard in all the sound."""
        return self._voiced * FRAME_S

    def _spoken_at(self, voice_s: float, spoken: Sequence[float]) -> float:
        """In letters; `spoken[n]` are those of the first n characters."""
        all_s, letters = self._voice_s, spoken[-1]
        whole = self.complete and all_s > 0
        arrivals = self._arrival_knots(spoken)
        if not whole:
            if arrivals:
                return _interpolated(arrivals, voice_s)
            return min(letters, voice_s * (self.rate or USUAL_RATE))
        found = _interpolated(self._clause_knots(spoken, all_s), voice_s)
        if arrivals:
            found = max(found, _interpolated(arrivals, voice_s - OUT_OF_STEP_S))
            found = min(found, _interpolated(arrivals, voice_s + OUT_OF_STEP_S))
        return found

    def _arrival_knots(self, spoken: Sequence[float]) -> _Knots:
        """What the order of arrival says; nothing when the words did not come with their sound."""
        all_s, letters = self._voice_s, spoken[-1]
        arrivals = [(voice_s, spoken[end]) for voice_s, end in self._arrivals]
        for knots in (_from_begins(arrivals), _from_ends(arrivals)):
            reached_s, before = knots[-1]
            if self.complete and all_s:
                rate, end_s = letters / all_s, max(reached_s, all_s)
            elif reached_s and before:
                rate = before / reached_s
                end_s = reached_s + (letters - before) / rate
            else:
                continue
            knots = [*knots, (end_s, letters)]
            if self._is_likely(rate) and all_s < end_s + DRIFT_S and _in_step(knots, rate):
                return knots
        return []

    def _is_likely(self, rate: float) -> bool:
        if self.complete or self.rate is None:
            return _near(rate, USUAL_RATE, PLAUSIBLE)
        return _near(rate, self.rate, FAMILIAR)

    def _clause_knots(self, spoken: Sequence[float], all_s: float) -> _Knots:
        """The whole text along the whole sound."""
        rate = spoken[-1] / all_s
        ends = [spoken[end] / rate for end in clause_ends(self.text)]
        found = align(ends, self._pauses(), all_s)
        return [(0.0, 0.0), *((pause, end * rate) for pause, end in found), (all_s, spoken[-1])]

    def _pauses(self) -> list[float]:
        """Where the voice pauses, in seconds of voice."""
        gaps = bytes(self._audible).split(b"\x01")  # before each audible frame, and after the last
        inner = enumerate(gaps[1:-1], 1)
        return [heard * FRAME_S for heard, gap in inner if len(gap) >= PAUSE_FRAMES]


def _from_begins(arrivals: _Knots) -> _Knots:
    """As if each fragment had come with the sound that it begins with."""
    knots, before = [(0.0, 0.0)], 0.0
    for voice_s, letters in arrivals:
        if voice_s > knots[-1][0]:
            knots.append((voice_s, before))
        before = letters
    return knots


def _from_ends(arrivals: _Knots) -> _Knots:
    """As if each had come with the sound that it ends with."""
    return [(0.0, 0.0), *({voice_s: (voice_s, letters) for voice_s, letters in arrivals}.values())]


def _in_step(knots: _Knots, rate: float) -> bool:
    """Whether hardly a fragment is longer or shorter than its sound, and all keep one pace."""
    odd = [
        abs((after - before) / rate - (end_s - begin_s))
        > OUT_OF_STEP_S + UNSTEADY * (end_s - begin_s)
        for (begin_s, before), (end_s, after) in pairwise(knots)
    ]
    drifted = any(abs(said / rate - at_s) > DRIFT_S + UNSTEADY * at_s for at_s, said in knots)
    return not (odd[0] or odd[-1] or drifted or sum(odd) > ODD_SHARE * len(odd))


def _interpolated(knots: _Knots, voice_s: float) -> float:
    """Letters spoken by then."""
    place = bisect_left(knots, voice_s, key=lambda knot: knot[0])
    if place in (0, len(knots)):
        return knots[min(place, len(knots) - 1)][1]
    (begin_s, before), (end_s, after) = knots[place - 1], knots[place]
    return before + (after - before) * (voice_s - begin_s) / (end_s - begin_s)


def _near(rate: float, other: float, times: float) -> bool:
    return other / times <= rate <= other * times
