"""The tool stage: runs what the model calls, beside the talk, and sends the results back up."""

import asyncio
import inspect
import logging
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pipecat.frames.frames import CancelFrame, EndFrame, Frame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from processors.errors import ToolError
from processors.frames import (
    ModelNoteFrame,
    ToolCall,
    ToolCallFrame,
    ToolCancelFrame,
    ToolResultFrame,
)
from processors.tools import Tool, Toolset

logger = logging.getLogger(__name__)

MAX_RUNNING: Final = 16
STOP_LIMIT_S: Final = 2.0


@dataclass(slots=True)
class ToolCounters:
    calls: int = 0
    failures: int = 0
    timeouts: int = 0
    cancelled: int = 0
    refused: int = 0


class ToolStage(FrameProcessor):
    """Each call is a task with a time limit; a `ToolCancelFrame` ends it without a result.

    `model_waits`: the model is silent until it has a result (BLOCKING tools). Slow tools are
    then answered "started" at once, and how they ended follows as a note.
    """

    def __init__(self, toolset: Toolset, executor: Executor, *, model_waits: bool) -> None:
        super().__init__(name="tools", enable_direct_mode=True)
        self.counters = ToolCounters()
        self._toolset = toolset
        self._executor = executor
        self._model_waits = model_waits
        self._running: dict[str, asyncio.Task[None]] = {}
        self._unnamed = 0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case ToolCallFrame(calls=calls):
                for call in calls:
                    await self._start(call)
            case ToolCancelFrame(ids=ids):
                self._cancel(ids)
            case EndFrame() | CancelFrame():
                await self._stop()
        await self.push_frame(frame, direction)

    async def _start(self, call: ToolCall) -> None:
        self.counters.calls += 1
        tool = self._toolset.get(call.name)
        if tool is None:
            self.counters.refused += 1
            await self._answer(call, {"error": f"There is no tool called {call.name}."})
            return
        if len(self._running) >= MAX_RUNNING:
            self.counters.refused += 1
            await self._answer(call, {"error": "Too many tools are running. Try again later."})
            return
        self._unnamed += 1
        key = call.id or f"unnamed-{self._unnamed}"  # Vertex may send no id
        task = self.create_task(self._run(call, tool), f"tool-{call.name}")
        self._running[key] = task
        task.add_done_callback(lambda _: self._running.pop(key, None))

    async def _run(self, call: ToolCall, tool: Tool) -> None:
        later = tool.slow and self._model_waits
        if later:
            await self._answer(call, {"output": "started; the result will follow"})
        response = await self._response(call, tool)
        if later:
            await self.push_frame(ModelNoteFrame(_note(call, response)), FrameDirection.UPSTREAM)
        else:
            await self._answer(call, response)

    async def _response(self, call: ToolCall, tool: Tool) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(tool.time_limit_s):
                return {"output": await self._call(tool, call.args)}
        except TimeoutError:
            self.counters.timeouts += 1
            return {"error": f"{tool.name} took longer than {tool.time_limit_s:g} s."}
        except ToolError as error:
            self.counters.failures += 1
            return {"error": str(error)}
        except Exception as error:  # a tool is somebody else's code
            self.counters.failures += 1
            logger.warning("tool %s failed with %s", tool.name, type(error).__name__)
            return {"error": f"{tool.name} failed: {type(error).__name__}"}

    async def _call(self, tool: Tool, args: Mapping[str, Any]) -> Any:
        try:
            inspect.signature(tool.function).bind(**args)
        except TypeError as error:
            raise ToolError(f"{tool.name} was called wrongly: {error}") from None
        if inspect.iscoroutinefunction(tool.function):
            return await tool.function(**args)
        work = partial(tool.function, **args)
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def _answer(self, call: ToolCall, response: Mapping[str, Any]) -> None:
        await self.push_frame(ToolResultFrame(call, response), FrameDirection.UPSTREAM)

    def _cancel(self, ids: tuple[str, ...]) -> None:
        for call_id in ids:
            task = self._running.get(call_id)
            if task is not None:
                self.counters.cancelled += 1
                task.cancel()

    async def _stop(self) -> None:
        for task in list(self._running.values()):
            await self.cancel_task(task, STOP_LIMIT_S)
        self._running.clear()


def _note(call: ToolCall, response: Mapping[str, Any]) -> str:
    """How a slow tool ended, for a model that was told only that it had started."""
    if "error" in response:
        return f"[{call.name} failed: {response['error']}]"
    return f"[{call.name} is done: {response['output']}]"
