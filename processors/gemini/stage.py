"""The Gemini Live stage of a room's pipeline: frames in, frames out, the link in between."""

import asyncio
import logging
from typing import Final, assert_never

from google import genai
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InputImageRawFrame,
    InterruptionFrame,
    StartFrame,
    TTSAudioRawFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from processors.frames import (
    AudioPausedFrame,
    GenerationCompleteFrame,
    LinkStatus,
    LinkStatusFrame,
    Role,
    ModelNoteFrame,
    ToolCallFrame,
    ToolCancelFrame,
    ToolResultFrame,
    TranscriptDeltaFrame,
    TurnCompleteFrame,
    UsageFrame,
    UserImagesFrame,
    UserTextFrame,
)
from processors.gemini.events import (
    AudioChunk,
    Citations,
    GenerationComplete,
    GoAway,
    HandleUpdate,
    Interrupted,
    LiveEvent,
    ModelImage,
    ModelText,
    ToolCalls,
    ToolsCancelled,
    Transcript,
    TurnComplete,
    Usage,
    VoiceActivityEvent,
)
from processors.gemini.live_link import LiveLink, MakeConfig
from processors.gemini.outbox import (
    Audio,
    AudioEnd,
    Outgoing,
    Picture,
    RealtimeText,
    ToolResponse,
    Turns,
)

logger = logging.getLogger(__name__)

STOP_LIMIT_S: Final = 3.0


class GeminiStage(FrameProcessor):
    """Owns the room's `LiveLink`: starts it with the pipeline, ends it with the pipeline.

    Takes audio, pictures, texts, uploads and tool results; emits the model's voice, both
    transcripts, tool calls, interruptions and turn ends. Never awaits the network in
    `process_frame`: what is sent goes through the link's bounded outbox.
    """

    def __init__(self, client: genai.Client, model: str, make_config: MakeConfig) -> None:
        super().__init__(name="gemini", enable_direct_mode=True)
        self.live = LiveLink(client, model, make_config, self._on_event, self._on_status)
        self._life: asyncio.Task[None] | None = None
        self._cut = False  # between `interrupted` and its `turnComplete` media is late

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        item = _outgoing(frame)
        if item is not None:
            for each in item:
                self.live.send(each)
            return
        if isinstance(frame, StartFrame):
            self._life = self.create_task(self.live.run(), "live-link")
        elif isinstance(frame, EndFrame | CancelFrame):
            await self._stop()
        await self.push_frame(frame, direction)

    async def _stop(self) -> None:
        life, self._life = self._life, None
        if life is None:
            return
        self.live.close()
        try:
            async with asyncio.timeout(STOP_LIMIT_S):
                await asyncio.shield(life)
        except TimeoutError:
            logger.warning("live link did not end within %g s", STOP_LIMIT_S)
            await self.cancel_task(life)

    async def _on_status(self, status: LinkStatus, sentence: str) -> None:
        await self.push_frame(LinkStatusFrame(status, sentence))

    async def _on_event(self, event: LiveEvent) -> None:
        match event:
            case AudioChunk(pcm, rate):
                if not self._cut:
                    await self.push_frame(TTSAudioRawFrame(pcm, rate, 1))
            case Transcript():
                await self._on_transcript(event)
            case Interrupted():
                self._cut = True
                await self.push_frame(InterruptionFrame())
            case GenerationComplete():
                await self.push_frame(GenerationCompleteFrame())
            case TurnComplete(reason, in_progress):
                self._cut = False
                if not in_progress:
                    await self.push_frame(TurnCompleteFrame(reason))
            case ToolCalls(calls):
                await self.push_frame(ToolCallFrame(calls))
            case ToolsCancelled(ids):
                await self.push_frame(ToolCancelFrame(ids))
            case Usage(metadata):
                await self.push_frame(UsageFrame(metadata))
            case ModelText() | ModelImage() | Citations() | VoiceActivityEvent():
                logger.debug("live event %s", type(event).__name__)
            case HandleUpdate() | GoAway():
                pass  # the link's own affair
            case _:
                assert_never(event)

    async def _on_transcript(self, event: Transcript) -> None:
        if self._cut and event.role is Role.MODEL:
            return
        await self.push_frame(TranscriptDeltaFrame(event.role, event.text, event.finished))


def _outgoing(frame: Frame) -> tuple[Outgoing, ...] | None:
    """What a frame sends to Gemini; None: it is not for Gemini and goes on."""
    match frame:
        case InputAudioRawFrame():
            return (Audio(frame.audio),)
        case InputImageRawFrame():
            return (Picture(frame.image),)
        case ModelNoteFrame():
            return (RealtimeText(frame.text),)
        case AudioPausedFrame():
            return (AudioEnd(),)
        case UserTextFrame():
            if frame.run_immediately:
                return (RealtimeText(frame.text),)
            return (Turns((), frame.text, complete=False),)
        case UserImagesFrame():
            return (Turns(frame.images, frame.text, complete=frame.run_immediately),)
        case ToolResultFrame():
            return (
                ToolResponse(frame.call.id, frame.call.name, frame.response, frame.will_continue),
            )
        case _:
            return None
