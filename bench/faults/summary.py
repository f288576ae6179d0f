"""A row of the table: what its talks showed together, and where it misses what is asked. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from bench.faults.outcome import Result
from bench.faults.rows import Kind, Row

REPETITIONS: Final = 20
MEDIAN_S: Final = 2.0  # of silence after an unplanned break, the emulator's own time included
WORST_S: Final = 4.0
LATE_MS: Final = 40.0
PLANNED_S: Final = 0.1  # what the clock of the packets and the tick of the room may make of 0


@dataclass(frozen=True, slots=True)
class Span:
    """Median and worst, in seconds; None where there is none."""

    median: float | None = None
    worst: float | None = None

    @classmethod
    def of(cls, times: Sequence[float]) -> "Span":
        return cls(round(median(times), 2), round(max(times), 2)) if times else cls()


@dataclass(frozen=True, slots=True)
class Summary:
    """`broken_off`: answers to disturbed turns that did not come to their end."""

    row: str
    injected: int
    said: int
    lost: int
    doubled: int
    strangers: int
    calls: int
    results_lost: int
    gap: Span
    silence: Span
    recovered: Span
    broken_off: int
    answer_words_missing: int
    answer_words_twice: int
    talks: int
    failed: Sequence[str]
    usual_s: float
    late_ms: float
    took_s: float


def read_summary(told: dict[str, Any]) -> Summary:
    """What `dataclasses.asdict` and JSON made of one."""
    spans = {name: Span(**told[name]) for name in ("gap", "silence", "recovered")}
    return Summary(**{**told, **spans})


def summary(result: Result) -> Summary:
    return Summary(
        row=result.row,
        injected=result.total("injected"),
        said=result.total("said"),
        lost=result.total("lost"),
        doubled=result.total("doubled"),
        strangers=result.total("strangers"),
        calls=result.total("calls"),
        results_lost=result.total("results_lost"),
        gap=Span.of(result.times("gaps")),
        silence=Span.of(result.times("silences")),
        recovered=Span.of(result.times("recovered")),
        broken_off=result.unanswered,
        answer_words_missing=result.total("answer_words_missing"),
        answer_words_twice=result.total("answer_words_twice"),
        talks=len(result.outcomes),
        failed=result.failures,
        usual_s=round(result.usual_s, 2),
        late_ms=round(result.late_ms, 1),
        took_s=round(result.took_s),
    )


BUSY: Final = "the machine was too busy"


def misses(row: Row, found: Summary) -> list[str]:
    """In words, what is asked and was not reached; empty is good."""
    return [*_counts(row, found), *_gaps(row, found)]


def _counts(row: Row, found: Summary) -> Iterator[str]:
    if row.kind is not Kind.NONE and found.injected < REPETITIONS:
        yield f"injected {found.injected} times only"
    if found.late_ms > LATE_MS:
        yield f"{BUSY}: the peers' packets left {found.late_ms:.0f} ms late"
    if found.failed:
        yield f"{len(found.failed)} talks failed: {found.failed[0]}"
    if found.lost:
        yield f"{found.lost} words lost"
    if found.doubled > row.doubled_ok * found.injected:
        yield f"{found.doubled} words doubled"
    if found.strangers:
        yield f"{found.strangers} words of others heard"
    if found.results_lost:
        yield f"{found.results_lost} results of tools lost"


def _gaps(row: Row, found: Summary) -> Iterator[str]:
    if found.broken_off:
        yield f"{found.broken_off} answers broken off"
    if row.kind is Kind.PLANNED and (found.gap.worst or 0.0) > PLANNED_S:
        yield f"a planned gap of {found.gap.worst} s"
    if row.kind is Kind.UNPLANNED:
        for asked_s, at, name in (
            (MEDIAN_S, found.silence.median, "median"),
            (WORST_S, found.silence.worst, "worst"),
        ):
            if at is not None and at > asked_s + row.limit_s:
                yield f"{name} silence {at} s"
