"""What the client sends, and what it reads."""

import base64
import json
from typing import Any

import pytest
from google.genai import types

from processors.frames import Role, ToolCall
from processors.gemini.client import (
    UNREADABLE_LIMIT,
)
from processors.gemini.errors import (
    TransientFault,
)
from processors.gemini.events import (
    AudioChunk,
    GenerationComplete,
    Interrupted,
    ToolCalls,
    Transcript,
    TurnComplete,
    VoiceActivityEvent,
)
from processors.gemini.outbox import (
    ActivityEnd,
    ActivityStart,
    Audio,
    AudioEnd,
    ContextUpdate,
    Outgoing,
    Picture,
    RealtimeText,
    ToolResponse,
    Turns,
)
from tests.processors.gemini.connections import connected, heard
from tests.processors.gemini.scripted_gemini import (
    ScriptedGemini,
)

MODEL = "gemini-3.8-live"
LIMIT_S = 10.0
PCM = bytes(range(256))


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


WIRE: list[tuple[Outgoing, dict[str, Any]]] = [
    (
        Audio(PCM),
        {"realtime_input": {"audio": {"data": encoded(PCM), "mimeType": "audio/pcm;rate=16000"}}},
    ),
    (AudioEnd(), {"realtime_input": {"audioStreamEnd": True}}),
    (ActivityStart(), {"realtime_input": {"activityStart": {}}}),
    (ActivityEnd(), {"realtime_input": {"activityEnd": {}}}),
    (
        Picture(b"\xff\xd8"),
        {"realtime_input": {"video": {"data": encoded(b"\xff\xd8"), "mimeType": "image/jpeg"}}},
    ),
    (RealtimeText("Grüße"), {"realtime_input": {"text": "Grüße"}}),
    (
        Turns((("image/png", b"png"),), "look", complete=True),
        {
            "client_content": {
                "turns": [
                    {
                        "role": "user",
                        "parts": [
                            {"inlineData": {"data": encoded(b"png"), "mimeType": "image/png"}},
                            {"text": "look"},
                        ],
                    }
                ],
                "turnComplete": True,
            }
        },
    ),
    (
        Turns((), "later", complete=False),
        {
            "client_content": {
                "turns": [{"role": "user", "parts": [{"text": "later"}]}],
                "turnComplete": False,
            }
        },
    ),
    (
        ToolResponse("1", "draw", {"output": {"image_id": "x", "someKey": 1}}),
        {
            "tool_response": {
                "functionResponses": [
                    {
                        "id": "1",
                        "name": "draw",
                        "response": {"output": {"image_id": "x", "someKey": 1}},
                    }
                ]
            }
        },
    ),
    (
        ToolResponse("", "draw", {"output": "ok"}, True, "SILENT"),
        {
            "tool_response": {
                "functionResponses": [
                    {
                        "id": "",
                        "name": "draw",
                        "response": {"output": "ok"},
                        "willContinue": True,
                        "scheduling": "SILENT",
                    }
                ]
            }
        },
    ),
    (
        ContextUpdate("Be brief.", None),
        {
            "contextUpdate": {
                "systemInstruction": {"role": "user", "parts": [{"text": "Be brief."}]}
            }
        },
    ),
    (
        ContextUpdate(None, (types.Tool(google_search=types.GoogleSearch()),)),
        {"contextUpdate": {"tools": {"tools": [{"googleSearch": {}}]}}},
    ),
    (ContextUpdate(None, ()), {"contextUpdate": {"tools": {"tools": []}}}),
]


