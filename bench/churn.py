"""Peers that come and go, many and quickly: what does the service keep of each?

A process of its own: says when the first have gone, so that pools are filled, and goes on when
its standard input says so; then says when all have gone.
"""

import argparse
import asyncio
import itertools
import json
import sys
from pathlib import Path
from typing import Final

import aiohttp
import uvloop

from bench.camera_clip import clip_file
from bench.figures import rounded
from bench.loads import VGA
from bench.processes import LOAD_CORE, Child, child, live_endpoint, server
from bench.rtp_stream import Pacer
from bench.synthetic_peer import Media, SyntheticPeer, media

STAY_S: Final = 2.5
REST_S: Final = 15.0  # rooms without peers end, their memory is freed
WARM_UP_SHARE: Final = 5  # one in so many comes before the count begins
ALL_GONE_LIMIT_S: Final = 600.0


async def growth(kind: str, visits: int, at_once: int) -> dict[str, float]:
    """For each of the visits; and what there is more of at the end than after the warm-up."""
    async with live_endpoint("talk") as endpoint:
        async with server(kind, endpoint.environment, probed=True) as (running, url):
            numbers = ["--visits", str(visits), "--at-once", str(at_once)]
            clip = ["--clip", str(clip_file(VGA)), "--fps", str(VGA.fps)]
            async with child("bench.churn", url, *numbers, *clip, core=LOAD_CORE) as peers:
                await peers.line(ALL_GONE_LIMIT_S)
                before = await _held(running)
                await peers.say()
                await peers.line(ALL_GONE_LIMIT_S)
                after = await _held(running)
    more = {name: after[name] - before[name] for name in before}
    return rounded({"MB per visit": more.pop("MB") / visits, "visits": float(visits)} | more)


async def _held(running: Child) -> dict[str, float]:
    await asyncio.sleep(REST_S)
    told = await running.report()
    return {
        "MB": running.resident_bytes / 1e6,
        "threads": float(running.threads),
        "descriptors": float(running.descriptors),
        "tasks": float(told["tasks"]),
    }


async def come_and_go(url: str, sent: Media, visits: int, at_once: int) -> None:
    room = asyncio.Semaphore(at_once)
    pacer, numbers = Pacer(), itertools.count()

    async def visit() -> None:
        async with room, aiohttp.ClientSession(url) as http:
            peer = SyntheticPeer(http, sent, next(numbers), pacer)
            try:
                await peer.join()
                await asyncio.sleep(STAY_S)
            finally:
                await peer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(visits):
            group.create_task(visit())


async def run(arguments: argparse.Namespace) -> None:
    sent = media(arguments.clip, arguments.fps)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    for visits in (max(1, arguments.visits // WARM_UP_SHARE), arguments.visits):
        await come_and_go(arguments.url, sent, visits, arguments.at_once)
        print(json.dumps({"gone": visits}), flush=True)
        await reader.readline()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.churn")
    parser.add_argument("url")
    parser.add_argument("--visits", type=int, default=300)
    parser.add_argument("--at-once", type=int, default=10)
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--fps", type=int, default=30)
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
