"""The stage in a real pipeline, with tools that behave and tools that do not."""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from pipecat.frames.frames import EndFrame, Frame, InterruptionFrame, TextFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from processors import tool_stage
from processors.errors import ToolError
from processors.frames import (
    ModelNoteFrame,
    ToolCall,
    ToolCallFrame,
    ToolCancelFrame,
    ToolResultFrame,
)
from processors.tool_stage import MAX_RUNNING, STARTED, Acknowledgement, ToolCounters, ToolStage
from processors.tool_threads import MAX_THREADS
from processors.tools import Toolset, tool
from tests.processors.probe import WAIT_LIMIT_S, Around, around

LATE_S = 0.05


class Kitchen:
    """Tools, and what was done with them."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.tidied = asyncio.Event()
        self.enough = asyncio.Event()
        self.release = threading.Event()

    async def greet(self, name: str, times: int = 1) -> str:
        """Greets somebody."""
        return "Hello " * times + name

    def add(self, a: float, b: float) -> float:
        """Adds."""
        return a + b

    async def stir(self) -> str:
        """Stirs until it is told to stop."""
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.tidied.set()
        return "never"

    async def stir_on(self) -> str:
        """Stirs, and does not listen."""
        self.started.set()
        while not self.enough.is_set():
            try:
                await self.enough.wait()
            except asyncio.CancelledError:
                continue
        raise LookupError("too late")

    def boil(self) -> str:
        """Boils, in a thread, until it is released."""
        self.release.wait(WAIT_LIMIT_S)
        return "never"

    async def burn(self) -> None:
        """Fails with words that are nobody's business."""
        raise LookupError("the guest said: my number is 555")

    async def decline(self) -> None:
        """Fails with words for the model."""
        raise ToolError("There is no milk.")

    async def wait_wrongly(self) -> None:
        """Runs into a time limit of its own."""
        raise TimeoutError

    async def give_up(self) -> None:
        """Cancels itself."""
        raise asyncio.CancelledError

    async def weigh(self) -> object:
        """Returns what is no JSON."""
        return object()


@pytest.fixture
def kitchen() -> Kitchen:
    return Kitchen()


def stage_of(
    *functions: Callable[..., Any],
    how: Acknowledgement = Acknowledgement.NONE,
    slow: bool = False,
    time_limit_s: float = WAIT_LIMIT_S,
) -> ToolStage:
    tools = (tool(each, slow=slow, time_limit_s=time_limit_s) for each in functions)
    return ToolStage(Toolset(tools), how)


async def call(probes: Around, name: str, call_id: str = "1", /, **args: Any) -> None:
    await probes.push(ToolCallFrame((ToolCall(call_id, name, args),)))


async def result_of(probes: Around) -> dict[str, Any]:
    (result,) = await probes.above.wait_for(ToolResultFrame)
    return dict(result.response)


async def test_an_async_tool_is_answered(kitchen: Kitchen) -> None:
    async with around(stage_of(kitchen.greet)) as probes:
        await call(probes, "greet", "call-7", name="Ada")
        (result,) = await probes.above.wait_for(ToolResultFrame)
    assert result.call == ToolCall("call-7", "greet", {"name": "Ada"})
    assert result.response == {"output": "Hello Ada"}
    assert not result.will_continue


async def test_a_plain_tool_is_answered(kitchen: Kitchen) -> None:
    async with around(stage_of(kitchen.add)) as probes:
        await call(probes, "add", a=1, b=2)
        assert await result_of(probes) == {"output": 3.0}


async def test_frames_pass_while_a_tool_runs(kitchen: Kitchen) -> None:
    async with around(stage_of(kitchen.stir)) as probes:
        await call(probes, "stir")
        await kitchen.started.wait()
        await probes.push(TextFrame("on it goes"))
        assert await probes.below.wait_for(TextFrame)
        assert await probes.below.wait_for(ToolCallFrame)


@pytest.mark.parametrize(
    ("name", "args", "sentence", "counted"),
    [
        ("burn", {}, "burn failed: LookupError", ToolCounters(1, failures=1)),
        ("decline", {}, "There is no milk.", ToolCounters(1, failures=1)),
        ("wait_wrongly", {}, "wait_wrongly failed: TimeoutError", ToolCounters(1, failures=1)),
        ("give_up", {}, "give_up cancelled itself.", ToolCounters(1, failures=1)),
        (
            "weigh",
            {},
            "Its result is not JSON: it holds a object.",
            ToolCounters(1, failures=1),
        ),
        ("dance", {}, "There is no tool called dance.", ToolCounters(1, refused=1)),
        ("x" * 100, {}, f"There is no tool called {'x' * 64}.", ToolCounters(1, refused=1)),
        (
            "greet",
            {"times": "often"},
            "greet was called wrongly: name: Field required; times: Input should be a valid "
            "integer, unable to parse string as an integer",
            ToolCounters(1, refused=1),
        ),
    ],
)
async def test_every_failure_is_a_result_with_words(
    kitchen: Kitchen, name: str, args: dict[str, Any], sentence: str, counted: ToolCounters
) -> None:
    stage = stage_of(
        kitchen.greet,
        kitchen.burn,
        kitchen.decline,
        kitchen.wait_wrongly,
        kitchen.give_up,
        kitchen.weigh,
    )
    async with around(stage) as probes:
        await probes.push(ToolCallFrame((ToolCall("1", name, args),)))
        assert await result_of(probes) == {"error": sentence}
    assert stage.counters == counted


