import asyncio

import pytest

from pipeline import jobs as module
from pipeline.jobs import MAX_WAITING, Jobs

WAIT_LIMIT_S = 5.0


class Work:
    """Jobs that say what they did, and wait to be released."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.began = asyncio.Event()
        self.release = asyncio.Event()
        self.tidied = asyncio.Event()

    async def at_once(self, name: str) -> None:
        self.done.append(name)

    async def held(self, name: str) -> None:
        self.began.set()
        try:
            await self.release.wait()
        finally:
            self.tidied.set()
        self.done.append(name)

    async def failing(self) -> None:
        raise LookupError("no luck")


async def until_idle() -> None:
    tasks = [task for task in asyncio.all_tasks() if task.get_name() == "job"]
    _, late = await asyncio.wait(tasks, timeout=WAIT_LIMIT_S)
    assert not late


async def test_jobs_run_one_at_a_time_in_the_order_they_came() -> None:
    jobs, work = Jobs(), Work()
    assert jobs.start(work.held("first"))
    assert jobs.start(work.at_once("second"))
    assert jobs.start(work.at_once("third"))
    await work.began.wait()
    assert work.done == []
    work.release.set()
    await until_idle()
    assert work.done == ["first", "second", "third"]
    await jobs.close()


async def test_a_job_that_fails_is_logged_and_the_next_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    jobs, work = Jobs(), Work()
    jobs.start(work.failing())
    jobs.start(work.at_once("next"))
    await until_idle()
    assert work.done == ["next"]
    assert "a job of the room failed" in caplog.text
    await jobs.close()


async def test_too_many_are_refused_and_counted() -> None:
    jobs, work = Jobs(), Work()
    for number in range(MAX_WAITING):
        assert jobs.start(work.held(str(number)))
    assert not jobs.start(work.at_once("one more"))
    assert jobs.refused == 1
    work.release.set()
    await until_idle()
    assert len(work.done) == MAX_WAITING
    assert jobs.start(work.at_once("again"))
    await until_idle()
    assert work.done[-1] == "again"
    await jobs.close()


async def test_closing_ends_the_running_and_the_waiting() -> None:
    jobs, work = Jobs(), Work()
    jobs.start(work.held("running"))
    jobs.start(work.at_once("waiting"))
    await work.began.wait()
    await jobs.close()
    assert work.tidied.is_set()
    assert work.done == []
    await jobs.close()


async def test_closing_before_the_first_step_leaves_no_coroutine_behind() -> None:
    """Warnings are errors: "coroutine … was never awaited" would be one."""
    jobs, work = Jobs(), Work()
    jobs.start(work.at_once("never"))
    await jobs.close()
    assert work.done == []


async def test_nothing_is_started_once_closed() -> None:
    jobs, work = Jobs(), Work()
    await jobs.close()
    assert not jobs.start(work.at_once("late"))
    assert jobs.refused == 1


async def test_closing_does_not_wait_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "CLOSE_LIMIT_S", 0.05)
    jobs, release = Jobs(), asyncio.Event()
    began = asyncio.Event()

    async def deaf() -> None:
        began.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    jobs.start(deaf())
    await began.wait()
    async with asyncio.timeout(WAIT_LIMIT_S):
        await jobs.close()
    assert "1 jobs did not end within 0.05 s" in caplog.text
    release.set()
