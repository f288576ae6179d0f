"""The unmodified google-genai SDK, pointed at a running emulator."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from google import genai
from google.genai import live, types

from tests.emulator.emulator_process import RunningEmulator

MODEL = "gemini-3.8-live"
ANSWER_LIMIT_S = 20.0
PCM_16K = "audio/pcm;rate=16000"
SLICE_BYTES = 1280

LONG = " ".join(["word"] * 60) + "."
SCENARIO = {
    "steps": [
        {"hear": "long story", "say": LONG, "repeat": True},
        {"hear": "greet", "transcript": "greet me", "say": "Good day to you.", "repeat": True},
        {"hear": "draw", "call": {"name": "draw", "args": {"some_key": 1}}, "repeat": True},
        {"result": "draw", "say": "Your picture is ready.", "repeat": True},
        {"hear": "go away", "go_away": 0.2, "repeat": True},
        {"hear": "break internal", "close": "internal_error", "repeat": True},
        {"hear": "break unavailable", "close": "unavailable", "repeat": True},
        {"hear": "break deadline", "close": "deadline_expired", "repeat": True},
    ]
}
DRAW = types.FunctionDeclaration(name="draw", description="Draws.")

Handler = Callable[[types.FunctionCall], Awaitable[types.FunctionResponse | None]]


def client_for(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch, key: str = "key", suffix: str = ""
) -> genai.Client:
    """A client as a user would make it: two environment variables and a key."""
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", emulator.base_url + suffix)
    monkeypatch.setenv("SSL_CERT_FILE", str(emulator.certificate))
    return genai.Client(api_key=key)


@dataclass
class Answer:
    """What came back until the turn was complete."""

    messages: list[types.LiveServerMessage] = field(default_factory=list)

    @property
    def contents(self) -> list[types.LiveServerContent]:
        return [one.server_content for one in self.messages if one.server_content]

    @property
    def said(self) -> str:
        """The output transcription."""
        parts = [one.output_transcription for one in self.contents if one.output_transcription]
        return "".join(part.text or "" for part in parts).strip()

    @property
    def heard(self) -> str:
        """The input transcription."""
        parts = [one.input_transcription for one in self.contents if one.input_transcription]
        return "".join(part.text or "" for part in parts).strip()

    @property
    def sound(self) -> bytes:
        """PCM16 mono 24 kHz."""
        return b"".join(one.data or b"" for one in self.messages)

    @property
    def interrupted(self) -> bool:
        return any(one.interrupted for one in self.contents)

    @property
    def handles(self) -> list[str]:
        """Resumption handles."""
        updates = [one.session_resumption_update for one in self.messages]
        return [one.new_handle for one in updates if one and one.new_handle]


async def answer(session: live.AsyncSession, on_call: Handler | None = None) -> Answer:
    """Receive one turn; answers tool calls on the way when given a handler."""
    got = Answer()
    async with asyncio.timeout(ANSWER_LIMIT_S):
        async for message in session.receive():
            got.messages.append(message)
            for call in (message.tool_call and message.tool_call.function_calls) or []:
                response = await on_call(call) if on_call else None
                if response is not None:
                    await session.send_tool_response(function_responses=response)
    return got


async def until(
    session: live.AsyncSession, found: Callable[[types.LiveServerMessage], object]
) -> Answer:
    """Receive, over turns, until a message of that kind has come."""
    got = Answer()
    async with asyncio.timeout(ANSWER_LIMIT_S):
        while True:
            async for message in session.receive():
                got.messages.append(message)
                if found(message):
                    return got


async def speak(session: live.AsyncSession, pcm: bytes, mime_type: str = PCM_16K) -> None:
    """Send sound in slices as a microphone would, only faster."""
    for position in range(0, len(pcm), SLICE_BYTES):
        data = pcm[position : position + SLICE_BYTES]
        await session.send_realtime_input(audio=types.Blob(data=data, mime_type=mime_type))


@contextlib.asynccontextmanager
async def connected(
    client: genai.Client, model: str = MODEL, **config: object
) -> AsyncIterator[live.AsyncSession]:
    """A Live session with both transcripts and a quick end of speech."""
    detection = types.AutomaticActivityDetection(silence_duration_ms=200)
    settings: dict[str, object] = {
        "response_modalities": ["AUDIO"],
        "input_audio_transcription": {},
        "output_audio_transcription": {},
        "realtime_input_config": {"automatic_activity_detection": detection},
    }
    settings.update(config)
    live_config = types.LiveConnectConfig.model_validate(settings)
    async with client.aio.live.connect(model=model, config=live_config) as session:
        yield session


def tools(behavior: str | None = None) -> list[types.Tool]:
    declaration = DRAW.model_copy(
        update={"behavior": types.Behavior(behavior) if behavior else None}
    )
    return [types.Tool(function_declarations=[declaration])]
