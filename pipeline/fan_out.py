"""The last stage: what happened in the room, as messages for everyone in it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection

from pipeline.link_news import link_status
from processors.direct_stage import DirectStage
from processors.frames import (
    AnswerCutFrame,
    AudioDroppedFrame,
    CitationsFrame,
    GenerationCompleteFrame,
    LinkStatusFrame,
    ModelThoughtFrame,
    Role,
    TranscriptFrame,
    TurnCompleteFrame,
)
from transports import rtvi

Broadcast = Callable[[str], None]


class FanOut(DirectStage):
    """`broadcast` gets each RTVI message as text; `on_frame` every frame that got this far.

    "bot-llm-started" and "bot-llm-stopped" come in pairs, around what the model says.
    """

    def __init__(self, broadcast: Broadcast, on_frame: Callable[[Frame], None]) -> None:
        super().__init__("fan-out")
        self._broadcast = broadcast
        self._on_frame = on_frame
        self._answering = False
        self._asked_at: float | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        self._on_frame(frame)
        for message in self._messages(frame):
            self._broadcast(message)
        await self.push_frame(frame, direction)

    def _messages(self, frame: Frame) -> list[str]:
        match frame:
            case UserStartedSpeakingFrame():
                return [rtvi.USER_STARTED_SPEAKING]
            case UserStoppedSpeakingFrame():
                self._asked_at = self.get_event_loop().time()
                return [rtvi.USER_STOPPED_SPEAKING]
            case BotStartedSpeakingFrame():
                return [rtvi.BOT_TTS_STARTED, rtvi.BOT_STARTED_SPEAKING, *self._first_sound()]
            case BotStoppedSpeakingFrame():
                return [rtvi.BOT_TTS_STOPPED, rtvi.BOT_STOPPED_SPEAKING]
            case AnswerCutFrame():
                return [rtvi.BOT_INTERRUPTED, *self._stop_answering()]
            case GenerationCompleteFrame() | TurnCompleteFrame():
                # After an interruption there is only the second.
                return self._stop_answering()
            case TranscriptFrame():
                return self._transcript(frame)
            case ModelThoughtFrame(text=text):
                return [rtvi.server_message({"type": "thought", "text": text})]
            case CitationsFrame(sources=sources):
                return [rtvi.server_message({"type": "citations", "metadata": dict(sources)})]
            case LinkStatusFrame():
                return link_status(frame)
            case AudioDroppedFrame(seconds=seconds):
                data = {"type": "audio-dropped", "seconds": round(seconds, 2)}
                return [rtvi.server_message(data)]
            case _:
                return []

    def _first_sound(self) -> list[str]:
        """How long the people waited for the answer's first sound, as RTVI's `ttfb`."""
        asked_at, self._asked_at = self._asked_at, None
        if asked_at is None:
            return []
        waited_s = self.get_event_loop().time() - asked_at
        return [rtvi.metrics({"ttfb": [{"processor": "gemini", "value": round(waited_s, 3)}]})]

    def _stop_answering(self) -> list[str]:
        was, self._answering = self._answering, False
        return [rtvi.BOT_LLM_STOPPED] if was else []

    def _transcript(self, frame: TranscriptFrame) -> list[str]:
        out = [rtvi.server_message(_transcript_data(frame))]
        if frame.role is Role.USER:
            out.append(
                rtvi.user_transcription(
                    frame.text,
                    user_id=frame.peer_id or "",
                    timestamp=datetime.now(UTC).isoformat(),
                    final=frame.final,
                )
            )
            return out
        if not self._answering and not frame.final:
            self._answering = True
            out.append(rtvi.BOT_LLM_STARTED)
        if frame.delta:
            out += [
                rtvi.bot_llm_text(frame.delta),
                rtvi.bot_tts_text(frame.delta),
                rtvi.bot_transcription(frame.delta),
            ]
        if frame.final:
            out.append(rtvi.bot_output(frame.text))
        return out


def _transcript_data(frame: TranscriptFrame) -> dict[str, Any]:
    return {
        "type": "transcript",
        "role": frame.role.value,
        "turn": frame.turn,
        "text": frame.text,
        "final": frame.final,
        "interrupted": frame.interrupted,
        "peer": frame.peer_id,
    }