def camel(value: Any) -> Any:
    """The SDK spells some of its own keys with underscores; the API takes both."""
    if isinstance(value, list):
        return [camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    known = {"mime_type": "mimeType", "audio_stream_end": "audioStreamEnd"}
    known |= {"will_continue": "willContinue", "turn_complete": "turnComplete"}
    known |= {"inline_data": "inlineData", "function_responses": "functionResponses"}
    return {known.get(key, key): camel(each) for key, each in value.items()}


@pytest.mark.parametrize(("item", "message"), WIRE)
async def test_what_goes_over_the_wire(
    gemini: ScriptedGemini, item: Outgoing, message: dict[str, Any]
) -> None:
    async with connected(gemini) as (connection, line):
        await connection.send(item)
        assert camel(await line.hear()) == message


async def test_the_setup_names_the_model(gemini: ScriptedGemini) -> None:
    async with connected(gemini) as (_, line):
        assert line.setup["model"] == f"models/{MODEL}"


async def test_events_come_over_several_turns(gemini: ScriptedGemini) -> None:
    """The SDK's own iterator ends with each turn."""
    async with connected(gemini) as (connection, line):
        for number in (1, 2, 3):
            await line.say(
                {"serverContent": {"outputTranscription": {"text": str(number)}}},
                {"serverContent": {}},
                {"serverContent": {"turnComplete": True}},
            )
            assert await heard(connection, 2) == [
                Transcript(Role.MODEL, str(number), False),
                TurnComplete(None, in_progress=False),
            ]


async def test_one_message_may_hold_everything(gemini: ScriptedGemini) -> None:
    async with connected(gemini) as (connection, line):
        blob = {"mimeType": "audio/pcm;rate=24000", "data": base64.b64encode(PCM).decode()}
        await line.say(
            {
                "serverContent": {
                    "interrupted": True,
                    "modelTurn": {"parts": [{"inlineData": blob}, {"inlineData": blob}]},
                    "inputTranscription": {"text": "a"},
                    "generationComplete": True,
                    "turnComplete": True,
                    "somethingNew": {"deep": 1},
                },
                "voiceActivity": {"type": "ACTIVITY_START", "audioOffset": "6.680s"},
                "toolCall": {"functionCalls": [{"id": "1", "name": "draw", "args": {"a_b": 1}}]},
            }
        )
        assert await heard(connection, 8) == [
            Interrupted(),
            VoiceActivityEvent(True),
            Transcript(Role.USER, "a", False),
            AudioChunk(PCM, 24_000),
            AudioChunk(PCM, 24_000),
            ToolCalls((ToolCall("1", "draw", {"a_b": 1}),)),
            GenerationComplete(),
            TurnComplete(None, in_progress=False),
        ]


async def test_text_frames_and_both_base64_alphabets_are_read(gemini: ScriptedGemini) -> None:
    async with connected(gemini) as (connection, line):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            blob = {"mimeType": "audio/pcm", "data": encode(PCM).decode()}
            content = {"serverContent": {"modelTurn": {"parts": [{"inlineData": blob}]}}}
            await line.say_raw(json.dumps(content))
        assert await heard(connection, 2) == [AudioChunk(PCM, 24_000)] * 2


@pytest.mark.parametrize("garbage", [b"not json", b'{"somethingNew":{}}', b"\xff\xfe", b"[1]"])
async def test_a_message_that_cannot_be_read_is_skipped(
    gemini: ScriptedGemini, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(gemini) as (connection, line):
        for _ in range(UNREADABLE_LIMIT - 1):
            await line.say_raw(garbage)
        await line.say({"serverContent": {"turnComplete": True}})
        for _ in range(UNREADABLE_LIMIT - 1):
            await line.say_raw(garbage)
        await line.say({"serverContent": {"interrupted": True}})
        assert await heard(connection, 2) == [TurnComplete(None, False), Interrupted()]
    assert "cannot be read" in caplog.text
    assert "somethingNew" not in caplog.text


async def test_a_server_that_only_says_such_things_is_none(gemini: ScriptedGemini) -> None:
    async with connected(gemini) as (connection, line):
        for _ in range(UNREADABLE_LIMIT):
            await line.say_raw(b"garbage")
        with pytest.raises(TransientFault):
            await heard(connection, 1)


async def test_an_empty_message_says_nothing(gemini: ScriptedGemini) -> None:
    async with connected(gemini) as (connection, line):
        await line.say_raw(b"")
        assert await connection.receive() == []
