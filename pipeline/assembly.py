"""What a room is made of: its parts, their order in the pipeline, how that starts and ends."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from pipecat.frames.frames import EndFrame, Frame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.workers.runner import WorkerRunner

from pipeline.in_force import InForce
from pipeline.recollection import Recollection
from pipeline.room_record import Revived
from pipeline.room_settings import RoomSettings, VideoSettings
from pipeline.shared import Shared
from processors.audio_in import AudioIn
from processors.audio_out import AudioOut
from processors.billing.prices import PriceTable
from processors.billing.usage import counts_of
from processors.conversation import Conversation, image_part
from processors.gemini.activity_marks import ActivityMarks
from processors.gemini.history import HistoryTurn
from processors.gemini.link import Link
from processors.gemini.live_config import LiveSetup
from processors.gemini.live_core import LiveCore
from processors.gemini.outbox import Outbox
from processors.gemini.profiles import ModelProfile
from processors.gemini.settings import LiveSettings
from processors.gemini.stage import GeminiStage
from processors.gemini.watchdog import Watchdog, WatchLimits
from processors.images.camera_reel import CameraPicture
from processors.images.client import ImageModel
from processors.images.image_tools import ImageTools
from processors.images.room_store import RoomStore
from processors.images.settings import ImageSettings
from processors.images.showing import Showing
from processors.images.studio import Price, Studio
from processors.opus import INPUT_HZ, OUTPUT_HZ
from processors.pictures import Jpeg
from processors.room_input import RoomInput
from processors.tool_stage import Acknowledgement, ToolStage
from processors.tools import Toolset
from processors.transcripts import Transcripts
from processors.video_in import VideoIn, VideoInConfig

logger = logging.getLogger(__name__)

START_LIMIT_S: Final = 5.0
CANCEL_LIMIT_S: Final = 3.0
END_LIMIT_S: Final = 3.0


UNNOTICED_TIMES: Final = 1.5  # the patience with a Gemini that shows no sign of having heard
THINKING_PATIENCE: Final = 3.0  # with a model that thinks before it answers


class PipelineFailed(RuntimeError):
    """A room's pipeline could not be started: our fault."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A room's parts. Frames run through the stages in the order of `stages`."""

    input: RoomInput
    gemini: GeminiStage
    tools: ToolStage
    audio_out: AudioOut
    transcripts: Transcripts
    audio_in: AudioIn
    video_in: VideoIn
    studio: Studio
    showing: Showing
    setup: LiveSetup

    @property
    def stages(self) -> list[FrameProcessor]:
        return [self.input, self.gemini, self.tools, self.audio_out, self.transcripts]

    @property
    def conversation(self) -> Conversation:
        return self.transcripts.conversation

    def configure(self, settings: RoomSettings) -> None:
        """What follows a change by itself, without a word to Gemini."""
        self.studio.configure(settings.image)
        self.video_in.configure(video_config(settings.video))

    def counters(self) -> dict[str, Any]:
        """Each part's counters, a dataclass of numbers."""
        return {
            "room_input": self.input.counters,
            "audio_in": self.audio_in.counters,
            "video_in": self.video_in.counters,
            "audio_out": self.audio_out.counters,
            "tools": self.tools.counters,
            "outbox": self.gemini.live.core.outbox.counters,
            "link": self.gemini.live.core.link.counters,
            "watchdog": self.gemini.live.core.watchdog.counters,
            "replay": self.gemini.live.core.counters,
            "calls": self.gemini.live.core.calls.counters,
            "images": self.studio.workshop.counters,
            "image_chats": self.studio.memory.counters,
            "camera_reel": self.studio.sources.reel.counters,
        }


def assemble(
    in_force: InForce,
    shared: Shared,
    send_audio: Callable[[bytes, int], None],
    room_id: str,
    before: Revived | None = None,
) -> Parts:
    """The parts of one room, connected but not running; `before`: as it was before a restart of the
    service. Raises `ToolUnusable`."""
    settings = in_force.settings
    live = settings.live
    entry, store = RoomInput(), RoomStore(shared.blobs, room_id)
    conversation = _conversation(live, before)
    studio = Studio(
        _image_model(shared),
        settings.image,
        store,
        shared.executor,
        shared.places,
        entry.feed,
        room_id=room_id,
        tree=None if before is None else before.tree,
        turn=lambda: conversation.turn,
        price=_price_by(shared.prices),
    )
    toolset = _toolset(studio, shared, in_force)
    setup = _setup(in_force, toolset, shared)
    video_in = VideoIn(video_config(settings.video), shared.executor, entry.feed, _filming(studio))
    showing = Showing(store, shared.executor, video_in.show)
    recollection = Recollection(conversation, lambda: showing.current, setup.profile)
    gemini = GeminiStage(
        shared.client,
        live.model,
        setup.config,
        recollection.seed,
        _core(settings, setup.profile, lambda: conversation.turn_over),
        None if live.automatic_activity_detection.enabled else ActivityMarks(),
    )
    return Parts(
        input=entry,
        gemini=gemini,
        tools=ToolStage(toolset, _acknowledgement(setup.profile, vertex=shared.vertex)),
        audio_out=_audio_out(in_force, send_audio),
        transcripts=Transcripts(conversation),
        audio_in=AudioIn(entry.feed),
        video_in=video_in,
        studio=studio,
        showing=showing,
        setup=setup,
    )


