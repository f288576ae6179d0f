"""Short pieces of a room's work that a callback starts and cannot await."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

logger = logging.getLogger(__name__)

MAX_WAITING: Final = 64


class Jobs:
    """One job at a time, in the order they came; beyond `MAX_WAITING` new ones are refused."""

    def __init__(self) -> None:
        self.refused = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    def start(self, job: Coroutine[Any, Any, None]) -> bool:
        """False, and the job is dropped and counted, when too many wait."""
        if len(self._tasks) >= MAX_WAITING:
            self.refused += 1
            job.close()
            return False
        task = asyncio.create_task(self._run(job), name="job")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, job: Coroutine[Any, Any, None]) -> None:
        try:
            async with self._turn:
                await job
        except Exception:
            logger.exception("a job of the room failed")
        finally:
            job.close()
