"""A long talk whose connections the emulator ends again and again: `make rotations`.

    python -m bench.faults.rotations [--minutes 25] [--peers 5] [--every 120]

A run of the full length writes its part of docs/reliability.md, from what `make faults` kept last.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from typing import Final

import uvloop

from bench import machine
from bench.faults.journal import Journal
from bench.faults.numbering import SEATS
from bench.faults.outcome import Result, outcome_of
from bench.faults.page import write_page
from bench.faults.rotations_page import CHART, FULL_MINUTES, Rotations, chart, keep, section
from bench.faults.rows import Kind, Row
from bench.faults.run import PAGE, reliability
from bench.faults.stand import standing
from bench.faults.summary import summary
from bench.faults.talks import TURNS_OF_A_SEAT, Held, hold
from bench.processes import LOAD_CORE
from bench.rtp_stream import Pacer
from bench.soak import EVERY_S, TOLD_EVERY, Service
from bench.soak_page import Sample

LEFT_S: Final = 10.0
TURN_S: Final = 6.0  # an utterance and its answer, about
WARM_UP_S: Final = 20.0


def row_of(minutes: float, peers: int, every_s: float) -> Row:
    """As many turns as each peer has words for, spread over the time."""
    turns = SEATS // peers * TURNS_OF_A_SEAT
    pause_s = max(0.6, minutes * 60 / turns - TURN_S)
    turns = min(turns, round(minutes * 60 / (TURN_S + pause_s)))
    fault = f"go_away@every={every_s:g},left={LEFT_S:g}"
    return Row("rotations", "", Kind.PLANNED, [fault], turns=turns, pause_s=pause_s)


async def rotations(minutes: float, peers: int, every_s: float) -> Rotations:
    row = row_of(minutes, peers, every_s)
    async with standing("easel", probed=True) as stand, stand.emulator(row) as journal:
        service = Service(stand.service, stand.url, begun=time.monotonic())
        facts = machine.facts()
        before = await service.sample()
        async with asyncio.TaskGroup() as group:
            following = group.create_task(journal.follow())
            talks = [
                group.create_task(hold(stand.url, row, seat, f"talk {seat}", Pacer(), seats=peers))
                for seat in range(peers)
            ]
            samples = await _sampled(service, talks)
            following.cancel()
        end = await service.nobody_left()
        await journal.finish()
        result = _result(row, journal, [talk.result() for talk in talks])
    return Rotations(
        minutes=minutes,
        peers=peers,
        every_s=every_s,
        before=before,
        begin=next(each for each in samples if each.at_s >= WARM_UP_S),
        samples=samples,
        last=samples[-1],
        end=end,
        summary=summary(result),
        facts=facts,
    )


def _result(row: Row, journal: Journal, talks: Sequence[Held]) -> Result:
    """What is usual is learned from the turns without a change."""
    usual_s = 0.0
    for _ in range(2):
        outcomes = [outcome_of(row, held, journal.of_talk(held.name), usual_s) for held in talks]
        result = Result(row.name, 0.0, usual_s, outcomes)
        usual_s = result.usual_here_s
    return result


async def _sampled(service: Service, talks: Sequence["asyncio.Task[Held]"]) -> list[Sample]:
    """Every 5 seconds until the first talk is over."""
    samples: list[Sample] = []
    while not any(talk.done() for talk in talks):
        samples.append(await service.sample())
        if len(samples) % TOLD_EVERY == 1:
            print(samples[-1].line(), flush=True)
        next_at = service.begun + len(samples) * EVERY_S
        await asyncio.wait(
            talks,
            timeout=max(0.0, next_at - time.monotonic()),
            return_when=asyncio.FIRST_COMPLETED,
        )
    return samples


def main() -> int:
    """The exit status: 1 when anything is left over, or words were lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults.rotations")
    parser.add_argument("--minutes", type=float, default=FULL_MINUTES)
    parser.add_argument("--peers", type=int, default=5)
    parser.add_argument("--every", type=float, default=120.0, metavar="S")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    told = uvloop.run(rotations(arguments.minutes, arguments.peers, arguments.every))
    print(section(told))
    if told.minutes >= FULL_MINUTES:
        keep(told)
        docs = machine.ROOT / "docs"
        (docs / "images" / CHART).write_text(chart(told))
        write_page(reliability(), docs / PAGE)
        print(f"Written: {docs / PAGE}", file=sys.stderr)
    return int(bool(told.more or told.summary.lost or told.summary.doubled))


if __name__ == "__main__":
    sys.exit(main())
