"""`easel serve`, with a probe of its event loop: what can be seen from inside only."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pipeline.service
from bench.loop_probe import probing
from pipeline.cli import main
from pipeline.service import Running
from pipeline.settings import Settings

_serving = pipeline.service.serving


@asynccontextmanager
async def _probed(settings: Settings) -> AsyncIterator[Running]:
    async with _serving(settings) as running, probing():
        yield running


if __name__ == "__main__":
    pipeline.service.serving = _probed  # the command line looks it up when it starts
    sys.exit(main(["serve", *sys.argv[1:]]))
