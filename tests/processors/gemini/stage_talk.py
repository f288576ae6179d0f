"""A `GeminiStage` in a pipeline, between two probes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from google.genai import types
from pipecat.frames.frames import Frame, InputAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection

from processors.frames import (
    LinkStatus,
    LinkStatusFrame,
    Role,
    TranscriptDeltaFrame,
    TurnCompleteFrame,
    UserTextFrame,
)
from processors.gemini.activity_marks import ActivityMarks
from processors.gemini.client import Endpoint, make_client
from processors.gemini.live_link import MakeConfig
from processors.gemini.stage import GeminiStage
from processors.gemini.tapped_connection import Tap
from tests.processors.probe import Around, around
from tests.processors.sounds import Pcm

MODEL = "gemini-3.8-live"


def config(handle: str | None, seeded: bool = False) -> types.LiveConnectConfig:
    draw = types.FunctionDeclaration(name="create_image", description="Draws a picture.")
    return types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        session_resumption=types.SessionResumptionConfig(handle=handle),
        tools=[types.Tool(function_declarations=[draw])],
    )


def config_without_detection(handle: str | None, seeded: bool = False) -> types.LiveConnectConfig:
    made = config(handle)
    detection = types.AutomaticActivityDetection(disabled=True)
    made.realtime_input_config = types.RealtimeInputConfig(automatic_activity_detection=detection)
    return made


class Stage:
    """A `GeminiStage` between two probes."""

    def __init__(
        self,
        where: Endpoint,
        make_config: MakeConfig,
        marks: ActivityMarks | None,
        tap: Tap | None,
    ) -> None:
        self.client = make_client(where, vertex=False, tap=tap)
        self.stage = GeminiStage(self.client, MODEL, make_config, marks=marks)
        self.probes: Around

    async def push(self, *frames: Frame) -> None:
        for frame in frames:
            await self.probes.push(frame)

    async def push_up(self, frame: Frame) -> None:
        await self.probes.below.push_frame(frame, FrameDirection.UPSTREAM)

    async def write(self, text: str) -> None:
        await self.push(UserTextFrame(text, "peer"))

    async def speak(self, sound: Pcm) -> None:
        """40 ms at a time, as fast as it goes."""
        for start in range(0, sound.size, 640):
            data = sound[start : start + 640].tobytes()
            await self.push(InputAudioRawFrame(audio=data, sample_rate=16_000, num_channels=1))

    @property
    def frames(self) -> list[Frame]:
        return self.probes.below.frames

    def text(self, role: Role) -> str:
        deltas = self.probes.below.of(TranscriptDeltaFrame)
        return "".join(frame.text for frame in deltas if frame.role is role).strip()

    @property
    def statuses(self) -> list[LinkStatus]:
        return [frame.status for frame in self.probes.below.of(LinkStatusFrame)]

    async def until_status(self, *statuses: LinkStatus) -> None:
        await self.probes.below.wait_for(LinkStatusFrame, len(statuses))
        assert self.statuses == list(statuses)

    async def turn(self, count: int = 1) -> None:
        await self.probes.below.wait_for(TurnCompleteFrame, count)


@asynccontextmanager
async def running(
    where: Endpoint,
    make_config: MakeConfig = config,
    marks: ActivityMarks | None = None,
    tap: Tap | None = None,
) -> AsyncIterator[Stage]:
    stage = Stage(where, make_config, marks, tap)
    try:
        async with around(stage.stage) as stage.probes:
            yield stage
    finally:
        await stage.client.aio.aclose()
        stage.client.close()
