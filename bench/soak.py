"""Half an hour of people who come and go: does the service end as small as it began?

    python -m bench.soak [--minutes 30] [--peers 10]

`easel serve` on one core; synthetic peers and the scripted Live endpoint on another. A run of the
full length writes docs/soak.md with its charts, a shorter one writes them to test-output/soak.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Final

import aiohttp
import uvloop
from prometheus_client.parser import text_string_to_metric_families

from bench import machine
from bench.camera_clip import ClipSpec, clip_file
from bench.processes import LOAD_CORE, SERVER_CORE, Child, busy_s, live_endpoint, server
from bench.rtp_stream import Pacer
from bench.soak_page import Sample, Soak, read_soak, write_page
from bench.synthetic_peer import Media, SyntheticPeer, media
from bench.visits import Visit, visits

FULL_MINUTES: Final = 30.0
EVERY_S: Final = 5.0
JOIN_STAGGER_S: Final = 1.0
WARM_UP_VISIT: Final = Visit(stay_s=5.0, pause_s=0.0, shares=False, vanishes=False, camera=True)
GONE_LIMIT_S: Final = 120.0  # a peer without a goodbye is missed after half a minute
SETTLE_S: Final = 10.0
TOLD_EVERY: Final = 12  # samples


@dataclass
class Service:
    """What can be seen of it from outside, and what its probe says."""

    process: Child
    url: str
    begun: float

    async def sample(self) -> Sample:
        gauges = await self._gauges()
        told = await self.process.report()
        return Sample(
            at_s=round(time.monotonic() - self.begun, 1),
            resident_mb=round(self.process.resident_bytes / 1e6, 2),
            threads=self.process.threads,
            descriptors=self.process.descriptors,
            tasks=told["tasks"],
            rooms=gauges["easel_rooms"],
            peers=gauges["easel_peers"],
            cpu_s=self.process.cpu_s,
            lag_ms=told["lag_ms_p99"],
            core_s=busy_s(SERVER_CORE),
        )

    async def _gauges(self) -> dict[str, int]:
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(self.url, connector=connector) as http:
            async with http.get("/metrics") as response:
                families = text_string_to_metric_families(await response.text())
        samples = {sample.name: sample.value for each in families for sample in each.samples}
        return {name: int(samples[name]) for name in ("easel_rooms", "easel_peers")}

    async def nobody_left(self) -> Sample:
        """Waits until all rooms have ended, and a little longer; raises TimeoutError."""
        async with asyncio.timeout(GONE_LIMIT_S):
            while True:
                sample = await self.sample()
                if not sample.rooms and not sample.peers:
                    break
                await asyncio.sleep(1.0)
        await asyncio.sleep(SETTLE_S)
        return await self.sample()


@dataclass
class Seats:
    """The peers who are there now, and how many were."""

    url: str
    media: Media
    seed: int
    there: list[SyntheticPeer] = field(default_factory=list)
    visits: int = 0
    vanished: int = 0
    failures: list[str] = field(default_factory=list)
    pacer: Pacer = field(default_factory=Pacer)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def occupied(self, seat: int) -> None:
        """One visit after another, until cancelled."""
        chance = random.Random(f"{self.seed}-{seat}-host")
        await asyncio.sleep(seat * JOIN_STAGGER_S)
        for visit in visits(self.seed, seat):
            host = chance.choice(self.there) if visit.shares and self.there else None
            try:
                await self.visited(visit, host)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                self.failures.append(_in_words(error))
            await asyncio.sleep(visit.pause_s)

    async def visited(self, visit: Visit, host: SyntheticPeer | None = None) -> None:
        sent = self.media if visit.camera else self.media.without_camera()
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(self.url, connector=connector) as http:
            peer = SyntheticPeer(http, sent, next(self.numbers), self.pacer)
            try:
                await peer.join(host)
                self.visits += 1
                self.there.append(peer)
                await asyncio.sleep(visit.stay_s)
                if visit.vanishes:
                    self.vanished += 1
                    peer.vanish()
            finally:
                if peer in self.there:
                    self.there.remove(peer)
                await peer.close()


def _in_words(error: Exception) -> str:
    """Without addresses."""
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{error.status} {error.message}"
    return type(error).__name__


@asynccontextmanager
async def all_seats(seats: Seats, count: int) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(seats.occupied(seat)) for seat in range(count)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def soak(minutes: float, peers: int, seed: int) -> Soak:
    sent = media(clip_file(ClipSpec()), ClipSpec().fps)
    async with (
        live_endpoint("talk") as endpoint,
        server("easel", endpoint.environment, probed=True) as up,
    ):
        service = Service(*up, begun=time.monotonic())
        seats = Seats(service.url, sent, seed)
        facts = machine.facts()
        fresh = await service.sample()
        await asyncio.gather(*(seats.visited(WARM_UP_VISIT) for _ in range(peers)))
        start = await service.nobody_left()
        seats.visits = 0
        service.begun = time.monotonic()
        samples = []
        async with all_seats(seats, peers):
            while time.monotonic() - service.begun < minutes * 60:
                samples.append(await service.sample())
                if len(samples) % TOLD_EVERY == 1:
                    print(samples[-1].line(), f"visits {seats.visits}", flush=True)
                await asyncio.sleep(len(samples) * EVERY_S - (time.monotonic() - service.begun))
        end = await service.nobody_left()
    return Soak(
        minutes=minutes,
        seats=peers,
        seed=seed,
        fresh=fresh,
        start=start,
        samples=samples,
        end=end,
        visits=seats.visits,
        vanished=seats.vanished,
        failures=seats.failures,
        facts=facts,
    )


def main() -> int:
    """The exit status: 1 when anything but memory is more at the end than at the start."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak")
    parser.add_argument("--minutes", type=float, default=FULL_MINUTES)
    parser.add_argument("--peers", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--page-only", action="store_true", help="of the last run")
    arguments = parser.parse_args()
    raw = machine.ROOT / "test-output" / "soak.json"
    if not arguments.page_only:
        os.sched_setaffinity(0, {LOAD_CORE})
        told = uvloop.run(soak(arguments.minutes, arguments.peers, arguments.seed))
        raw.parent.mkdir(exist_ok=True)
        raw.write_text(json.dumps(asdict(told)))
    done = read_soak(raw.read_text())
    full = done.minutes >= FULL_MINUTES
    folder = machine.ROOT / "docs" if full else machine.ROOT / "test-output" / "soak"
    page = write_page(done, folder)
    print(page.read_text())
    print(f"Written: {page}", file=sys.stderr)
    return 0 if done.back_at_the_start else 1


if __name__ == "__main__":
    sys.exit(main())
