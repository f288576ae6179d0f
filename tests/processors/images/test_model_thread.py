"""The loop in which the image models are asked: what passes between it and the main one."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final

import pytest

from processors.images.model_thread import MOST_AHEAD, ModelThread, ModelThreadClosed

WAIT_LIMIT_S: Final = 5.0


@pytest.fixture
async def thread() -> AsyncIterator[ModelThread]:
    opened = ModelThread()
    await opened.open()
    yield opened
    await opened.close()


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, WAIT_LIMIT_S)


class Endless:
    """A source that has nothing to say, and goes on until it is stopped."""

    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()

    async def values(self) -> AsyncGenerator[None, None]:
        self.begun.set()
        try:
            await asyncio.Event().wait()
            yield
        finally:
            self.ended.set()


async def test_what_is_yielded_there_comes_here_in_order(thread: ModelThread) -> None:
    idents = set()

    async def source() -> AsyncGenerator[int, None]:
        for number in range(3 * MOST_AHEAD):
            idents.add(threading.get_ident())
            yield number
            await asyncio.sleep(0)

    assert [number async for number in thread.iterate(source)] == [*range(3 * MOST_AHEAD)]
    assert len(idents) == 1
    assert threading.get_ident() not in idents


async def test_the_main_loop_goes_on_while_a_step_there_takes_its_time(thread: ModelThread) -> None:
    may_go_on = threading.Event()

    async def source() -> AsyncGenerator[bool, None]:
        yield True
        yield may_go_on.wait(WAIT_LIMIT_S)  # blocks all of its thread

    async with aclosing(thread.iterate(source)) as values:
        assert await anext(values)
        asyncio.get_running_loop().call_soon(may_go_on.set)
        assert await anext(values), "the main loop stood still"


async def test_an_error_there_is_raised_here(thread: ModelThread) -> None:
    async def source() -> AsyncGenerator[str, None]:
        yield "said"
        raise KeyError("lost")

    heard = []
    with pytest.raises(KeyError, match="lost"):
        async for word in thread.iterate(source):
            heard.append(word)
    assert heard == ["said"]


async def test_who_stops_listening_ends_the_source(thread: ModelThread) -> None:
    source = Endless()

    async def listen() -> None:
        async with aclosing(thread.iterate(source.values)) as values:
            async for _ in values:
                pass

    listening = asyncio.create_task(listen())
    await until(source.begun)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert source.ended.is_set(), "it was not waited for"


async def test_who_does_not_take_is_not_buried(thread: ModelThread) -> None:
    yielded: list[int] = []
    full = threading.Event()

    async def source() -> AsyncGenerator[int, None]:
        for number in range(10 * MOST_AHEAD):
            if number == MOST_AHEAD + 1:
                full.set()  # this one was asked for, and so the one before it was sent
            yielded.append(number)
            yield number

    async with aclosing(thread.iterate(source)) as values:
        assert await anext(values) == 0
        await until(full)
        await thread.run(_nothing)  # a turn of its loop
        assert len(yielded) <= MOST_AHEAD + 2
        assert thread.counters.paused >= 1
        assert [number async for number in values] == [*range(1, 10 * MOST_AHEAD)]


async def test_closing_ends_what_still_runs() -> None:
    thread = ModelThread()
    await thread.open()
    source = Endless()

    async def listen() -> None:
        async for _ in thread.iterate(source.values):
            pass

    listening = asyncio.create_task(listen())
    await until(source.begun)
    await thread.close()
    with pytest.raises(ModelThreadClosed):
        await listening
    assert source.ended.is_set()
    assert "image-models" not in [each.name for each in threading.enumerate()]
    await thread.close()
    with pytest.raises(ModelThreadClosed):
        await thread.run(_nothing)


async def test_a_result_comes_back(thread: ModelThread) -> None:
    async def where() -> int:
        return threading.get_ident()

    assert await thread.run(where) != threading.get_ident()


async def _nothing() -> None:
    """For a turn of the loop over there."""
