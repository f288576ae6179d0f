"""What a peer heard of the answers: how long it waited, where they had holes. Pure.

Times are those of CLOCK_MONOTONIC in seconds, of packets as they arrive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.faults.codec import WORD_S

RIPPLE_S: Final = 0.1  # a word is found within some ms, and packets come by the tick

ITS_TURN_S: Final = 90.0  # after which the same words belong to another turn


@dataclass(frozen=True, slots=True)
class Said:
    """An utterance: `began` with its first packet, `ended` with its last sound."""

    numbers: Sequence[int]
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Heard:
    """A word of an answer, which begins in the packet that arrived at `at`."""

    number: int
    at: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one answer.

    `waited_s`: from the end of the utterance to the first word, None when nothing came. `hole_s`:
    the longest silence between two words. `whole`: its last word came. `missing` and `twice` count
    its words; where it broke off, one may be missing that was cut in two.
    """

    waited_s: float | None
    hole_s: float
    whole: bool
    missing: int
    twice: int

    @property
    def silence_s(self) -> float | None:
        """The longest that the peer heard nothing where something was due; None: for ever."""
        return max(self.waited_s, self.hole_s) if self.whole and self.waited_s is not None else None

    def gap_s(self, usual_s: float) -> float | None:
        """The same without what the model always takes to begin."""
        if self.waited_s is None or not self.whole:
            return None
        return max(0.0, self.waited_s - usual_s, self.hole_s)


def answer_heard(expected: Sequence[int], said: Said, heard: Sequence[Heard]) -> Answer:
    """`expected`: the numbers of the answer to `said`; `heard`: all words of the talk, in order."""
    until = said.began + ITS_TURN_S
    words = [word for word in heard if word.number in expected and said.began <= word.at < until]
    numbers = [word.number for word in words]
    found = set(numbers)
    missing, twice = len(set(expected) - found), len(numbers) - len(found)
    if not words:
        return Answer(None, 0.0, whole=False, missing=missing, twice=twice)
    holes = [
        later.at - earlier.at - WORD_S for earlier, later in zip(words, words[1:], strict=False)
    ]
    longest = max(holes, default=0.0)
    return Answer(
        waited_s=words[0].at - said.ended,
        hole_s=longest if longest > RIPPLE_S else 0.0,
        whole=expected[-1] in found,
        missing=missing,
        twice=twice,
    )


def turn_at(time: float, turns: Sequence[Said]) -> int | None:
    """The turn in which that happened: from its first word until the next turn's. None: before."""
    begun = [place for place, said in enumerate(turns) if said.began <= time]
    return begun[-1] if begun else None
