"""A room's pipecat pipeline: which stages, in which order, and how it starts and ends."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from pipecat.frames.frames import EndFrame, Frame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.workers.runner import WorkerRunner

from processors.opus import INPUT_HZ, OUTPUT_HZ

logger = logging.getLogger(__name__)

CANCEL_LIMIT_S: Final = 3.0
END_LIMIT_S: Final = 3.0


@asynccontextmanager
async def running(stages: Sequence[FrameProcessor]) -> AsyncIterator[PipelineWorker]:
    """Runs the stages in this order; on the way out ends them, first politely.

    One runner for each room: a runner's idle limit or failure ends all of its workers. RTVI,
    turn tracking and the idle limit (300 s, for all rooms of a runner) are off: the room does
    these things itself.
    """
    worker = PipelineWorker(
        Pipeline(list(stages)),
        params=PipelineParams(audio_in_sample_rate=INPUT_HZ, audio_out_sample_rate=OUTPUT_HZ),
        enable_rtvi=False,
        enable_turn_tracking=False,
        idle_timeout_secs=None,
        cancel_timeout_secs=CANCEL_LIMIT_S,
    )
    started = asyncio.Event()

    async def on_started(_worker: PipelineWorker, _frame: Frame) -> None:
        started.set()

    worker.add_event_handler("on_pipeline_started", on_started)
    runner = WorkerRunner(handle_sigint=False, handle_sigterm=False)
    await runner.add_workers(worker)
    life = asyncio.create_task(runner.run(), name="pipeline")
    try:
        await started.wait()
        yield worker
    finally:
        await _end(worker, runner, life)


async def _end(worker: PipelineWorker, runner: WorkerRunner, life: asyncio.Task[None]) -> None:
    """EndFrame gets `END_LIMIT_S`, then the runner cancels."""
    await worker.queue_frame(EndFrame())
    try:
        async with asyncio.timeout(END_LIMIT_S):
            await asyncio.shield(life)
        return
    except TimeoutError:
        logger.warning("pipeline did not end within %g s; cancelling it", END_LIMIT_S)
    await runner.cancel(reason="end limit")
    try:
        async with asyncio.timeout(CANCEL_LIMIT_S):
            await asyncio.shield(life)
    except TimeoutError:
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
