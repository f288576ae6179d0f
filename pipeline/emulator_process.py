"""The emulator as a child process: started when there is no key, gone when we are."""

import asyncio
import json
import logging
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from processors.gemini.client import Endpoint

logger = logging.getLogger(__name__)

START_LIMIT_S: Final = 20.0
STOP_LIMIT_S: Final = 3.0
EMULATOR_KEY: Final = "emulator"  # the emulator takes any


class EmulatorFailed(RuntimeError):
    """The child ended, or said nothing, before it listened."""


@asynccontextmanager
async def emulator_process(port: int = 0) -> AsyncIterator[Endpoint]:
    """Starts `python -m emulator` on loopback (port 0: a free one); yields where it is.

    Raises `EmulatorFailed`. The child ends with this context, and by itself if this process
    is killed.
    """
    with tempfile.TemporaryDirectory(prefix="easel-emulator-") as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "emulator", "--json", "--port", str(port)),
            *("--exit-with-parent", "--cert-dir", folder),
            stdout=asyncio.subprocess.PIPE,
            stdin=asyncio.subprocess.DEVNULL,
        )
        try:
            yield await _listening(process)
        finally:
            await _stop(process)


async def _listening(process: asyncio.subprocess.Process) -> Endpoint:
    assert process.stdout is not None  # PIPE above
    try:
        async with asyncio.timeout(START_LIMIT_S):
            line = await process.stdout.readline()
        told = json.loads(line)
    except (TimeoutError, ValueError) as error:
        raise EmulatorFailed("the emulator did not start") from error
    tls = ssl.create_default_context(cafile=Path(told["certificate"]))
    return Endpoint(base_url=told["listening"], api_key=EMULATOR_KEY, tls=tls)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_LIMIT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