def _image_model(shared: Shared) -> Callable[[ImageSettings], ImageModel]:
    return lambda settings: ImageModel(shared.image_client, settings, shared.image_thread)


def _setup(in_force: InForce, toolset: Toolset, shared: Shared) -> LiveSetup:
    return LiveSetup(
        lambda: in_force.settings.live, lambda: toolset.declarations, vertex=shared.vertex
    )


def _price_by(prices: PriceTable) -> Price:
    return lambda model, usage: prices.cost(model, counts_of(usage)).usd


def _audio_out(in_force: InForce, send_audio: Callable[[bytes, int], None]) -> AudioOut:
    return AudioOut(
        send_audio,
        in_force.settings.audio.max_output_backlog_s,
        lambda: in_force.settings.live.activity_handling != "no_interruption",
    )


def _conversation(live: LiveSettings, before: Revived | None) -> Conversation:
    conversation = Conversation()
    conversation.begin_with([_content(turn) for turn in live.history])
    if before is not None:
        conversation.go_on_from(before.history, before.turn)
    return conversation


def _toolset(studio: Studio, shared: Shared, in_force: InForce) -> Toolset:
    tools = (*ImageTools(studio).tools(), *shared.tools)
    return Toolset(tools, lambda name: in_force.settings.live.allows_tool(name))


def _filming(studio: Studio) -> Callable[[str, Jpeg, float], None]:
    """What cannot be had from its coded bytes alone goes onto the reel as it was seen."""
    reel = studio.sources.reel
    return lambda peer_id, jpeg, at: reel.add(CameraPicture(jpeg, at, peer_id))


def _acknowledgement(profile: ModelProfile, *, vertex: bool) -> Acknowledgement:
    if profile.tool_behavior == "BLOCKING":
        return Acknowledgement.ANSWER
    if profile.supports_scheduling and not vertex:
        return Acknowledgement.PROGRESS
    return Acknowledgement.NONE


def _core(settings: RoomSettings, profile: ModelProfile, turn_over: Callable[[], int]) -> LiveCore:
    link = settings.link
    limits = WatchLimits(
        first_output_s=link.first_output_timeout_s,
        unnoticed_s=UNNOTICED_TIMES * link.first_output_timeout_s,
        stall_s=link.stall_timeout_s,
        after_nudge_s=link.nudge_timeout_s,
        patience=THINKING_PATIENCE if profile.interaction_status else 1.0,
        signs=settings.live.input_transcription.enabled,
    )
    return LiveCore(
        turn_over,
        link=Link(connection_limit_s=link.max_connection_minutes * 60.0),
        outbox=Outbox(audio_limit_s=settings.audio.max_input_backlog_ms / 1000),
        watchdog=Watchdog(limits),
    )


def _content(turn: HistoryTurn) -> dict[str, Any]:
    """A turn as `GET /sessions/{id}` returns it, as it came in."""
    parts: list[dict[str, Any]] = []
    for part in turn.parts:
        if part.text is not None:
            parts.append({"text": part.text})
        if part.inline_data is not None:
            parts.append(image_part(part.inline_data.mime_type, part.inline_data.data))
    return {"role": turn.role, "parts": parts}


def video_config(video: VideoSettings) -> VideoInConfig:
    return VideoInConfig(
        interval_s=1.0 / video.max_per_second,
        long_side_px=video.long_side_px,
        jpeg_quality=video.jpeg_quality,
    )


@asynccontextmanager
async def running(
    stages: Sequence[FrameProcessor], on_end: Callable[[], None] = lambda: None
) -> AsyncIterator[PipelineWorker]:
    """Runs the stages in this order; on the way out ends them, first politely.

    `on_end` is called when the pipeline has ended, whoever ended it. Raises `PipelineFailed`
    when it ends before it has started, or does not start within `START_LIMIT_S`.

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
    life.add_done_callback(lambda _: started.set())
    life.add_done_callback(lambda _: on_end())
    try:
        await _started(started, life)
        yield worker
    finally:
        try:
            await _end(worker, runner, life)
        finally:
            await _abandon(life)


async def _started(started: asyncio.Event, life: asyncio.Task[None]) -> None:
    """Raises `PipelineFailed`."""
    try:
        async with asyncio.timeout(START_LIMIT_S):
            await started.wait()
    except TimeoutError:
        raise PipelineFailed(f"the pipeline did not start within {START_LIMIT_S:g} s") from None
    if life.done():
        raise PipelineFailed("the pipeline ended before it had started")


async def _end(worker: PipelineWorker, runner: WorkerRunner, life: asyncio.Task[None]) -> None:
    """EndFrame gets `END_LIMIT_S`, then the runner cancels, for which it has `CANCEL_LIMIT_S`."""
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
        logger.warning("pipeline was not cancelled within %g s", CANCEL_LIMIT_S)


async def _abandon(life: asyncio.Task[None]) -> None:
    """Ends it, or gives it up after twice `CANCEL_LIMIT_S`: the room must end."""
    for _ in range(2):  # the runner takes the first for the wish to cancel its workers
        if life.done():
            return
        life.cancel()
        await asyncio.wait([life], timeout=CANCEL_LIMIT_S)
    if not life.done():
        logger.warning("pipeline was given up: it does not end")
