"""A child process that answers frames, and its life: start, one restart after a crash, close.

Errors:

    WorkerError              the caller cannot have an answer
    ├── WorkerUnavailable    the child does not start, or crashed again after its restart
    ├── WorkerTooSlow        no answer within the time limit; the child was ended
    └── WorkerBusy           more than MAX_PENDING requests wait already (the caller's load)
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emulator.worker_pipe import HEADER, FrameError, pack_frame, unpack_header

logger = logging.getLogger(__name__)

MAX_PENDING: Final = 64
CLOSE_TIME_LIMIT_S: Final = 2.0


class WorkerError(Exception):
    """The child process gave no answer."""


class WorkerUnavailable(WorkerError):
    """The child process does not start, or crashed twice on the same request."""


class WorkerTooSlow(WorkerError):
    """The child process did not answer in time and was ended."""


class WorkerBusy(WorkerError):
    """Too many requests wait for the child process."""


class _Crashed(WorkerError):
    """The child ended before it answered."""


@dataclass
class WorkerCounts:
    """What happened so far; for metrics and tests."""

    answered: int = 0
    started: int = 0
    crashed: int = 0
    too_slow: int = 0
    refused: int = 0


def _environment() -> dict[str, str]:
    """Ours, with the folder of this package on the child's path whatever the working folder is."""
    root = str(Path(__file__).resolve().parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


class _Child:
    """One running process. Its reader task is the only reader of its stdout."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._numbers = itertools.count(1)
        self._reader = asyncio.create_task(self._read(), name=f"worker-{process.pid}")

    @property
    def alive(self) -> bool:
        return not self._reader.done()

    async def exchange(self, request: bytes) -> bytes:
        if not self.alive or self.process.stdin is None:
            raise _Crashed("the child process has ended")
        number = next(self._numbers)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self.process.stdin.write(pack_frame(number, request))
            await self.process.stdin.drain()
            return await answer
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _Crashed("the child process closed its pipe") from error
        finally:
            # A caller may be cancelled; its late answer is then read and dropped.
            self._waiting.pop(number, None)

    async def _read(self) -> None:
        assert self.process.stdout is not None  # created with stdout=PIPE
        try:
            while True:
                header = await self.process.stdout.readexactly(HEADER.size)
                length, number = unpack_header(header)
                payload = await self.process.stdout.readexactly(length)
                answer = self._waiting.get(number)
                if answer is not None and not answer.done():
                    answer.set_result(payload)
        except (asyncio.IncompleteReadError, ConnectionError, FrameError):
            pass
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(_Crashed("the child process ended"))

    async def end(self) -> None:
        """Close its stdin, wait CLOSE_TIME_LIMIT_S, then kill. Leaves nothing behind."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            async with asyncio.timeout(CLOSE_TIME_LIMIT_S):
                await self.process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        await self._reader


class WorkerProcess:
    """Runs `python -m <module>` and exchanges frames with it; several requests may wait at once.

    A crash is answered by one restart per request; a request slower than its time limit ends the
    child, and the next request starts a new one.
    """

    def __init__(self, module: str, *, arguments: Sequence[str] = ()) -> None:
        self._command = (sys.executable, "-m", module, *arguments)
        self._module = module
        self._child: _Child | None = None
        self._starting = asyncio.Lock()
        self._pending = 0
        self._closed = False
        self.counts = WorkerCounts()

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return self._child.process.pid if self._child is not None and self._child.alive else None

    async def start(self) -> None:
        """Start the child. Raises WorkerUnavailable. Calling it again does nothing."""
        await self._living_child()

    async def request(self, payload: bytes, *, time_limit_s: float) -> bytes:
        """The child's answer. Raises WorkerError. A cancelled caller costs no other caller."""
        if self._pending >= MAX_PENDING:
            self.counts.refused += 1
            raise WorkerBusy(f"{MAX_PENDING} requests wait for {self._module}")
        self._pending += 1
        try:
            return await self._request_with_restart(payload, time_limit_s)
        finally:
            self._pending -= 1

    async def _request_with_restart(self, payload: bytes, time_limit_s: float) -> bytes:
        for _ in range(2):
            child = await self._living_child()
            try:
                async with asyncio.timeout(time_limit_s):
                    answer = await child.exchange(payload)
            except _Crashed:
                self.counts.crashed += 1
                logger.warning("%s crashed", self._module)
            except TimeoutError:
                self.counts.too_slow += 1
                await self._drop(child)
                raise WorkerTooSlow(f"{self._module} took over {time_limit_s} s") from None
            else:
                self.counts.answered += 1
                return answer
        raise WorkerUnavailable(f"{self._module} crashed twice on one request")

    async def _living_child(self) -> _Child:
        async with self._starting:
            if self._closed:
                raise WorkerUnavailable(f"{self._module} is closed")
            if self._child is not None and self._child.alive:
                return self._child
            if self._child is not None:
                await self._child.end()
            self._child = await self._spawn()
            return self._child

    async def _spawn(self) -> _Child:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=_environment(),
            )
        except OSError as error:
            raise WorkerUnavailable(f"{self._module} does not start: {error}") from error
        self.counts.started += 1
        return _Child(process)

    async def _drop(self, child: _Child) -> None:
        with contextlib.suppress(ProcessLookupError):
            child.process.kill()
        await child.end()

    async def close(self) -> None:
        """End the child and wait for it; idempotent, at most CLOSE_TIME_LIMIT_S and a kill."""
        async with self._starting:
            self._closed = True
            if self._child is not None:
                await self._child.end()
                self._child = None
