"""Threads for tools that are plain functions: any of them may never return.

A thread cannot be killed. One whose caller no longer waits is left alone; it holds up neither
the other tools nor the end of the process, as the threads of a ThreadPoolExecutor would.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

from processors.errors import ToolError

MAX_THREADS: Final = 16

T = TypeVar("T")


class ToolThreads:
    """At most `limit` at a time, those that were left alone included; beyond it, refused."""

    def __init__(self, limit: int = MAX_THREADS) -> None:
        self._places = threading.Semaphore(limit)
        self._limit = limit

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises. When cancelled it does not wait for the thread.

        Raises `ToolError` when all places are taken, and instead of what is no `Exception`.
        """
        if not self._places.acquire(blocking=False):
            raise ToolError(f"It is busy with {self._limit} other calls. Try again later.")
        outcome: Future[T] = Future()
        outcome.set_running_or_notify_cancel()  # from here on nobody but the thread settles it
        context = contextvars.copy_context()  # so that what it logs belongs to the room
        thread = threading.Thread(
            target=lambda: context.run(self._settle, work, outcome), name="tool", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:  # the machine has no thread left
            self._places.release()
            raise ToolError("No thread is free. Try again later.") from None
        return await asyncio.wrap_future(outcome)

    def _settle(self, work: Callable[[], T], outcome: Future[T]) -> None:
        try:
            result = work()
        except BaseException as error:  # SystemExit too: it would end the service
            self._places.release()
            outcome.set_exception(_harmless(error))
        else:
            self._places.release()
            outcome.set_result(result)


def _harmless(error: BaseException) -> Exception:
    """StopIteration cannot travel through a future; the rest is not for the event loop."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    return ToolError(f"It ended with {type(error).__name__}.")
