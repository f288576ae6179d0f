"""Each fault of the table, over real WebRTC and the real SDK: `make faults`.

    python -m bench.faults.run [--only ROW …] [--seats 12] [--reps 24] [--list] [--page-only]

`easel serve` on one core for the whole run; the peers, and for each row an emulator of its own,
on another. What is found is kept in test-output/faults.json, row by row, so that a narrow run
changes its rows only. A whole run writes docs/reliability.md, a narrow one the same page to
test-output/faults.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import uvloop

from bench import machine
from bench.faults.journal import Journal
from bench.faults.lineage import BadRecord
from bench.faults.outcome import Outcome, Result, outcome_of
from bench.faults.page import Before, Reliability, write_page
from bench.faults.rotations_page import rotations_section
from bench.faults.rows import Kind, Row, rows
from bench.faults.stand import Stand, standing
from bench.faults.summary import misses, read_summary, summary
from bench.faults.talks import Held, hold
from bench.figures import percentile
from bench.processes import LOAD_CORE
from bench.rtp_stream import Pacer

JOIN_STAGGER_S: Final = 0.12
OUTPUT: Final = machine.ROOT / "test-output"
RESULTS: Final = OUTPUT / "faults.json"
RAW: Final = OUTPUT / "faults"
BEFORE: Final = machine.ROOT / "bench" / "faults" / "before"
PAGE: Final = "reliability.md"
STOCK: Final = "stock"


async def measured(stand: Stand, row: Row, seats: int, talks: int, usual_s: float) -> Result:
    begun = time.monotonic()
    pacer = Pacer()
    async with stand.emulator(row) as journal, asyncio.TaskGroup() as group:
        following = group.create_task(journal.follow())
        held = await _all_talks(stand.url, row, seats, talks, pacer)
        following.cancel()
        await journal.finish()
    _keep_raw(row, held, journal)
    outcomes = [_outcome(row, each, journal, usual_s, stand.kind) for each in held]
    late_ms = 1000 * percentile(pacer.late_s, 0.99)
    return Result(row.name, time.monotonic() - begun, usual_s, outcomes, late_ms)


async def _all_talks(url: str, row: Row, seats: int, talks: int, pacer: Pacer) -> list[Held]:
    async def seat_taken(seat: int) -> list[Held]:
        await asyncio.sleep(seat * JOIN_STAGGER_S)
        names = [f"talk {seat}-{number}" for number in range(talks)]
        return [await hold(url, row, seat, name, pacer) for name in names]

    every = await asyncio.gather(*(seat_taken(seat) for seat in range(seats)))
    return [held for of_seat in every for held in of_seat]


def _outcome(row: Row, held: Held, journal: Journal, usual_s: float, kind: str) -> Outcome:
    try:
        found = journal.of_seat(held.seat) if kind == STOCK else journal.of_talk(held.name)
    except BadRecord as error:
        return Outcome(held.name, failed=f"not countable: {error}")
    return outcome_of(row, held, found, usual_s)


def _keep_raw(row: Row, held: Sequence[Held], journal: Journal) -> None:
    RAW.mkdir(parents=True, exist_ok=True)
    raw = {"held": [asdict(each) for each in held], "sessions": journal.raw}
    (RAW / f"{row.name}.json").write_text(json.dumps(raw))


async def run(chosen: Sequence[Row], seats: int, talks: int, kind: str) -> list[Result]:
    results: list[Result] = []
    begun = time.monotonic()
    async with standing(kind) as stand:
        usual_s = _usual_s()
        for row in chosen:
            result = await measured(stand, row, seats, talks, usual_s)
            if row.kind is Kind.NONE:
                result.usual_s = usual_s = result.usual_here_s
            results.append(result)
            if kind != STOCK:
                _keep(result)
            print(line(row, result), flush=True)
    print(f"{len(results)} rows in {(time.monotonic() - begun) / 60:.1f} minutes", flush=True)
    return results


def line(row: Row, result: Result) -> str:
    each = summary(result)
    short = "; ".join(misses(row, each)) or "good"
    return (
        f"{each.row:24} {each.injected:3} times, {each.said:4} words: lost {each.lost},"
        f" doubled {each.doubled}, results lost {each.results_lost} of {each.calls};"
        f" gap {each.gap.median}/{each.gap.worst}, silence {each.silence.median}/"
        f"{each.silence.worst}, recovered {each.recovered.median}/{each.recovered.worst};"
        f" answers broken off {each.broken_off}, words missing {each.answer_words_missing},"
        f" twice {each.answer_words_twice}; {each.took_s:.0f} s, late {each.late_ms} ms: {short}"
    )


def _kept() -> dict[str, Any]:
    if not RESULTS.exists():
        return {"rows": {}, "facts": []}
    kept: dict[str, Any] = json.loads(RESULTS.read_text())
    return kept


def _keep(result: Result) -> None:
    kept = _kept()
    kept["rows"][result.row] = asdict(summary(result))
    kept["facts"] = machine.facts()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept, indent=1))


def _usual_s() -> float:
    return max((float(each["usual_s"]) for each in _kept()["rows"].values()), default=0.0)


def reliability() -> Reliability:
    """Of all that is kept."""
    kept = _kept()
    found = {name: read_summary(told) for name, told in kept["rows"].items()}
    before = [json.loads(path.read_text()) for path in sorted(BEFORE.glob("*.json"))]
    return Reliability(
        rows=rows(),
        found=found,
        before=[Before(each["what"], [*map(read_summary, each["rows"])]) for each in before],
        rotations=rotations_section(),
        minutes=sum(each.took_s for each in found.values()) / 60,
        facts=kept["facts"],
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.faults.run")
    parser.add_argument("--only", nargs="+", default=[], metavar="ROW")
    parser.add_argument("--seats", type=int, default=12, help="rooms at a time, at most 16")
    parser.add_argument("--reps", type=int, default=24, help="talks of a row, over all rooms")
    parser.add_argument("--against", choices=["easel", STOCK], default="easel")
    parser.add_argument("--as-before", metavar="NAME", help="keep the rows to compare with")
    parser.add_argument("--what", default="", help="the heading that these get on the page")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--page-only", action="store_true", help="of what is kept")
    return parser.parse_args()


def main() -> int:
    """The exit status: 1 when a row misses what is asked of it."""
    arguments = _arguments()
    chosen = [row for row in rows() if not arguments.only or row.name in arguments.only]
    if arguments.list:
        print("\n".join(f"{row.name:24} {row.what}" for row in chosen))
        return 0
    results: list[Result] = []
    if not arguments.page_only:
        os.sched_setaffinity(0, {LOAD_CORE})
        talks = -(-arguments.reps // arguments.seats)
        results = uvloop.run(run(chosen, arguments.seats, talks, arguments.against))
    if arguments.as_before:
        told = {"what": arguments.what, "rows": [asdict(summary(each)) for each in results]}
        BEFORE.mkdir(exist_ok=True)
        (BEFORE / f"{arguments.as_before}.json").write_text(json.dumps(told, indent=1) + "\n")
        return 0
    whole = not arguments.only and arguments.against != STOCK
    path = (machine.ROOT / "docs" if whole else RAW) / PAGE
    write_page(reliability(), path)
    print(f"Written: {path}", file=sys.stderr)
    by_name = {row.name: row for row in chosen}
    return int(any(misses(by_name[each.row], summary(each)) for each in results))


if __name__ == "__main__":
    sys.exit(main())
