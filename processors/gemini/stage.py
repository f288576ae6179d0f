"""The Gemini Live stage of a room's pipeline: frames in, frames out, the link in between."""

import asyncio
import logging
from collections.abc import Sequence
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
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection

from processors.direct_stage import DirectStage
from processors.frames import (
    AnswerBrokenFrame,
    AudioDroppedFrame,
    AudioPausedFrame,
    CitationsFrame,
    ContextNoteFrame,
    GenerationCompleteFrame,
    LinkStatus,
    LinkStatusFrame,
    ModelImageFrame,
    ModelNoteFrame,
    ModelThoughtFrame,
    Role,
    ToolCallFrame,
    ToolCancelFrame,
    ToolResultFrame,
    TranscriptDeltaFrame,
    TurnCompleteFrame,
    UsageFrame,
    UserImagesFrame,
    UserTextFrame,
    UtteranceReplayedFrame,
)
from processors.gemini.activity_marks import ActivityMarks
from processors.gemini.events import (
    AudioChunk,
    AudioDropped,
    Citations,
    Disconnected,
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
from processors.gemini.live_core import LiveCore
from processors.gemini.live_link import LiveLink, MakeConfig, MakeSeed
from processors.gemini.outbox import (
    Audio,
    AudioEnd,
    Outgoing,
    Picture,
    RealtimeText,
    ToolResponse,
    Turns,
)
from processors.gemini.user_speech import UserSpeech

logger = logging.getLogger(__name__)

STOP_LIMIT_S: Final = 2.0  # less than the pipeline has for its end
CANCEL_LIMIT_S: Final = 0.5


class GeminiStage(DirectStage):
    """Owns the room's `LiveLink`: starts it with the pipeline, ends it with the pipeline.

    Takes audio, pictures, texts, uploads and tool results; emits the model's voice, both
    transcripts, tool calls, interruptions and turn ends. What a peer wrote or uploaded goes on
    as well, for the record. Never awaits the network in `process_frame`: what is sent goes
    through the link's bounded outbox. `marks` are for a session without automatic activity
    detection.
    """

    def __init__(
        self,
        client: genai.Client,
        model: str,
        make_config: MakeConfig,
        make_seed: MakeSeed = lambda opening: None,
        core: LiveCore | None = None,
        marks: ActivityMarks | None = None,
    ) -> None:
        super().__init__("gemini")
        self.live = LiveLink(
            client, model, make_config, self._on_event, self._on_status, make_seed, core
        )
        self.marks = marks
        self._speech = UserSpeech()
        self._life: asyncio.Task[None] | None = None
        self._answering = False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        passes = not isinstance(frame, _ENDS_HERE) and self._is_news(frame)
        for item in self._items(frame):
            if not self.live.send(item):
                logger.warning("%s finds no room to be sent", type(item).__name__)
        if isinstance(frame, EndFrame | CancelFrame):
            await self._stop()
        if passes:
            await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._life = self.create_task(self.live.run(), "live-link")

    def _is_news(self, frame: Frame) -> bool:
        """Of who speaks, the local word is none where Gemini gives its own."""
        match frame:
            case UserStartedSpeakingFrame():
                self.live.user_speaking(True)
                return self._speech.heard_here(True) is not None
            case UserStoppedSpeakingFrame():
                self.live.user_speaking(False)
                return self._speech.heard_here(False) is not None
        return True

    async def _tell_speech(self, news: bool | None) -> None:
        if news is not None:
            await self.push_frame(
                UserStartedSpeakingFrame() if news else UserStoppedSpeakingFrame()
            )

    def _items(self, frame: Frame) -> Sequence[Outgoing]:
        """What a frame sends to Gemini, within the room's own marks of speech if it makes them."""
        marks = self.marks
        match frame:
            case _ if marks is None:
                return _outgoing(frame)
            case UserStartedSpeakingFrame():
                return marks.started()
            case UserStoppedSpeakingFrame():
                return marks.ended()
            case _:
                return [marked for item in _outgoing(frame) for marked in marks.passed(item)]

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
            await self.cancel_task(life, CANCEL_LIMIT_S)

    async def _on_status(self, status: LinkStatus, sentence: str) -> None:
        await self.push_frame(LinkStatusFrame(status, sentence))

    async def _on_event(self, event: LiveEvent) -> None:
        answering = self._answering
        self._follow_turn(event)
        match event:
            case AudioChunk(pcm, rate):
                await self.push_frame(TTSAudioRawFrame(pcm, rate, 1))
            case Transcript(role=Role.MODEL, text=text, finished=finished):
                await self.push_frame(TranscriptDeltaFrame(Role.MODEL, text, finished))
            case Transcript(text=text, finished=finished, replaces=False):
                await self.push_frame(TranscriptDeltaFrame(Role.USER, text, finished))
            case Interrupted():
                await self.push_frame(InterruptionFrame())
            case GenerationComplete():
                await self.push_frame(GenerationCompleteFrame())
            case TurnComplete(reason, in_progress):
                if not in_progress:
                    await self.push_frame(TurnCompleteFrame(reason))
            case ToolCalls(calls):
                await self.push_frame(ToolCallFrame(calls))
            case ToolsCancelled(ids):
                await self.push_frame(ToolCancelFrame(ids))
            case Usage(metadata):
                await self.push_frame(UsageFrame(metadata, self.live.link.connections))
            case VoiceActivityEvent(started):
                await self._tell_speech(self._speech.heard_by_gemini(started))
            case ModelImage(data=data):
                await self.push_frame(ModelImageFrame(data))
            case ModelText(text, thought=True):
                await self.push_frame(ModelThoughtFrame(text))
            case Citations(metadata):
                await self.push_frame(CitationsFrame(metadata))
            case Transcript() | ModelText():
                # Interim words of models that only transcribe; the spoken answer in letters.
                logger.debug("live event %s", type(event).__name__)
            case Disconnected():
                await self._on_disconnected(event, answering)
            case AudioDropped(seconds):
                await self.push_frame(AudioDroppedFrame(seconds))
            case HandleUpdate() | GoAway():
                pass  # the link's own affair
            case _:
                assert_never(event)

    async def _on_disconnected(self, event: Disconnected, answering: bool) -> None:
        await self._tell_speech(self._speech.disconnected())
        if event.answer_broken:
            await self.push_frame(AnswerBrokenFrame())
        if event.utterance_again:
            await self.push_frame(UtteranceReplayedFrame())
        if answering:
            await self.push_frame(TurnCompleteFrame())

    def _follow_turn(self, event: LiveEvent) -> None:
        match event:
            case AudioChunk() | Transcript(role=Role.MODEL):
                self._answering = True
            case TurnComplete() | Disconnected():
                goes_on = isinstance(event, TurnComplete) and event.in_progress
                self._answering = self._answering and goes_on


_ENDS_HERE: Final = (
    InputAudioRawFrame,
    InputImageRawFrame,
    AudioPausedFrame,
    ContextNoteFrame,
    ModelNoteFrame,
    ToolResultFrame,
)


def _outgoing(frame: Frame) -> tuple[Outgoing, ...]:
    """What a frame sends to Gemini."""
    match frame:
        case InputAudioRawFrame(audio=pcm) if pcm:
            return (Audio(pcm),)
        case InputImageRawFrame(image=jpeg):
            return (Picture(jpeg),)
        case AudioPausedFrame():
            return (AudioEnd(),)
        case ModelNoteFrame(text=text):
            return (RealtimeText(text),)
        case ContextNoteFrame(text=text):
            return (Turns((), text, False),)
        case UserTextFrame(text=text) if text.strip():
            return (RealtimeText(text) if frame.run_immediately else Turns((), text, False),)
        case UserImagesFrame(images=images, text=text) if images or text.strip():
            return (Turns(images, text, frame.run_immediately),)
        case ToolResultFrame(call=call):
            scheduling = frame.scheduling
            will_continue = frame.will_continue
            return (ToolResponse(call.id, call.name, frame.response, will_continue, scheduling),)
        case _:
            return ()
