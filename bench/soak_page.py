"""What a soak test found, as a page and two charts. Pure but for `write_page`."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import machine
from bench.chart import Chart, Series, svg
from bench.figures import percentile, slope

WARM_UP_SHARE: Final = 1 / 3  # of the run: pools fill, code is loaded
ROWS: Final = 10  # of the table of samples


@dataclass(frozen=True, slots=True)
class Sample:
    """Of the service; `at_s` since the peers came, `lag_ms` the 99th percentile since the last."""

    at_s: float
    resident_mb: float
    threads: int
    descriptors: int
    tasks: int
    rooms: int
    peers: int
    cpu_s: float
    lag_ms: float
    core_s: float = 0.0  # what all programs have used of the service's core

    def line(self) -> str:
        return (
            f"{self.at_s / 60:5.1f} min  {self.resident_mb:6.1f} MB  {self.threads} threads"
            f"  {self.descriptors} descriptors  {self.tasks} tasks  {self.rooms} rooms"
            f"  {self.peers} peers  lag p99 {self.lag_ms} ms"
        )


@dataclass(frozen=True, slots=True)
class Soak:
    """`fresh` before anybody came; `start` when all seats had been taken once, and `end` when the
    last had gone: both with nobody there."""

    minutes: float
    seats: int
    seed: int
    fresh: Sample
    start: Sample
    samples: Sequence[Sample]
    end: Sample
    visits: int
    vanished: int
    failures: Sequence[str]
    facts: Sequence[tuple[str, str]]  # of the machine, when it began

    @property
    def back_at_the_start(self) -> bool:
        return not any(self.left_over().values())

    def left_over(self) -> dict[str, int]:
        """What there is more of at the end than at the start, but for memory."""
        names = ("threads", "descriptors", "tasks", "rooms", "peers")
        return {name: max(0, getattr(self.end, name) - getattr(self.start, name)) for name in names}

    @property
    def settled(self) -> list[Sample]:
        return [each for each in self.samples if each.at_s >= WARM_UP_SHARE * self.minutes * 60]

    @property
    def growth_mb_per_visit(self) -> float:
        """By the straight line through the samples after the warm-up."""
        per_s = slope([(each.at_s, each.resident_mb) for each in self.settled])
        return per_s * self.minutes * 60 / self.visits if self.visits else 0.0

    @property
    def others_percent(self) -> float | None:
        """What other programs used of the service's core. None: it was not measured."""
        first, last = self.samples[0], self.samples[-1]
        if not last.core_s or last.at_s == first.at_s:
            return None
        used = (last.core_s - first.core_s) - (last.cpu_s - first.cpu_s)
        return 100 * used / (last.at_s - first.at_s)

    @property
    def cpu_percent_per_peer(self) -> float:
        first, last = self.samples[0], self.samples[-1]
        seconds = last.at_s - first.at_s
        peers = sum(each.peers for each in self.samples) / len(self.samples)
        return 100 * (last.cpu_s - first.cpu_s) / seconds / peers if seconds and peers else 0.0


def read_soak(text: str) -> Soak:
    """What `dataclasses.asdict` and JSON made of one."""
    told = json.loads(text)
    for name in ("fresh", "start", "end"):
        told[name] = Sample(**told[name])
    told["samples"] = [Sample(**each) for each in told["samples"]]
    return Soak(**told)


