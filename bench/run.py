"""The whole benchmark: `make bench`, and its main rows: `make bench-quick`.

Each measurement is written to test-output/bench as soon as it is done: an interrupted benchmark
of the same code goes on where it stopped. `--afresh` forgets what was measured.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from bench import chromium, costs, machine
from bench.churn import growth
from bench.figures import medians, slope
from bench.loads import BOTH, QUICK, ROWS, SCALE, SHORT_S, Load
from bench.machine import ROOT
from bench.measurement import measure
from bench.page import Run, missed, points, write_page
from bench.processes import CORES
from bench.results import Figures, Results, fingerprint
from bench.table import doubts

RUNS: Final = 3
VISITS: Final = {"easel": 300, "stock": 60}
AT_ONCE: Final = {"easel": 12, "stock": 4}
FULL_PERCENT: Final = 90.0  # of a core: beyond it memory grows by what waits

Measure = Callable[[], Awaitable[Figures]]


@dataclass(frozen=True, slots=True)
class Step:
    """One measurement. Steps with the same load and kind are runs of the same."""

    load: str
    kind: str
    run: int
    take: Measure

    @property
    def key(self) -> str:
        return f"{self.load}/{self.kind}/{self.run}"


def steps(*, quick: bool, runs: int) -> Iterator[Step]:
    """In order: run by run, and within a run Easel and stock in turns."""
    loads = [replace(load, window_s=SHORT_S) for load in ROWS if load.name in QUICK]
    for run in range(runs):
        for load in loads if quick else ROWS:
            yield from (_step(load, kind, run, quick) for kind in load.kinds)
    if quick:
        return
    for load in SCALE:
        yield from (_step(load, kind, 0, quick) for kind in load.kinds)
    for kind in BOTH:
        yield Step("growth", kind, 0, lambda kind=kind: growth(kind, VISITS[kind], AT_ONCE[kind]))  # type: ignore[misc]  # mypy cannot infer a lambda's default
    for kind in BOTH:
        yield Step("chromium", kind, 0, lambda kind=kind: chromium.measure(kind))  # type: ignore[misc]  # as above


def _step(load: Load, kind: str, run: int, quick: bool) -> Step:
    name = f"{load.name}-quick" if quick else load.name
    return Step(name, kind, run, lambda: measure(kind, load))


def take_all(todo: list[Step], results: Results) -> None:
    for number, step in enumerate(todo, 1):
        if results.get(step.key) is not None:
            continue
        begun = time.monotonic()
        figures = asyncio.run(_taken(step))
        results.put(step.key, figures)
        shown = ", ".join(f"{name} {value:g}" for name, value in figures.items())
        took = time.monotonic() - begun
        print(f"[{number}/{len(todo)}] {step.key} ({took:.0f} s): {shown}", flush=True)


async def _taken(step: Step) -> Figures:
    return await step.take()


def collected(todo: list[Step], results: Results) -> dict[tuple[str, str], Figures]:
    """The medians of what there is."""
    keys: dict[tuple[str, str], list[str]] = {}
    for step in todo:
        keys.setdefault((step.load.removesuffix("-quick"), step.kind), []).append(step.key)
    found = {name: results.of(those) for name, those in keys.items()}
    return {name: medians(runs) for name, runs in found.items() if runs}


def added_memory(run: Run, kind: str) -> dict[str, float]:
    """By the line through the points of the chart at which the service kept up."""
    found = {
        peers: run.measured[load, kind]["resident MB"]
        for load, peers in run.peers.items()
        if (load == "vga" or load.startswith("scale-")) and (load, kind) in run.measured
        if run.measured[load, kind]["server %"] < FULL_PERCENT
    }
    if len(found) < 3:
        return {}
    return {"MB per peer": slope([(float(peers), mb) for peers, mb in found.items()])}


def doubted(todo: list[Step], results: Results) -> list[str]:
    """Of each run by itself: a median would hide it."""
    return [
        f"run {step.run + 1} of {line}"
        for step in todo
        for line in doubts(step.load.removesuffix("-quick"), step.kind, results.get(step.key) or {})
    ]


def shown(measured: dict[tuple[str, str], Figures], *, quick: bool, runs: int) -> Run:
    peers = {load.name: load.peers for load in (*ROWS, *SCALE)}
    browsers = {kind: measured.get(("chromium", kind)) for kind in BOTH}
    told = [chromium.row(kind, figures) for kind, figures in browsers.items() if figures]
    run = Run(
        measured=measured,
        peers=peers,
        runs=runs,
        quick=quick,
        costs="" if quick else costs.section(),
        chromium=chromium.section(told),
        facts=machine.facts(),
    )
    for kind in BOTH:
        if len(points(run, kind)) >= 3:
            measured["scale", kind] = added_memory(run, kind)
    return run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.run")
    parser.add_argument("--quick", action="store_true", help="the main rows only")
    parser.add_argument("--afresh", action="store_true", help="forget what was measured before")
    parser.add_argument("--page-only", action="store_true", help="from what there is")
    parser.add_argument("--runs", type=int, default=RUNS)
    arguments = parser.parse_args()
    if len(CORES) < 2:
        print("This needs two cores: one for the service, one for the peers.", file=sys.stderr)
        return 2
    results = Results(ROOT / "test-output" / "bench" / "results.jsonl", fingerprint(ROOT))
    if arguments.afresh:
        results.forget()
    todo = list(steps(quick=arguments.quick, runs=arguments.runs))
    if not arguments.page_only:
        take_all(todo, results)
    run = shown(collected(todo, results), quick=arguments.quick, runs=arguments.runs)
    run = replace(run, doubted=doubted(todo, results))
    page = write_page(run, ROOT / "docs")
    print(page.read_text())
    print(f"Written: {page}; targets missed: {len(missed(run))}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