async def test_what_a_tool_says_in_its_error_is_not_logged(
    kitchen: Kitchen, caplog: pytest.LogCaptureFixture
) -> None:
    async with around(stage_of(kitchen.burn)) as probes:
        await call(probes, "burn")
        await result_of(probes)
    assert "tool burn failed with LookupError" in caplog.text
    assert "555" not in caplog.text


async def test_a_tool_that_takes_too_long_is_cancelled_and_tidies_up(kitchen: Kitchen) -> None:
    stage = stage_of(kitchen.stir, time_limit_s=LATE_S)
    async with around(stage) as probes:
        await call(probes, "stir")
        assert await result_of(probes) == {"error": "stir took longer than 0.05 s."}
        assert kitchen.tidied.is_set()
    assert stage.counters == ToolCounters(1, timeouts=1)


async def test_a_plain_tool_that_never_returns_is_abandoned(kitchen: Kitchen) -> None:
    tools = Toolset([tool(kitchen.boil, time_limit_s=LATE_S), tool(kitchen.add)])
    stage = ToolStage(tools, Acknowledgement.NONE)
    try:
        async with around(stage) as probes:
            for number in range(MAX_THREADS):
                await call(probes, "boil", str(number))
                if number == MAX_THREADS // 2:  # fewer than may run at a time
                    await probes.above.wait_for(ToolResultFrame, number + 1)
            results = await probes.above.wait_for(ToolResultFrame, MAX_THREADS)
            assert {str(r.response["error"]) for r in results} == {"boil took longer than 0.05 s."}
            await call(probes, "boil", "once more")
            await call(probes, "add", "other", a=1, b=1)
            results = await probes.above.wait_for(ToolResultFrame, MAX_THREADS + 2)
    finally:
        kitchen.release.set()
    told = {result.call.id: result.response for result in results}
    assert told["once more"] == {"error": "It is busy with 16 other calls. Try again later."}
    assert told["other"] == {"output": 2.0}
    assert stage.counters.abandoned == MAX_THREADS


async def test_an_async_tool_that_does_not_listen_is_abandoned(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool_stage, "GRACE_S", LATE_S)
    stage = stage_of(kitchen.stir_on, time_limit_s=LATE_S)
    async with around(stage) as probes:
        await call(probes, "stir_on")
        assert await result_of(probes) == {"error": "stir_on took longer than 0.05 s."}
        assert stage.counters.abandoned == 1
        (work,) = (t for t in asyncio.all_tasks() if t.get_name() == "tool-stir_on-work")
        kitchen.enough.set()
        await asyncio.wait({work}, timeout=WAIT_LIMIT_S)
        assert work.done()


async def test_a_cancelled_call_ends_without_a_result(kitchen: Kitchen) -> None:
    stage = stage_of(kitchen.stir, kitchen.greet)
    async with around(stage) as probes:
        await call(probes, "stir", "a")
        await kitchen.started.wait()
        await probes.push(ToolCancelFrame(("a", "a", "unknown")))
        await probes.push(ToolCancelFrame(("a",)))
        async with asyncio.timeout(WAIT_LIMIT_S):
            await kitchen.tidied.wait()
        await call(probes, "greet", "b", name="Ada")
        (only,) = await probes.above.wait_for(ToolResultFrame)
        assert only.call.id == "b"
        assert await probes.below.wait_for(ToolCancelFrame, 2)
    assert stage.counters == ToolCounters(2, cancelled=1)


async def test_a_call_without_id_is_answered_and_never_cancelled_by_mistake(
    kitchen: Kitchen,
) -> None:
    async with around(stage_of(kitchen.stir, kitchen.greet)) as probes:
        await call(probes, "stir", "")
        await kitchen.started.wait()
        await probes.push(ToolCancelFrame(("",)))
        await call(probes, "greet", "", name="Ada")
        assert await result_of(probes) == {"output": "Hello Ada"}
        assert not kitchen.tidied.is_set()


async def test_two_calls_of_one_id_are_both_answered(kitchen: Kitchen) -> None:
    async with around(stage_of(kitchen.greet, kitchen.add)) as probes:
        twice = (ToolCall("1", "greet", {"name": "Ada"}), ToolCall("1", "add", {"a": 1, "b": 1}))
        await probes.push(ToolCallFrame(twice))
        results = await probes.above.wait_for(ToolResultFrame, 2)
    assert {result.call.name for result in results} == {"greet", "add"}