def write_page(soak: Soak, folder: Path) -> Path:
    """docs/soak.md or the like, with its charts beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    images = folder / "images"
    images.mkdir(exist_ok=True)
    (images / "soak-memory.svg").write_text(memory_chart(soak))
    (images / "soak-counts.svg").write_text(counts_chart(soak))
    page = folder / "soak.md"
    page.write_text(page_text(soak))
    return page


def memory_chart(soak: Soak) -> str:
    points = _over_time(soak, lambda each: each.resident_mb)
    series = [Series("resident memory", points)]
    return svg(Chart("Memory of the service while peers come and go", "minutes", "MB", series))


def counts_chart(soak: Soak) -> str:
    series = [
        Series("tasks", _over_time(soak, lambda each: each.tasks)),
        Series("descriptors", _over_time(soak, lambda each: each.descriptors)),
        Series("threads", _over_time(soak, lambda each: each.threads)),
        Series("peers", _over_time(soak, lambda each: each.peers)),
    ]
    return svg(Chart("What the service holds", "minutes", "", series))


def _over_time(soak: Soak, value: Callable[[Sample], float]) -> list[tuple[float, float]]:
    return [(each.at_s / 60, value(each)) for each in (*soak.samples, soak.end)]


def page_text(soak: Soak) -> str:
    left = [f"{count} {name}" for name, count in soak.left_over().items() if count]
    none_left = "no thread, descriptor, task, room or peer is left over"
    verdict = f"left over: {', '.join(left)}" if left else none_left
    added = soak.end.resident_mb - soak.start.resident_mb
    return f"""# Soak

Written by `make soak`: {soak.seats} peers who come and go for {soak.minutes:g} minutes.

**Result.** {soak.visits} visits, {soak.vanished} of them without a goodbye; at the end {verdict}.
Memory stood {added:.0f} MB higher than before the first of them: it fills up in the first third of
the run, after which it grew by {soak.growth_mb_per_visit:.3f} MB for each visit (the slope of the
straight line through the samples). The service used
{soak.cpu_percent_per_peer:.1f} % of a core for each peer who was there. {_failures(soak)}
{_others(soak)}

![Memory of the service over time](images/soak-memory.svg)

![Tasks, descriptors, threads and peers over time](images/soak-counts.svg)

## Method

`easel serve` runs alone on one core; the peers and the scripted Live endpoint share another. Each
of the {soak.seats} seats is taken by one peer after another (seed {soak.seed}). A peer stays for 20
to 120 seconds and sends speech and, nine times in ten, a camera of 640×480 at 30 pictures a second
and 1 Mbit/s; the model speaks a third of the time. One in four joins the room of another who is
there; one in ten vanishes without a goodbye. A room without peers ends after 5 seconds.

Every 5 seconds: resident memory, threads and descriptors as the kernel counts them, rooms and peers
from `/metrics`, and from inside the process its tasks and the lag of its event loop. "Start" is
after {soak.seats} peers had come and gone, so that pools of threads are filled; "end" when all
rooms had ended. Both are taken after 10 seconds of rest.

## Samples

{_table(soak)}

The lag of the event loop, 99th percentile of each 5 seconds: {_lags(soak)}.

## Machine

{machine.table(soak.facts)}
"""


def _others(soak: Soak) -> str:
    percent = soak.others_percent
    if percent is None:
        return "What other programs used of the service's core was not measured."
    return f"Other programs used {percent:.1f} % of the service's core."


def _failures(soak: Soak) -> str:
    if not soak.failures:
        return "No visit failed."
    return f"Visits that failed: {len(soak.failures)}, the first with: {soak.failures[0]}."


def _lags(soak: Soak) -> str:
    lags = [each.lag_ms for each in soak.samples]
    return f"median {percentile(lags, 0.5):.1f} ms, greatest {max(lags, default=0.0):.1f} ms"


def _table(soak: Soak) -> str:
    step = max(1, len(soak.samples) // ROWS)
    rows = [("fresh", soak.fresh), ("start", soak.start)]
    rows += [(f"{each.at_s / 60:.1f} min", each) for each in soak.samples[::step]]
    rows.append(("end", soak.end))
    head = ["| | memory, MB | threads | descriptors | tasks | rooms | peers |", "|---" * 7 + "|"]
    return "\n".join([*head, *(_row(name, each) for name, each in rows)])


def _row(name: str, each: Sample) -> str:
    return (
        f"| {name} | {each.resident_mb:.1f} | {each.threads} | {each.descriptors} | {each.tasks}"
        f" | {each.rooms} | {each.peers} |"
    )
