"""The tool stage: runs what the model calls, beside the talk, and sends the results back up."""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from pipecat.frames.frames import CancelFrame, EndFrame, Frame
from pipecat.processors.frame_processor import FrameDirection

from processors.direct_stage import DirectStage
from processors.errors import ToolError
from processors.frames import (
    ModelNoteFrame,
    ToolCall,
    ToolCallFrame,
    ToolCancelFrame,
    ToolResultFrame,
)
from processors.tool_results import Response, failure
from processors.tools import Tool, Toolset

logger = logging.getLogger(__name__)

MAX_RUNNING: Final = 16
GRACE_S: Final = 0.5  # for a cancelled tool to tidy up; less than what follows
STOP_LIMIT_S: Final = 0.8  # the pipeline gives all stages together 3 s
MAX_NAME_CHARS: Final = 64  # a model can make names up, of any length
STARTED: Final[Mapping[str, Any]] = {
    "status": "started",
    "note": "Nothing is there yet: the result, or why it failed, will follow.",
}


class Acknowledgement(Enum):
    """How a model is told that a slow tool has begun, as its profile allows."""

    ANSWER = auto()  # it waits for its tools: "started" is the answer, how it ended a note
    PROGRESS = auto()  # a silent answer that says that another will follow
    NONE = auto()  # it goes on talking anyway, and takes one answer only


@dataclass(slots=True)
class ToolCounters:
    """`abandoned`: of those timed out or cancelled, the ones that went on all the same."""

    calls: int = 0
    failures: int = 0
    timeouts: int = 0
    cancelled: int = 0
    refused: int = 0
    abandoned: int = 0


class ToolStage(DirectStage):
    """Each call is a task with a time limit; a `ToolCancelFrame` ends it without a result.

    Every other call gets exactly one result. Slow tools are acknowledged at once. Plain tools bring
    their own threads.
    """

    def __init__(self, toolset: Toolset, acknowledgement: Acknowledgement) -> None:
        super().__init__("tools")
        self.counters = ToolCounters()
        self._toolset = toolset
        self._acknowledgement = acknowledgement
        self._running: dict[asyncio.Task[None], str] = {}  # to the call's id; Vertex may send none

    @property
    def busy(self) -> bool:
        return bool(self._running)

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

    async def cleanup(self) -> None:
        await self._stop()
        await super().cleanup()  # type: ignore[no-untyped-call]  # pipecat has no types here

    async def _start(self, call: ToolCall) -> None:
        self.counters.calls += 1
        tool = self._toolset.get(call.name)
        if tool is None:
            await self._refuse(call, f"There is no tool called {call.name[:MAX_NAME_CHARS]}.")
        elif len(self._running) >= MAX_RUNNING:
            await self._refuse(call, "Too many tools are running. Try again later.")
        else:
            task = self.create_task(self._run(call, tool), f"tool-{tool.name}")
            self._running[task] = call.id
            task.add_done_callback(self._forget)

    async def _refuse(self, call: ToolCall, sentence: str) -> None:
        self.counters.refused += 1
        await self._answer(call, failure(sentence))

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)

    async def _run(self, call: ToolCall, tool: Tool) -> None:
        try:
            bound = tool.bind(call.args)
        except ToolError as error:
            await self._refuse(call, f"{tool.name} was called wrongly: {error}")
            return
        how = self._acknowledgement if tool.slow else Acknowledgement.NONE
        work = asyncio.create_task(tool.call(bound), name=f"tool-{tool.name}-work")
        match how:
            case Acknowledgement.ANSWER:
                await self._answer(call, STARTED)
                note = _note(call, await self._response(tool, work))
                await self.push_frame(ModelNoteFrame(note), FrameDirection.UPSTREAM)
            case Acknowledgement.PROGRESS:
                await self._answer(call, STARTED, will_continue=True, scheduling="SILENT")
                response = await self._response(tool, work)
                await self._answer(call, response, scheduling="WHEN_IDLE")
            case Acknowledgement.NONE:
                await self._answer(call, await self._response(tool, work))

    async def _response(self, tool: Tool, work: asyncio.Task[Response]) -> Response:
        """What the tool returned, or why it did not. Cancelled: it cancels the tool."""
        try:
            await asyncio.wait({work}, timeout=tool.time_limit_s)
            late = not work.done()
        finally:
            await self._end(work, tool)
        if late:
            self.counters.timeouts += 1
            return failure(f"{tool.name} took longer than {tool.time_limit_s:g} s.")
        return self._outcome(work, tool)

    def _outcome(self, work: asyncio.Task[Response], tool: Tool) -> Response:
        if work.cancelled():
            self.counters.failures += 1
            return failure(f"{tool.name} cancelled itself.")
        error = work.exception()
        if error is None:
            return work.result()
        self.counters.failures += 1
        if isinstance(error, ToolError):
            return failure(str(error))
        # A tool is somebody else's code, and its words may be what somebody said.
        logger.warning("tool %s failed with %s", tool.name, type(error).__name__)
        return failure(f"{tool.name} failed: {type(error).__name__}")

    async def _end(self, work: asyncio.Task[Response], tool: Tool) -> None:
        """Cancels what still runs, and waits no longer than the grace."""
        if work.done():
            return
        work.cancel()
        await asyncio.wait({work}, timeout=GRACE_S)
        if not work.done():
            work.add_done_callback(_retrieve)
        if not work.done() or tool.threads is not None:
            self.counters.abandoned += 1
            logger.warning("tool %s goes on though nobody waits for it", tool.name)

    async def _answer(
        self,
        call: ToolCall,
        response: Mapping[str, Any],
        *,
        will_continue: bool = False,
        scheduling: str | None = None,
    ) -> None:
        frame = ToolResultFrame(call, response, will_continue, scheduling)
        await self.push_frame(frame, FrameDirection.UPSTREAM)

    def _cancel(self, ids: tuple[str, ...]) -> None:
        for task, call_id in self._running.items():
            if call_id and call_id in ids and not task.cancelling():
                task.cancel()
                self.counters.cancelled += 1

    async def _stop(self) -> None:
        """Ends all of them at once, within `STOP_LIMIT_S`. Idempotent."""
        running = list(self._running)
        for task in running:
            if not task.cancelling():  # a second time would cut its tidying short
                task.cancel()
        if running:
            await asyncio.wait(running, timeout=STOP_LIMIT_S)


def _retrieve(work: asyncio.Task[Response]) -> None:
    """So that asyncio does not complain of an error nobody asked for."""
    if not work.cancelled():
        work.exception()


def _note(call: ToolCall, response: Response) -> str:
    """How a slow tool ended, for a model that was told only that it had started."""
    if "error" in response:
        return f"[{call.name} failed: {response['error']}]"
    return f"[{call.name} is done: {json.dumps(response['output'], ensure_ascii=False)}]"
