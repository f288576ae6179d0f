"""How late an event loop is, and how many tasks it has: asked over standard input."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bench.figures import percentile

EVERY_S: Final = 0.01


@asynccontextmanager
async def probing() -> AsyncIterator[None]:
    """Says what is known, as a line of JSON, for each line of standard input."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    lags: list[float] = []
    tasks = [asyncio.create_task(_measure(lags)), asyncio.create_task(_answer(reader, lags))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        pipe.close()


async def _measure(lags: list[float]) -> None:
    while True:
        due = time.monotonic() + EVERY_S
        await asyncio.sleep(EVERY_S)
        lags.append(time.monotonic() - due)


async def _answer(reader: asyncio.StreamReader, lags: list[float]) -> None:
    own = 2
    while await reader.readline():
        told = {
            "tasks": len(asyncio.all_tasks()) - own,
            "lag_ms_p50": round(1000 * percentile(lags, 0.5), 2),
            "lag_ms_p99": round(1000 * percentile(lags, 0.99), 2),
            "lag_ms_max": round(1000 * max(lags, default=0.0), 2),
        }
        lags.clear()
        print(json.dumps(told), flush=True)
