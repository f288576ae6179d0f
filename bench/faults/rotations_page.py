"""The part of docs/reliability.md on a long talk whose connections are changed again and again."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bench import machine
from bench.chart import Chart, Series, svg
from bench.faults.summary import Span, Summary, read_summary
from bench.figures import percentile, slope
from bench.soak_page import WARM_UP_SHARE, Sample

RESULTS: Final = machine.ROOT / "test-output" / "rotations.json"
FULL_MINUTES: Final = 25.0
CHART: Final = "rotations-memory.svg"


@dataclass(frozen=True, slots=True)
class Rotations:
    """`begin`: all peers have joined and spoken once; `end`: they have gone; `before`: they had
    not come yet. `summary` counts the words of the whole talk."""

    minutes: float
    peers: int
    every_s: float
    before: Sample
    begin: Sample
    samples: list[Sample]
    last: Sample
    end: Sample
    summary: Summary
    facts: list[tuple[str, str]]

    @property
    def growth_mb_per_hour(self) -> float:
        """By the straight line through the samples after the first third."""
        settled = [each for each in self.samples if each.at_s >= WARM_UP_SHARE * self.minutes * 60]
        return 3600 * slope([(each.at_s, each.resident_mb) for each in settled])

    @property
    def more(self) -> dict[str, int]:
        """What there is more of after the last peer had gone than before the first one came, and
        of tasks also at the end of the talk than at its begin."""
        names = ("threads", "descriptors", "tasks", "rooms", "peers")
        left = {name: getattr(self.end, name) - getattr(self.before, name) for name in names}
        left["tasks in the talk"] = self.last.tasks - self.begin.tasks
        return {name: count for name, count in left.items() if count > 0}


def keep(told: Rotations, path: Path = RESULTS) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(asdict(told)))


def read(path: Path = RESULTS) -> Rotations | None:
    """None when it was not run."""
    if not path.exists():
        return None
    told = json.loads(path.read_text())
    for name in ("before", "begin", "last", "end"):
        told[name] = Sample(**told[name])
    told["samples"] = [Sample(**each) for each in told["samples"]]
    told["summary"] = read_summary(told["summary"])
    return Rotations(**told)


def rotations_section(path: Path = RESULTS) -> str:
    """Empty when it was not run."""
    told = read(path)
    return "" if told is None else section(told)


def section(told: Rotations) -> str:
    found = told.summary
    more = [f"{count} {name}" for name, count in told.more.items()]
    left = f"left over: {', '.join(more)}" if more else "no task, thread or descriptor is left over"
    lags = [each.lag_ms for each in told.samples]
    return f"""## A long talk

{told.peers} peers talk for {told.minutes:g} minutes, each in a room of its own, and every
{told.every_s / 60:.2g} minutes the emulator says goAway: {found.injected} times in all. Of
{found.said} words {found.lost} were lost and {found.doubled} doubled; the gap was
{_words(found.gap)}. Memory stood at {told.begin.resident_mb:.0f} MB when all had spoken once and at
{told.last.resident_mb:.0f} MB at the end; after the first third it changed by
{told.growth_mb_per_hour:+.1f} MB an hour. When all had gone, {left}. The lag of the event loop,
99th percentile of each 5 seconds: median {percentile(lags, 0.5):.1f} ms.

![Memory of the service in a long talk](images/{CHART})

Measured at {dict(told.facts).get("commit", "unknown")}, {dict(told.facts).get("date", "unknown")}.
"""


def _words(span: Span) -> str:
    if span.median is None:
        return "none, as no change fell into a turn"
    return f"{span.median:.2f} s (median), {span.worst:.2f} s (worst)"


def chart(told: Rotations) -> str:
    points = [(each.at_s / 60, each.resident_mb) for each in told.samples]
    series = [Series("resident memory", points)]
    return svg(Chart("Memory of the service in a long talk", "minutes", "MB", series))
