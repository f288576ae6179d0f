"""The transcript stage: fragments of both sides become turns, partial and final."""

from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from processors.conversation import Conversation, Entry
from processors.frames import (
    AnswerCutFrame,
    Role,
    SpeakerActivityFrame,
    TranscriptDeltaFrame,
    TranscriptFrame,
    TurnCompleteFrame,
)


class Transcripts(FrameProcessor):
    """Keeps `conversation` and emits a `TranscriptFrame` for each change of it.

    Who speaks is the peer that the local detectors heard last; Gemini does not say.
    """

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(name="transcripts", enable_direct_mode=True)
        self.conversation = conversation
        self._speaker: str | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case TranscriptDeltaFrame():
                await self._on_delta(frame)
                return
            case SpeakerActivityFrame(peer_id=peer_id, speaking=True):
                self._speaker = peer_id
            case AnswerCutFrame():
                await self._on_cut(frame)
            case TurnCompleteFrame():
                await self._finish(Role.USER)
                await self._finish(Role.MODEL)
        await self.push_frame(frame, direction)

    async def said(self, text: str, peer_id: str) -> None:
        """A peer typed something: final at once, and the model's turn to answer."""
        await self._finish(Role.MODEL)
        await self._finish(Role.USER)
        await self._emit(self.conversation.append(Role.USER, text, peer_id=peer_id), delta=text)
        await self._finish(Role.USER)

    async def _on_delta(self, frame: TranscriptDeltaFrame) -> None:
        if frame.role is Role.MODEL:
            await self._finish(Role.USER)
        peer_id = self._speaker if frame.role is Role.USER else None
        entry = self.conversation.append(frame.role, frame.text, peer_id=peer_id)
        await self._emit(entry, delta=frame.text)
        if frame.finished and frame.role is Role.USER:
            await self._finish(Role.USER)

    async def _on_cut(self, frame: AnswerCutFrame) -> None:
        share = frame.heard_s / frame.received_s if frame.received_s else 1.0
        entry = self.conversation.cut_answer(share)
        if entry is not None:
            await self._emit(entry, final=True)

    async def _finish(self, role: Role) -> None:
        entry = self.conversation.finish(role)
        if entry is not None and (entry.text or entry.parts):
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
