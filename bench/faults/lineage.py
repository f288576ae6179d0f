"""What a model has heard, over all the connections of a talk: which words are lost, which doubled.

A connection that resumed another one has heard what that one's handle remembers, `resumed_from`
and its own sound after that: its lineage. A fresh one begins anew. Pure.

Errors:

    BadRecord      what the emulator recorded does not hang together; no count is possible
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from bench.faults.codec import SOUND_SAMPLES, Pcm, Word, words_in

HALF_A_WORD: Final = SOUND_SAMPLES // 2


class BadRecord(ValueError):
    """`str()` says what is wrong."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a model answered: samples `begin` to `end` of the connection's own sound.

    A `begin` below 0 is in the sound of the connection that was resumed.
    """

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Connection:
    """`sound` is all that it was sent, at 16 kHz; `resumed_from`: whose handle it came with, and
    how many samples that handle remembers; `told` are the numbers in the texts it was sent."""

    number: int
    opened_at: float
    sound: Pcm
    resumed_from: tuple[int, int] | None = None
    answered: Sequence[Turn] = ()
    told: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Count:
    """Numbers that were said, lost and doubled; `strangers` were heard and never said."""

    said: int
    lost: tuple[int, ...] = ()
    doubled: tuple[int, ...] = ()
    strangers: tuple[int, ...] = ()


@dataclass(slots=True)
class _Heard:
    """The lineage of one connection: its words, and where in it the connection's own begin."""

    words: list[Word]
    own_from: int
    sound: Pcm = field(repr=False)


def count_words(said: Sequence[int], connections: Sequence[Connection]) -> Count:
    """Of one talk. Raises `BadRecord`.

    Lost is what is neither in the lineage of the last connection nor in its texts nor in what
    any model began to answer (a fresh one is told such turns in words). Doubled is what stands
    twice in one lineage.
    """
    known, doubled, heard = set[int](), set[int](), set[int]()
    lineages = _lineages(connections)
    for connection in connections:
        lineage = lineages[connection.number]
        known.update(_answered(connection, lineage))
        numbers = [word.number for word in lineage.words]
        heard.update(numbers)
        doubled.update(number for number in numbers if numbers.count(number) > 1)
    heard_by_any = [each for each in connections if each.sound.size or each.told]
    if heard_by_any:
        last = max(heard_by_any, key=lambda each: each.opened_at)
        known.update(word.number for word in lineages[last.number].words)
        known.update(_told(last, connections))
    spoken = set(said)
    return Count(
        said=len(said),
        lost=tuple(sorted(spoken - known)),
        doubled=tuple(sorted(doubled & spoken)),
        strangers=tuple(sorted(heard - spoken)),
    )


def _lineages(connections: Sequence[Connection]) -> Mapping[int, _Heard]:
    made: dict[int, _Heard] = {}
    for connection in sorted(connections, key=lambda each: each.opened_at):
        before = np.zeros(0, np.int16)
        if connection.resumed_from is not None:
            parent, samples = connection.resumed_from
            if parent not in made:
                raise BadRecord(f"{connection.number} comes from {parent}, which is not known")
            own_from = made[parent].own_from
            if not 0 <= samples <= made[parent].sound.size - own_from:
                raise BadRecord(f"{parent} has no {samples} samples to remember")
            before = made[parent].sound[: own_from + samples]
        sound = np.concatenate([before, connection.sound])
        made[connection.number] = _Heard(words_in(sound), before.size, sound)
    return made


def _answered(connection: Connection, lineage: _Heard) -> Iterator[int]:
    for turn in connection.answered:
        begin, end = lineage.own_from + turn.begin, lineage.own_from + turn.end
        for word in lineage.words:
            if begin <= word.at + HALF_A_WORD < end:
                yield word.number


def _told(last: Connection, connections: Sequence[Connection]) -> Iterator[int]:
    """In the texts of the lineage: a fresh session is told what was said before."""
    by_number = {each.number: each for each in connections}
    at: Connection | None = last
    while at is not None:
        yield from at.told
        at = None if at.resumed_from is None else by_number[at.resumed_from[0]]
