import asyncio
import subprocess
import sys
import threading
from contextvars import ContextVar

import pytest

from processors.errors import ToolError
from processors.tool_threads import ToolThreads

WAIT_LIMIT_S = 5.0


async def test_the_result_comes_back_from_another_thread() -> None:
    assert await ToolThreads().run(threading.get_ident) != threading.get_ident()


async def test_an_error_comes_back() -> None:
    def work() -> None:
        raise LookupError("nothing")

    with pytest.raises(LookupError, match="nothing"):
        await ToolThreads().run(work)


@pytest.mark.parametrize("ending", [SystemExit, KeyboardInterrupt, StopIteration, GeneratorExit])
async def test_what_would_end_the_service_is_a_tool_error(ending: type[BaseException]) -> None:
    def work() -> None:
        raise ending

    with pytest.raises(ToolError, match=f"It ended with {ending.__name__}."):
        await ToolThreads().run(work)


async def test_it_runs_in_the_context_of_the_caller() -> None:
    room: ContextVar[str] = ContextVar("room")
    room.set("this one")
    assert await ToolThreads().run(room.get) == "this one"


async def test_a_cancelled_caller_does_not_wait_and_the_thread_keeps_its_place() -> None:
    threads = ToolThreads(limit=1)
    begun, release = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        release.wait(WAIT_LIMIT_S)

    caller = asyncio.create_task(threads.run(work))
    await asyncio.to_thread(begun.wait, WAIT_LIMIT_S)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    with pytest.raises(ToolError, match="busy with 1 other calls"):
        await threads.run(threading.get_ident)
    release.set()
    for thread in threading.enumerate():
        if thread.name == "tool":
            await asyncio.to_thread(thread.join, WAIT_LIMIT_S)
    await threads.run(threading.get_ident)


async def test_places_come_back_after_results_and_errors() -> None:
    threads = ToolThreads(limit=1)
    for _ in range(3):
        await threads.run(threading.get_ident)
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 // 0)


async def test_without_a_thread_to_be_had_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threads = ToolThreads(limit=1)
    with monkeypatch.context() as machine:
        machine.setattr(threading.Thread, "start", no_more)
        with pytest.raises(ToolError, match="No thread is free"):
            await threads.run(threading.get_ident)
    await threads.run(threading.get_ident)


def test_a_thread_that_never_returns_does_not_hold_up_the_end_of_the_process() -> None:
    program = """
import asyncio, threading
from processors.tool_threads import ToolThreads

async def main():
    try:
        async with asyncio.timeout(0.05):
            await ToolThreads().run(threading.Event().wait)
    except TimeoutError:
        print("abandoned")

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "abandoned\n", "")
