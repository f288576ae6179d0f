"""The transcript stage: fragments of both sides become turns, partial and final."""

from collections.abc import Iterable

from pipecat.frames.frames import CancelFrame, EndFrame, Frame, InterruptionFrame
from pipecat.processors.frame_processor import FrameDirection

from processors.conversation import Conversation, Entry
from processors.direct_stage import DirectStage
from processors.frames import (
    AnswerBrokenFrame,
    AnswerCutFrame,
    AnswerSoundFrame,
    GenerationCompleteFrame,
    Role,
    SpeakerActivityFrame,
    TranscriptDeltaFrame,
    TranscriptFrame,
    TurnCompleteFrame,
    UserImagesFrame,
    UserTextFrame,
    UtteranceReplayedFrame,
)


class Transcripts(DirectStage):
    """Keeps `conversation` and emits a `TranscriptFrame` for each change of it.

    Who speaks is the peer that the local detectors heard last; Gemini does not say. Stands
    behind `AudioOut`, which alone knows how much of an answer was heard, and passes on what it
    takes of its sound in the order in which words and sound came.
    """

    def __init__(self, conversation: Conversation) -> None:
        super().__init__("transcripts")
        self.conversation = conversation
        self._speaker: str | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case TranscriptDeltaFrame():
                await self._on_delta(frame)
                return
            case AnswerSoundFrame(duration_s=duration_s, heard=heard):
                finals, entry = self.conversation.sounded(duration_s, heard)
                await self._finals(finals)
                if entry is not None:
                    await self._emit(entry, delta=entry.text)
                return
            case UserTextFrame(text=text) if text.strip():
                await self._finals(self.conversation.typed(text, peer_id=frame.peer_id))
            case UserImagesFrame(text=text):
                self.conversation.showed(frame.kept)
                if text.strip() or frame.run_immediately:
                    await self._finals(self.conversation.typed(text, peer_id=frame.peer_id))
            case SpeakerActivityFrame(peer_id=peer_id, speaking=True):
                self._speaker = peer_id
                self.conversation.user_began()
            case GenerationCompleteFrame():
                self.conversation.generated()
            case AnswerCutFrame(heard_s=heard_s):
                await self._finals(self.conversation.cut_answer(heard_s))
            case AnswerBrokenFrame():
                await self._finals(self.conversation.broken())
            case UtteranceReplayedFrame():
                if (said := self.conversation.forget_utterance()) is not None:
                    await self._emit(said, final=self.conversation.entry(Role.USER) is None)
            case InterruptionFrame():
                await self._finals(self.conversation.interrupted())
            case TurnCompleteFrame():
                await self._finals(self.conversation.complete())
            case EndFrame() | CancelFrame():
                await self._finals(self.conversation.close())
        await self.push_frame(frame, direction)

    async def _on_delta(self, frame: TranscriptDeltaFrame) -> None:
        if frame.text:
            peer_id = self._speaker if frame.role is Role.USER else None
            finals, entry = self.conversation.append(frame.role, frame.text, peer_id=peer_id)
            await self._finals(finals)
            if entry is not None:
                await self._emit(entry, delta=frame.text)
        if frame.finished and frame.role is Role.USER:
            await self._finals(self.conversation.finish(Role.USER))

    async def _finals(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry.text or not entry.parts:  # to images alone there is nothing to read
                await self._emit(entry, final=True)

    async def _emit(self, entry: Entry, *, final: bool = False, delta: str = "") -> None:
        await self.push_frame(
            TranscriptFrame(
                role=entry.role,
                turn=entry.turn,
                text=entry.text,
                final=final,
                peer_id=entry.peer_id,
                interrupted=entry.interrupted,
                delta=delta,
            )
        )
