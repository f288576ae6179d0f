import asyncio
import base64
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import google.auth.exceptions
import pytest
from google import genai
from google.genai import types

from processors.frames import Role, ToolCall
from processors.gemini.client import (
    ABANDON_AFTER_S,
    UNREADABLE_LIMIT,
    Endpoint,
    LiveConnection,
    Unsendable,
    connect,
    make_client,
)
from processors.gemini.errors import (
    ConfigurationFault,
    ContextFault,
    GeminiError,
    QuotaFault,
    TransientFault,
)
from processors.gemini.events import (
    AudioChunk,
    GenerationComplete,
    Interrupted,
    LiveEvent,
    ToolCalls,
    Transcript,
    TurnComplete,
    VoiceActivityEvent,
)
from processors.gemini.outbox import (
    Audio,
    AudioEnd,
    Outgoing,
    Picture,
    RealtimeText,
    ToolResponse,
    Turns,
)
from tests.processors.gemini.live_server import Certificate, make_certificate
from tests.processors.gemini.scripted_gemini import (
    Line,
    ScriptedGemini,
    endpoint,
    relay,
)

MODEL = "gemini-3.8-live"
LIMIT_S = 10.0
PCM = bytes(range(256))


@asynccontextmanager
async def client_for(where: Endpoint) -> AsyncIterator[genai.Client]:
    client = make_client(where, vertex=False)
    try:
        yield client
    finally:
        await client.aio.aclose()
        client.close()


@asynccontextmanager
async def connected(gemini: ScriptedGemini) -> AsyncIterator[tuple[LiveConnection, Line]]:
    async with client_for(gemini.endpoint) as client:
        async with connect(client, MODEL, types.LiveConnectConfig()) as connection:
            yield connection, await gemini.line()


async def heard(connection: LiveConnection, count: int) -> list[LiveEvent]:
    """The events of as many messages as it takes."""
    events: list[LiveEvent] = []
    async with asyncio.timeout(LIMIT_S):
        while len(events) < count:
            events += await connection.receive()
    return events


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


WIRE: list[tuple[Outgoing, dict[str, Any]]] = [
    (
        Audio(PCM),
        {"realtime_input": {"audio": {"data": encoded(PCM), "mimeType": "audio/pcm;rate=16000"}}},
    ),
    (AudioEnd(), {"realtime_input": {"audioStreamEnd": True}}),
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
                "toolCall": {"functionCalls": [{"name": "draw", "args": {"a_b": 1}}]},
            }
        )
        assert await heard(connection, 8) == [
            Interrupted(),
            VoiceActivityEvent(True),
            Transcript(Role.USER, "a", False),
            AudioChunk(PCM, 24_000),
            AudioChunk(PCM, 24_000),
            ToolCalls((ToolCall("", "draw", {"a_b": 1}),)),
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


CLOSES = [
    (1007, "API key not valid. Please pass a valid API key.", ConfigurationFault),
    (1008, "models/x is not found for API version v1beta, or is not", ConfigurationFault),
    (1007, "Request contains an invalid argument.", ContextFault),
    (1008, "BidiGenerateContent session not found", ContextFault),
    (1011, "RESOURCE_EXHAUSTED: Maximum concurrent sessions", QuotaFault),
    (1011, "Internal error encountered.", TransientFault),
    (1000, "", TransientFault),
]


@pytest.mark.parametrize(("code", "reason", "kind"), CLOSES)
async def test_a_close_is_told_apart_by_its_reason(
    gemini: ScriptedGemini, code: int, reason: str, kind: type[GeminiError]
) -> None:
    async with connected(gemini) as (connection, line):
        await line.close(code, reason)
        for ending in (connection.receive(), connection.send(RealtimeText("hello"))):
            with pytest.raises(GeminiError) as caught:
                await ending
            assert type(caught.value) is kind
            assert (caught.value.code, caught.value.reason) == (code, reason)


@pytest.mark.parametrize(("code", "reason", "kind"), CLOSES)
async def test_so_is_a_close_instead_of_an_answer_to_the_setup(
    gemini: ScriptedGemini, code: int, reason: str, kind: type[GeminiError]
) -> None:
    gemini.closes_with = (code, reason)
    async with client_for(gemini.endpoint) as client:
        with pytest.raises(GeminiError) as caught:
            async with connect(client, MODEL, types.LiveConnectConfig()):
                pass
    assert type(caught.value) is kind
    assert caught.value.reason == reason


async def test_a_line_that_breaks_is_nobodys_fault(gemini: ScriptedGemini) -> None:
    async with connected(gemini) as (connection, line):
        line.break_off()
        for ending in (connection.receive(), connection.send(RealtimeText("hello"))):
            with pytest.raises(TransientFault):
                await ending


async def test_an_error_may_come_as_a_message(gemini: ScriptedGemini) -> None:
    async with connected(gemini) as (connection, line):
        await line.say({"code": 429, "message": "Slow down, please.", "status": "X"})
        with pytest.raises(QuotaFault, match="429 Slow down, please."):
            await connection.receive()


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (403, '{"error": {"message": "denied"}}', ConfigurationFault),
        (429, "", QuotaFault),
        (503, "try later", TransientFault),
        (400, "API key not valid", ConfigurationFault),
    ],
)
async def test_the_upgrade_may_be_refused(
    gemini: ScriptedGemini, status: int, words: str, kind: type[GeminiError]
) -> None:
    gemini.refusal = (status, words)
    async with client_for(gemini.endpoint) as client:
        with pytest.raises(kind) as caught:
            async with connect(client, MODEL, types.LiveConnectConfig()):
                pass
    assert caught.value.code == status
    assert words in caught.value.reason


