"""The emulator as a child process: started when there is no key, gone when we are."""

import asyncio
import json
import logging
import ssl
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from processors.gemini.client import Endpoint

logger = logging.getLogger(__name__)

MODULE: Final = "emulator"
IMAGE_LATENCY_S: Final = "1.5"  # long enough to be announced, short of a real model's
START_LIMIT_S: Final = 20.0
STOP_LIMIT_S: Final = 2.0  # after SIGTERM; it has processes of its own to end
LAST_LINES: Final = 5  # of its standard error, to say why it did not start
MAX_LINE_BYTES: Final = 64 * 1024
EMULATOR_KEY: Final = "emulator"  # the emulator takes any


class EmulatorFailed(RuntimeError):
    """The child ended, or said nothing of use, before it listened. `str()` says why."""


@asynccontextmanager
async def emulator_process(port: int = 0) -> AsyncIterator[Endpoint]:
    """Starts `python -m emulator` on loopback (port 0: a free one); yields where it is.

    Raises `EmulatorFailed`. The child ends with this context, and by itself if this process
    is killed. What it says on its standard error is logged.
    """
    child = await _Child.start(port)
    try:
        yield await child.listening()
    finally:
        await child.stop()


class _Child:
    """The process and the one task that reads what it says, so that no pipe runs full."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._said: deque[str] = deque(maxlen=LAST_LINES)
        self._stopping = False
        self._reader = asyncio.create_task(self._read_errors(), name="emulator-stderr")

    @classmethod
    async def start(cls, port: int) -> "_Child":
        """Raises `EmulatorFailed`."""
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", MODULE, "--json", "--image-latency", IMAGE_LATENCY_S, "--port", str(port)),
                "--exit-with-parent",  # it removes its certificate's folder itself, even then
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=MAX_LINE_BYTES,
                start_new_session=True,  # Ctrl-C is for us; it ends after the calls have
            )
        except OSError as error:
            raise EmulatorFailed(f"the emulator cannot be started: {error}") from error
        return cls(process)

    async def listening(self) -> Endpoint:
        """Waits for its one line. Raises `EmulatorFailed`."""
        assert self._process.stdout is not None  # PIPE above
        try:
            async with asyncio.timeout(START_LIMIT_S):
                line = await self._process.stdout.readline()
                if not line:
                    await self._reader  # to its end: there is the reason
        except TimeoutError:
            raise EmulatorFailed(
                f"the emulator did not say within {START_LIMIT_S:g} s where it listens"
            ) from None
        except ValueError as error:  # a line without end
            raise EmulatorFailed("the emulator talks nonsense") from error
        if not line:
            why = " / ".join(self._said) or "it gave no reason"
            raise EmulatorFailed(f"the emulator did not start: {why}")
        return _endpoint(line)

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL; returns when it is gone."""
        self._stopping = True
        if self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(STOP_LIMIT_S):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None  # PIPE above
        while True:
            try:
                line = await self._process.stderr.readline()
            except ValueError:  # a line without end: the reader goes on behind it
                continue
            if not line:
                break
            words = line.decode(errors="replace").rstrip()
            self._said.append(words)
            logger.warning("emulator: %s", words)
        await self._process.wait()
        if not self._stopping:
            logger.error("the emulator has ended with status %s", self._process.returncode)


def _endpoint(line: bytes) -> Endpoint:
    try:
        told = json.loads(line)
        url, certificate = told["listening"], Path(told["certificate"])
        return Endpoint(url, EMULATOR_KEY, ssl.create_default_context(cafile=certificate))
    except (ValueError, TypeError, LookupError, OSError) as error:
        raise EmulatorFailed("the emulator talks nonsense") from error
