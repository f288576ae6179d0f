"""An event loop of its own for the image models, so that the voice never waits for one.

A picture comes as one line of a megabyte, and an edit sends several of that size: the SDK reads and
writes each for 10 to 30 ms without a pause. In another thread that holds up the main loop only for
as long as single steps of it take (docs/images.md).
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")

MOST_AHEAD: Final = 4  # pieces that wait to be taken; a model that has more to say is paused
CLOSING_LIMIT_S: Final = 2.0


class ModelThreadClosed(RuntimeError):
    """There is no such thread any more: the service ends."""


@dataclass(slots=True)
class ModelThreadCounters:
    """`paused`: an answer came faster than it was taken."""

    paused: int = 0


class ModelThread:
    """To be opened and closed on the loop that uses it. `close` is idempotent."""

    def __init__(self) -> None:
        self.counters = ModelThreadCounters()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = asyncio.Event()  # lives over there
        self._thread: threading.Thread | None = None

    async def open(self) -> None:
        """Its loop is of the kind that runs now."""
        here, opened = asyncio.get_running_loop(), asyncio.Event()

        async def stay() -> None:
            self._loop = asyncio.get_running_loop()
            here.call_soon_threadsafe(opened.set)
            await self._closing.wait()

        def work() -> None:
            with asyncio.Runner(loop_factory=type(here)) as runner:  # it cancels what is left
                runner.run(stay())

        self._thread = threading.Thread(target=work, name="image-models", daemon=True)
        self._thread.start()
        await opened.wait()

    async def close(self) -> None:
        """Cancels what still runs there and waits for its end, for `CLOSING_LIMIT_S` at most."""
        loop, self._loop = self._loop, None
        if loop is None or self._thread is None:
            return
        loop.call_soon_threadsafe(self._closing.set)
        await asyncio.to_thread(self._thread.join, CLOSING_LIMIT_S)

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `work()` comes to, over there."""

        async def only() -> AsyncGenerator[T, None]:
            yield await work()

        async with aclosing(self.iterate(only)) as results:
            return await anext(results)

    async def iterate(
        self, source: Callable[[], AsyncGenerator[T, None]]
    ) -> AsyncGenerator[T, None]:
        """What `source()` yields over there. Raises what it raises, and `ModelThreadClosed`.

        Closed early (`aclosing`), it cancels the source and waits until that has ended.
        """
        if self._loop is None:
            raise ModelThreadClosed
        stream = _Stream(source, self._loop, self.counters)
        try:
            while isinstance(item := await stream.next(), _Item):
                yield item.value
            if item.error is not None:
                raise item.error
        finally:
            await stream.end()


@dataclass(frozen=True, slots=True)
class _Item(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True)
class _Ended:
    error: BaseException | None


class _Stream(Generic[T]):
    """From a source over there to one taker here. What is said to do so runs over there."""

    def __init__(
        self,
        source: Callable[[], AsyncGenerator[T, None]],
        there: asyncio.AbstractEventLoop,
        counters: ModelThreadCounters,
    ) -> None:
        self._source = source
        self._here = asyncio.get_running_loop()
        self._there = there
        self._counters = counters
        self._items: asyncio.Queue[_Item[T] | _Ended] = asyncio.Queue()  # bounded by `_room`
        self._room = asyncio.Semaphore(MOST_AHEAD)
        self._task: asyncio.Task[None] | None = None
        self._is_over = False
        self._tell_there(self._start)

    async def next(self) -> _Item[T] | _Ended:
        item = await self._items.get()
        if isinstance(item, _Ended):
            self._is_over = True
        else:
            self._tell_there(self._room.release)
        return item

    async def end(self) -> None:
        """Cancels the source, unless it has ended, and waits for that."""
        self._tell_there(self._cancel)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_LIMIT_S):
                while not self._is_over:
                    await self.next()

    def _tell_there(self, what: Callable[[], object]) -> None:
        try:
            self._there.call_soon_threadsafe(what)
        except RuntimeError:  # closed meanwhile
            self._items.put_nowait(_Ended(ModelThreadClosed()))

    def _tell_here(self, item: _Item[T] | _Ended) -> None:
        """Over there."""
        with suppress(RuntimeError):  # this loop may be closed: nobody waits
            self._here.call_soon_threadsafe(self._items.put_nowait, item)

    def _start(self) -> None:
        """Over there."""
        self._task = self._there.create_task(self._pump())
        self._task.add_done_callback(self._ended)

    def _cancel(self) -> None:
        """Over there."""
        if self._task is not None:
            self._task.cancel()

    async def _pump(self) -> None:
        """Over there."""
        async with aclosing(self._source()) as values:
            async for value in values:
                self._counters.paused += self._room.locked()
                await self._room.acquire()
                self._tell_here(_Item(value))

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Over there."""
        error = ModelThreadClosed() if task.cancelled() else task.exception()
        self._tell_here(_Ended(error))
