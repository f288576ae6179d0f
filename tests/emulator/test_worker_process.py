from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from emulator.worker_process import (
    MAX_PENDING,
    WorkerBusy,
    WorkerProcess,
    WorkerTooSlow,
    WorkerUnavailable,
)

LIMIT_S = 20.0


@pytest.fixture
async def worker() -> AsyncIterator[WorkerProcess]:
    worker = WorkerProcess("tests.emulator.echo_worker")
    yield worker
    await worker.close()


def gone(pid: int) -> bool:
    """True when the process ends within LIMIT_S, even if nobody collects its exit status."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], LIMIT_S)[0])
    finally:
        os.close(watched)


async def test_many_requests_get_their_own_answers(worker: WorkerProcess) -> None:
    await worker.start()
    await worker.start()
    requests = [str(number).encode() for number in range(MAX_PENDING)]
    answers = await asyncio.gather(
        *(worker.request(request, time_limit_s=LIMIT_S) for request in requests)
    )
    assert answers == [b"echo " + request for request in requests]
    assert worker.counts.answered == MAX_PENDING
    assert worker.counts.started == 1


async def test_more_than_the_bound_is_refused(worker: WorkerProcess) -> None:
    await worker.start()
    waiting = [
        asyncio.create_task(worker.request(b"x", time_limit_s=LIMIT_S)) for _ in range(MAX_PENDING)
    ]
    await asyncio.sleep(0)
    with pytest.raises(WorkerBusy):
        await worker.request(b"one too many", time_limit_s=LIMIT_S)
    assert worker.counts.refused == 1
    await asyncio.gather(*waiting)


async def test_a_cancelled_caller_does_not_shift_the_answers(worker: WorkerProcess) -> None:
    await worker.start()
    first = asyncio.create_task(worker.request(b"first", time_limit_s=LIMIT_S))
    for _ in range(5):  # enough steps to write the request, too few for an answer to come back
        await asyncio.sleep(0)
    assert not first.done()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await worker.request(b"second", time_limit_s=LIMIT_S) == b"echo second"


async def test_a_crash_is_answered_by_one_restart(worker: WorkerProcess, tmp_path: Path) -> None:
    request = b"crash unless " + str(tmp_path / "marker").encode()
    assert await worker.request(request, time_limit_s=LIMIT_S) == b"echo " + request
    assert (worker.counts.started, worker.counts.crashed) == (2, 1)


async def test_a_second_crash_is_the_callers_answer(worker: WorkerProcess) -> None:
    with pytest.raises(WorkerUnavailable):
        await worker.request(b"crash", time_limit_s=LIMIT_S)
    assert worker.counts.crashed == 2
    assert await worker.request(b"next", time_limit_s=LIMIT_S) == b"echo next"


async def test_a_killed_child_is_replaced(worker: WorkerProcess) -> None:
    await worker.start()
    pid = worker.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert await worker.request(b"x", time_limit_s=LIMIT_S) == b"echo x"
    assert worker.pid not in (None, pid)


async def test_a_slow_answer_ends_the_child(worker: WorkerProcess) -> None:
    await worker.start()
    pid = worker.pid
    with pytest.raises(WorkerTooSlow):
        await worker.request(b"hang", time_limit_s=0.05)
    assert pid is not None and gone(pid)
    assert worker.counts.too_slow == 1
    assert await worker.request(b"x", time_limit_s=LIMIT_S) == b"echo x"


async def test_close_leaves_no_process(worker: WorkerProcess) -> None:
    await worker.start()
    pid = worker.pid
    await worker.close()
    await worker.close()
    assert pid is not None and gone(pid)
    assert worker.pid is None
    with pytest.raises(WorkerUnavailable):
        await worker.request(b"x", time_limit_s=LIMIT_S)


async def test_close_kills_a_child_that_hangs(
    worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.worker_process.CLOSE_TIME_LIMIT_S", 0.05)
    await worker.start()
    pid = worker.pid
    asked = asyncio.create_task(worker.request(b"hang", time_limit_s=LIMIT_S))
    await asyncio.sleep(0)
    await worker.close()
    with pytest.raises(WorkerUnavailable):
        await asked
    assert pid is not None and gone(pid)


async def test_a_missing_interpreter_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(WorkerUnavailable, match="does not start"):
        await WorkerProcess("tests.emulator.echo_worker").start()


def test_the_child_dies_with_its_parent() -> None:
    script = textwrap.dedent("""
        import asyncio, os
        from emulator.worker_process import WorkerProcess
        async def main():
            worker = WorkerProcess("tests.emulator.echo_worker")
            await worker.request(b"x", time_limit_s=20)
            print(worker.pid, flush=True)
            os._exit(9)  # no clean-up of any kind
        asyncio.run(main())
    """)
    # The pipe of the parent's stderr is inherited by the child: it ends when both are gone.
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 9
    assert gone(int(done.stdout))