async def test_nobody_may_be_there(trusted: Certificate, unused_tcp_port: int) -> None:
    async with client_for(endpoint(unused_tcp_port, trusted)) as client:
        with pytest.raises(TransientFault):
            async with connect(client, MODEL, types.LiveConnectConfig()):
                pass


@contextmanager
def stranger(certificate: Certificate) -> Iterator[int]:
    """A server in a thread: asyncio's own would complain of a client that turns away."""
    listener = socket.create_server(("127.0.0.1", 0))

    def meet() -> None:
        plain, _ = listener.accept()
        with suppress(OSError), certificate.server.wrap_socket(plain, server_side=True) as secure:
            secure.recv(1)

    thread = threading.Thread(target=meet)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join(LIMIT_S)
        listener.close()


async def test_a_stranger_is_not_trusted(trusted: Certificate, tmp_path: Path) -> None:
    with stranger(make_certificate(tmp_path)) as port:
        async with client_for(endpoint(port, trusted)) as client:
            with pytest.raises(ConfigurationFault, match="certificate"):
                async with connect(client, MODEL, types.LiveConnectConfig()):
                    pass


async def test_what_the_sdk_refuses_to_ask_for_is_our_fault(gemini: ScriptedGemini) -> None:
    config = types.LiveConnectConfig(http_options=types.HttpOptions(timeout=1))
    async with client_for(gemini.endpoint) as client:
        with pytest.raises(ConfigurationFault, match="only supports"):
            async with connect(client, MODEL, config):
                pass
    assert gemini.attempts == 0


@pytest.mark.parametrize(
    ("error", "retryable", "kind"),
    [
        ("DefaultCredentialsError", False, ConfigurationFault),
        ("RefreshError", False, ConfigurationFault),
        ("RefreshError", True, TransientFault),
        ("TransportError", False, TransientFault),
    ],
)
async def test_credentials_of_vertex_may_be_missing(
    monkeypatch: pytest.MonkeyPatch, error: str, retryable: bool, kind: type[GeminiError]
) -> None:
    def fail(**_: object) -> None:
        raise getattr(google.auth.exceptions, error)("words", retryable=retryable)

    monkeypatch.setattr(google.auth, "default", fail)
    client = genai.Client(vertexai=True, project="p", location="us-central1")
    with pytest.raises(kind):
        async with connect(client, MODEL, types.LiveConnectConfig()):
            pass
    client.close()


async def test_what_cannot_be_sent_leaves_the_connection_alone(gemini: ScriptedGemini) -> None:
    async with connected(gemini) as (connection, line):
        with pytest.raises(Unsendable, match="ToolResponse"):
            await connection.send(ToolResponse("1", "draw", {"output": object()}))
        await connection.send(RealtimeText("hello"))
        assert await line.hear() == {"realtime_input": {"text": "hello"}}


async def test_leaving_closes_politely(gemini: ScriptedGemini) -> None:
    async with connected(gemini) as (_, line):
        pass
    assert await line.ended() == 1000


async def test_leaving_does_not_wait_for_ever(gemini: ScriptedGemini, trusted: Certificate) -> None:
    async with (
        relay(gemini.port) as between,
        client_for(endpoint(between.port, trusted)) as client,
    ):
        began = asyncio.get_running_loop().time()
        async with connect(client, MODEL, types.LiveConnectConfig()):
            between.freeze()
        took = asyncio.get_running_loop().time() - began
        assert took < ABANDON_AFTER_S + 1.0


async def test_leaving_does_not_wait_for_what_is_being_written_either(
    gemini: ScriptedGemini, trusted: Certificate
) -> None:
    large = Turns((("image/png", bytes(6 << 20)),), "", complete=True)
    async with (
        relay(gemini.port) as between,
        client_for(endpoint(between.port, trusted)) as client,
    ):
        loop = asyncio.get_running_loop()
        async with connect(client, MODEL, types.LiveConnectConfig()) as connection:
            between.freeze()
            await connection.send(large)  # asyncio's TLS holds back only those that follow
            writing = asyncio.create_task(connection.send(large))
            _, pending = await asyncio.wait({writing}, timeout=0.2)
            assert pending
            began = loop.time()
        assert loop.time() - began < ABANDON_AFTER_S + 1.0
        between.cut()
        with pytest.raises(TransientFault):
            await writing


async def test_an_exception_within_comes_out_as_it_is(gemini: ScriptedGemini) -> None:
    with pytest.raises(KeyError, match="ours"):
        async with connected(gemini) as (connection, line):
            await line.say({"serverContent": {"interrupted": True}})
            await connection.receive()
            raise KeyError("ours")


def test_the_key_is_not_shown() -> None:
    assert "secret" not in repr(Endpoint("https://localhost", api_key="secret"))


@pytest.mark.parametrize("vertex", [False, True])
async def test_the_kind_of_service_is_chosen_by_us(vertex: bool) -> None:
    client = make_client(Endpoint(api_key="key"), vertex=vertex)
    assert bool(client.vertexai) is vertex
    client.close()


def test_the_sdks_own_variables_decide_where_nothing_else_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ValueError, match="key"):
        make_client(Endpoint(), vertex=False)
    monkeypatch.setenv("GEMINI_API_KEY", "key")
    make_client(Endpoint(), vertex=False).close()
