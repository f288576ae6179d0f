"""`easel serve`, with a probe of its event loop.

The probe says, for each line on standard input, what is known inside the process only: one JSON
line with the number of tasks, and the lag of the event loop since the line before.
"""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pipeline.service
from bench.loop_probe import probing
from pipeline.cli import main
from pipeline.service import Running
from pipeline.settings import Settings

_serving = pipeline.service.serving


@asynccontextmanager
async def _probed(settings: Settings) -> AsyncIterator[Running]:
    async with _serving(settings) as running, probing(_say):
        yield running


def _say(told: dict[str, Any]) -> None:
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    pipeline.service.serving = _probed  # the command line looks it up when it starts
    sys.exit(main(["serve", *sys.argv[1:]]))
