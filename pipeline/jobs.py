"""Short pieces of a room's work that a callback starts and cannot await."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

logger = logging.getLogger(__name__)

MAX_WAITING: Final = 64
CLOSE_LIMIT_S: Final = 2.0


class Jobs:
    """One job at a time, in the order they came; beyond `MAX_WAITING` new ones are refused.

    A job that raises is logged, and the others go on.
    """

    def __init__(self) -> None:
        self.refused = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._closed = False

    def start(self, job: Coroutine[Any, Any, None]) -> bool:
        """False, and the job is dropped and counted, when too many wait, or after `close`."""
        if self._closed or len(self._tasks) >= MAX_WAITING:
            self.refused += 1
            job.close()
            return False
        task = asyncio.create_task(self._run(job), name="job")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # A task that is cancelled before its first step never gets to its job.
        task.add_done_callback(lambda _: job.close())
        return True

    async def close(self) -> None:
        """Cancels what runs and what waits. Idempotent, within `CLOSE_LIMIT_S`."""
        self._closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSE_LIMIT_S)
            if late:
                logger.warning("%d jobs did not end within %g s", len(late), CLOSE_LIMIT_S)

    async def _run(self, job: Coroutine[Any, Any, None]) -> None:
        try:
            async with self._turn:
                await job
        except Exception:
            logger.exception("a job of the room failed")