async def test_too_many_at_once_are_refused(kitchen: Kitchen) -> None:
    stage = stage_of(kitchen.stir)
    async with around(stage) as probes:
        calls = tuple(ToolCall(str(n), "stir", {}) for n in range(MAX_RUNNING + 1))
        await probes.push(ToolCallFrame(calls))
        (result,) = await probes.above.wait_for(ToolResultFrame)
        assert result.call.id == str(MAX_RUNNING)
        assert result.response == {"error": "Too many tools are running. Try again later."}
    assert stage.counters == ToolCounters(MAX_RUNNING + 1, refused=1)


async def test_an_interruption_does_not_end_a_tool(kitchen: Kitchen) -> None:
    async with around(stage_of(kitchen.stir)) as probes:
        await call(probes, "stir")
        await kitchen.started.wait()
        await probes.push(InterruptionFrame())
        assert await probes.below.wait_for(InterruptionFrame)
        assert not kitchen.tidied.is_set()


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("greet", '[greet is done: "Hello Ada"]'),
        ("decline", "[decline failed: There is no milk.]"),
    ],
)
async def test_a_model_that_waits_is_told_that_a_slow_tool_has_started(
    kitchen: Kitchen, name: str, note: str
) -> None:
    stage = stage_of(kitchen.greet, kitchen.decline, how=Acknowledgement.ANSWER, slow=True)
    async with around(stage) as probes:
        await call(probes, name, **({"name": "Ada"} if name == "greet" else {}))
        (told,) = await probes.above.wait_for(ModelNoteFrame)
        assert await result_of(probes) == STARTED
    assert told.text == note


async def test_a_model_that_schedules_is_told_in_silence_and_gets_the_result_when_idle(
    kitchen: Kitchen,
) -> None:
    stage = stage_of(kitchen.greet, how=Acknowledgement.PROGRESS, slow=True)
    async with around(stage) as probes:
        await call(probes, "greet", name="Ada")
        started, done = await probes.above.wait_for(ToolResultFrame, 2)
    assert (started.response, started.will_continue, started.scheduling) == (
        STARTED, True, "SILENT",
    )  # fmt: skip
    assert (done.response, done.will_continue, done.scheduling) == (
        {"output": "Hello Ada"}, False, "WHEN_IDLE",
    )  # fmt: skip


async def test_a_model_that_does_not_wait_gets_the_result_of_a_slow_tool(
    kitchen: Kitchen,
) -> None:
    async with around(stage_of(kitchen.greet, slow=True)) as probes:
        await call(probes, "greet", name="Ada")
        assert await result_of(probes) == {"output": "Hello Ada"}
    assert not probes.above.of(ModelNoteFrame)


async def test_a_slow_tool_called_wrongly_is_not_said_to_have_started(kitchen: Kitchen) -> None:
    async with around(stage_of(kitchen.greet, how=Acknowledgement.ANSWER, slow=True)) as probes:
        await call(probes, "greet")
        assert await result_of(probes) == {
            "error": "greet was called wrongly: name: Field required"
        }
        assert not probes.above.of(ModelNoteFrame)


async def test_a_quick_tool_is_waited_for(kitchen: Kitchen) -> None:
    async with around(stage_of(kitchen.greet, how=Acknowledgement.ANSWER)) as probes:
        await call(probes, "greet", name="Ada")
        assert await result_of(probes) == {"output": "Hello Ada"}


async def test_the_end_of_the_room_ends_all_tools_at_once(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tool_stage, "GRACE_S", 0.3)
    stage = stage_of(kitchen.stir, kitchen.stir_on, kitchen.boil)
    loop = asyncio.get_running_loop()
    async with around(stage) as probes:
        for number, name in enumerate(["stir", *["stir_on"] * 10, *["boil"] * 5]):
            await call(probes, name, str(number))
        await kitchen.started.wait()
        begun = loop.time()
    took = loop.time() - begun
    kitchen.release.set()
    kitchen.enough.set()
    assert took < 2.0  # one grace, not one for each
    assert kitchen.tidied.is_set()
    assert stage.counters.abandoned == 15
    assert not probes.above.of(ToolResultFrame)
    assert "did not end within" not in caplog.text


async def test_tools_have_ended_before_what_comes_behind_them_does(kitchen: Kitchen) -> None:
    seen: list[bool] = []

    class Behind(FrameProcessor):
        async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
            await super().process_frame(frame, direction)
            if isinstance(frame, EndFrame):
                seen.append(kitchen.tidied.is_set())
            await self.push_frame(frame, direction)

    async with around(stage_of(kitchen.stir), Behind()) as probes:
        await call(probes, "stir")
        await kitchen.started.wait()
    assert seen == [True]


async def test_no_task_is_left(kitchen: Kitchen) -> None:
    before = asyncio.all_tasks()
    async with around(stage_of(kitchen.stir, kitchen.greet)) as probes:
        await call(probes, "stir", "a")
        await call(probes, "greet", "b", name="Ada")
        await result_of(probes)
    assert asyncio.all_tasks() == before


async def test_nothing_is_said_at_info_about_calls(
    kitchen: Kitchen, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="processors")
    async with around(stage_of(kitchen.greet)) as probes:
        await call(probes, "greet", name="Ada")
        await result_of(probes)
    assert "Ada" not in caplog.text
