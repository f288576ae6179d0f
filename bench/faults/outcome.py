"""What one talk shows, and what all talks of a row show together. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from bench.faults.gaps import Answer, answer_heard, turn_at
from bench.faults.lineage import BadRecord, count_words
from bench.faults.numbering import answer_to
from bench.faults.records import Recorded
from bench.faults.rows import Row
from bench.faults.talks import Held


@dataclass
class Outcome:
    """Of one talk. Times in seconds; a gap of None is an answer that never came."""

    name: str
    injected: int = 0
    said: int = 0
    lost: list[int] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)
    strangers: list[int] = field(default_factory=list)
    calls: int = 0
    results_lost: int = 0
    waits: list[float] = field(default_factory=list)  # for answers to turns without a fault
    silences: list[float | None] = field(default_factory=list)  # in turns with one, whole
    gaps: list[float | None] = field(default_factory=list)  # without what is usual
    recovered: list[float] = field(default_factory=list)
    answer_words_missing: int = 0
    answer_words_twice: int = 0
    connections: int = 0
    failed: str = ""


def outcome_of(row: Row, held: Held, connections: Sequence[Recorded], usual_s: float) -> Outcome:
    """`connections` are those of the talk alone."""
    found = Outcome(held.name, failed=held.failed, connections=len(connections))
    said = [number for each in held.said for number in each.numbers]
    try:
        count = count_words(said, [each.connection for each in connections])
    except BadRecord as error:
        found.failed = found.failed or f"not countable: {error}"
        return found
    found.said = count.said
    found.lost, found.doubled = list(count.lost), list(count.doubled)
    found.strangers = list(count.strangers)
    calls = {number for each in connections for number in each.calls}
    results = {number for each in connections for number in each.results}
    found.calls, found.results_lost = len(calls), len(calls - results)
    times = list(_fault_times(row, connections))
    found.injected = len(times)
    found.recovered = [each for time in times for each in _recovery(time, connections)]
    _listen(found, held, times, usual_s, row.takes_s)
    return found


def counted_kind(row: Row) -> str:
    """Of a row's faults the one that is counted in the table: the last, as it brings the rest."""
    specs = [*row.faults, *row.armed]
    return specs[-1].partition("@")[0].partition(",")[0] if specs else ""


def _fault_times(row: Row, connections: Sequence[Recorded]) -> Iterator[float]:
    kind = counted_kind(row)
    for each in connections:
        yield from (fault.at for fault in each.faults if fault.kind == kind)


def _recovery(time: float, connections: Sequence[Recorded]) -> Iterator[float]:
    """Until sound reached the next connection; nothing when there was none."""
    later = [
        each.hears_from - time
        for each in connections
        if each.connection.opened_at > time and each.hears_from is not None
    ]
    if later:
        yield min(later)


def _listen(
    found: Outcome, held: Held, times: Sequence[float], usual_s: float, takes_s: float
) -> None:
    hit = {turn_at(time, held.said) for time in times}
    for turn, said in enumerate(held.said):
        if turn in held.cut:
            continue
        asked = replace(said, ended=said.ended + takes_s)
        answer = answer_heard(answer_to(said.numbers), asked, held.heard)
        found.answer_words_missing += answer.missing
        found.answer_words_twice += answer.twice
        _note(found, answer, disturbed=turn in hit, usual_s=usual_s)


def _note(found: Outcome, answer: Answer, *, disturbed: bool, usual_s: float) -> None:
    if disturbed:
        found.silences.append(answer.silence_s)
        found.gaps.append(answer.gap_s(usual_s))
    elif answer.waited_s is not None:
        found.waits.append(answer.waited_s)


@dataclass
class Result:
    """Of a row: its talks, how long it took, and what was usual when it ran.

    `late_ms`: how late the peers' own packets left, 99th percentile; beyond some tens the machine
    had too much to do, and the row says nothing.
    """

    row: str
    took_s: float
    usual_s: float
    outcomes: list[Outcome]
    late_ms: float = 0.0

    def total(self, name: str) -> int:
        """The sum of a number, or of the lengths of a list, over all talks."""
        values = [getattr(each, name) for each in self.outcomes]
        return sum(value if isinstance(value, int) else len(value) for value in values)

    def times(self, name: str) -> list[float]:
        """All there are of `gaps`, `silences`, `waits` or `recovered`."""
        return [time for each in self.outcomes for time in getattr(each, name) if time is not None]

    @property
    def unanswered(self) -> int:
        return sum(gap is None for each in self.outcomes for gap in each.gaps)

    @property
    def failures(self) -> list[str]:
        return [each.failed for each in self.outcomes if each.failed]

    @property
    def usual_here_s(self) -> float:
        waits = self.times("waits")
        return median(waits) if waits else 0.0
