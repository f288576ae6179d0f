"""Vertex AI by google-genai's own converters: nothing of it goes to a network.

What the setup holds for each setting is in test_live_config_wire.py, of images in
test_image_config.py.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import google.auth
import pytest
from google import genai
from google.auth.exceptions import GoogleAuthError
from google.genai import types

from processors.billing.usage import counts_of
from processors.frames import Role, ToolCall
from processors.gemini.client import Endpoint, LiveConnection, connect, make_client
from processors.gemini.errors import ConfigurationFault
from processors.gemini.events import (
    AudioChunk,
    GenerationComplete,
    HandleUpdate,
    LiveEvent,
    ToolCalls,
    ToolsCancelled,
    Transcript,
    TurnComplete,
    Usage,
    VoiceActivityEvent,
)
from processors.gemini.live_config import LiveSetup
from processors.gemini.outbox import AudioEnd, ContextUpdate, Outgoing, RealtimeText, ToolResponse
from processors.gemini.settings import LiveSettings
from processors.gemini.unnamed_calls import is_unnamed
from tests.processors.gemini.live_levers import DRAW, M38

PCM = bytes(480)
TOKEN = "token-of-a-test"
SPOKEN = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AAAA"}}


class _Transport:
    def get_extra_info(self, name: str) -> None:
        """There is no socket."""

    def abort(self) -> None:
        """Nor a line."""


@dataclass
class Wire:
    """Stands where the websocket is: keeps what is sent, gives out what Vertex AI says."""

    uri: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    sent: list[dict[str, Any]] = field(default_factory=list)
    says: list[dict[str, Any]] = field(default_factory=list)
    transport: _Transport = field(default_factory=_Transport)

    async def send(self, message: str) -> None:
        self.sent.append(json.loads(message))

    async def recv(self, decode: bool | None = None) -> bytes:
        return json.dumps(self.says.pop(0)).encode()


class Login:
    """Google Cloud's credentials of a test; they expire when it says so."""

    quota_project_id = "quota"

    def __init__(self) -> None:
        self.token: str | None = None
        self.threads: list[threading.Thread] = []

    @property
    def valid(self) -> bool:
        return self.token is not None

    @property
    def expired(self) -> bool:
        return self.token is None

    def refresh(self, request: object) -> None:
        self.threads.append(threading.current_thread())
        self.token = TOKEN


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    made = Wire(says=[{"setupComplete": {"sessionId": "s"}}])

    @asynccontextmanager
    async def open_wire(
        uri: str, additional_headers: dict[str, str], **_: object
    ) -> AsyncIterator[Wire]:
        made.uri, made.headers = uri, additional_headers
        yield made

    monkeypatch.setattr("google.genai.live.ws_connect", open_wire)
    return made


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> Login:
    one = Login()
    monkeypatch.setattr(google.auth, "default", lambda **_: (one, "project-of-the-login"))
    return one


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_CLOUD_LOCATION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "my-project")


def setup_for(settings: LiveSettings) -> LiveSetup:
    return LiveSetup(lambda: settings, lambda: [DRAW], vertex=True)


@asynccontextmanager
async def connected(
    wire: Wire, client: genai.Client | None = None, **live: Any
) -> AsyncIterator[LiveConnection]:
    """In express mode, with a key, unless a client is given; what comes is sent after the setup."""
    settings = LiveSettings.model_validate(live)
    one = client or make_client(Endpoint(api_key="key"), vertex=True)
    try:
        async with connect(
            one, settings.model, setup_for(settings).config("h1", False)
        ) as connection:
            yield connection
    finally:
        await one.aio.aclose()
        one.close()


async def sent(wire: Wire, *items: Outgoing) -> list[dict[str, Any]]:
    async with connected(wire) as connection:
        for item in items:
            await connection.send(item)
    return wire.sent[1:]


async def heard(wire: Wire, *messages: dict[str, Any]) -> list[LiveEvent]:
    wire.says += messages
    events: list[LiveEvent] = []
    async with connected(wire) as connection:
        for _ in messages:
            events += await connection.receive()
    return events


# ---- project, location and login ------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        (None, "aiplatform.googleapis.com"),
    ],
)
async def test_project_and_location_reach_the_wire(
    wire: Wire, login: Login, monkeypatch: pytest.MonkeyPatch, location: str | None, host: str
) -> None:
    if location is not None:
        monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", location)
    async with connected(wire, make_client(Endpoint(), vertex=True)):
        pass
    service = "ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
    assert wire.uri.replace(".com//", ".com/") == f"wss://{host}/{service}"
    assert wire.headers["Authorization"] == f"Bearer {TOKEN}"
    assert wire.headers["x-goog-user-project"] == "quota"
    assert "x-goog-api-key" not in wire.headers
    (message,) = wire.sent
    resource = f"projects/my-project/locations/{location or 'global'}"
    assert message["setup"]["model"] == f"{resource}/publishers/google/models/{M38}"
    assert message["setup"]["generationConfig"]["responseModalities"] == ["AUDIO"]


async def test_a_project_wins_over_a_key_of_the_environment(
    wire: Wire, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "hush")
    async with connected(wire, make_client(Endpoint(), vertex=True)):
        pass
    assert "hush" not in str(wire.headers)
    assert wire.headers["Authorization"] == f"Bearer {TOKEN}"


async def test_a_key_alone_is_express_mode(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
    monkeypatch.setenv("GOOGLE_API_KEY", "key")
    async with connected(wire, make_client(Endpoint(), vertex=True)):
        pass
    assert wire.headers["x-goog-api-key"] == "key"
    assert wire.sent[0]["setup"]["model"] == f"publishers/google/models/{M38}"


async def test_a_location_of_its_own(wire: Wire, login: Login) -> None:
    async with connected(wire, make_client(Endpoint(), vertex=True, location="us-east4")):
        pass
    assert wire.uri.startswith("wss://us-east4-aiplatform.googleapis.com/")


async def test_nobody_logs_in_on_the_loop(wire: Wire, login: Login) -> None:
    """It may take seconds, in which the rooms of the process would be silent."""
    client = make_client(Endpoint(), vertex=True)
    for _ in range(2):
        wire.says = [{"setupComplete": {}}]
        async with connect(client, M38, types.LiveConnectConfig()):
            pass
    login.token = None  # it has expired
    wire.says = [{"setupComplete": {}}]
    async with connect(client, M38, types.LiveConnectConfig()):
        pass
    client.close()
    assert len(login.threads) == 2
    assert threading.main_thread() not in login.threads


async def test_a_gateway_needs_no_login(
    wire: Wire, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
    client = make_client(Endpoint("https://gateway.example/live"), vertex=True)
    async with connected(wire, client):
        pass
    assert wire.uri == "https://gateway.example/live"
    assert "Authorization" not in wire.headers and login.threads == []


def test_without_project_key_and_login_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_login(**_: object) -> None:
        raise GoogleAuthError("no credentials")  # type: ignore[no-untyped-call]  # it has no types

    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
    monkeypatch.setattr(google.auth, "default", no_login)
    with pytest.raises(ConfigurationFault, match="no credentials"):
        make_client(Endpoint(), vertex=True)


# ---- what is sent ---------------------------------------------------------------------------


async def test_the_setup_of_a_room_as_it_comes(wire: Wire) -> None:
    """Nothing that Vertex AI does not know, though nothing was set."""
    async with connected(wire):
        pass
    setup = wire.sent[0]["setup"]
    assert set(setup) == {
        "model",
        "generationConfig",
        "systemInstruction",
        "tools",
        "sessionResumption",
        "inputAudioTranscription",
        "outputAudioTranscription",
        "contextWindowCompression",
    }
    assert setup["sessionResumption"] == {"handle": "h1"}
    ((function,),) = [each["functionDeclarations"] for each in setup["tools"]]
    assert "behavior" not in function


async def test_what_only_vertex_ai_knows(wire: Wire) -> None:
    async with connected(
        wire,
        sessionResumption={"transparent": True},
        explicitVadSignal=True,
        labels={"team": "art"},
        turnCoverage="only_activity",
    ):
        pass
    setup = wire.sent[0]["setup"]
    assert setup["sessionResumption"] == {"handle": "h1", "transparent": True}
    assert (setup["explicitVadSignal"], setup["labels"]) == (True, {"team": "art"})
    assert "TURN_INCLUDES_ONLY_ACTIVITY" in str(setup["realtimeInputConfig"])


async def test_sound_that_ends_and_texts_are_sent_as_to_the_gemini_api(wire: Wire) -> None:
    """A second converter of the SDK refuses `audioStreamEnd`; the one that is used does not."""
    assert await sent(wire, AudioEnd(), RealtimeText("hello")) == [
        {"realtime_input": {"audioStreamEnd": True}},
        {"realtime_input": {"text": "hello"}},
    ]


async def test_a_context_update(wire: Wire) -> None:
    setup = setup_for(LiveSettings(system_instruction="Be brief."))
    (message,) = await sent(wire, setup.update(instruction=True, tools=True))
    update = message["contextUpdate"]
    assert update["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    ((function,),) = [each["functionDeclarations"] for each in update["tools"]["tools"]]
    assert function["name"] == "draw" and "behavior" not in function
    (message,) = (await sent_again(wire, ContextUpdate(None, ())))[-1:]
    assert message == {"contextUpdate": {"tools": {"tools": []}}}


async def sent_again(wire: Wire, *items: Outgoing) -> list[dict[str, Any]]:
    wire.says.append({"setupComplete": {}})
    return await sent(wire, *items)


async def test_results_are_neither_scheduled_nor_continued(wire: Wire) -> None:
    messages = await sent(
        wire,
        ToolResponse("1", "draw", {"output": "half"}, will_continue=True),
        ToolResponse("1", "draw", {"output": "whole"}, scheduling="SILENT"),
    )
    assert messages == [
        {
            "tool_response": {
                "functionResponses": [{"id": "1", "name": "draw", "response": {"output": "whole"}}]
            }
        }
    ]


# ---- calls without ids ----------------------------------------------------------------------


async def test_two_calls_without_ids_are_told_apart_and_answered_in_their_order(
    wire: Wire,
) -> None:
    calls = [{"name": "draw", "args": {"prompt": prompt}} for prompt in ("a cat", "a dog")]
    wire.says.append({"toolCall": {"functionCalls": calls}})
    async with connected(wire) as connection:
        (event,) = await connection.receive()
        assert isinstance(event, ToolCalls)
        cat, dog = event.calls
        assert (cat.args["prompt"], dog.args["prompt"]) == ("a cat", "a dog")
        assert is_unnamed(cat.id) and is_unnamed(dog.id) and cat.id != dog.id
        counts = [await connection.send(ToolResponse(dog.id, "draw", {"output": "dog"}))]
        assert len(wire.sent) == 1  # the setup
        counts.append(await connection.send(ToolResponse(cat.id, "draw", {"output": "cat"})))
    assert counts == [0, 2]
    responses = [message["tool_response"]["functionResponses"] for message in wire.sent[1:]]
    assert responses == [
        [{"name": "draw", "response": {"output": "cat"}}],
        [{"name": "draw", "response": {"output": "dog"}}],
    ]


async def test_a_cancellation_without_ids_is_of_all_calls_without(wire: Wire) -> None:
    calls = [{"name": "draw"}, {"id": "7", "name": "draw"}, {"name": "edit"}]
    events = await heard(wire, {"toolCall": {"functionCalls": calls}}, {"toolCallCancellation": {}})
    called, cancelled = events
    assert isinstance(called, ToolCalls)
    unnamed = [call for call in called.calls if is_unnamed(call.id)]
    assert called.calls[1] == ToolCall("7", "draw", {})
    assert cancelled == ToolsCancelled(tuple(call.id for call in unnamed))


async def test_ids_that_are_given_are_kept(wire: Wire) -> None:
    wire.says.append({"toolCall": {"functionCalls": [{"id": "7", "name": "draw"}]}})
    async with connected(wire) as connection:
        assert await connection.receive() == [ToolCalls((ToolCall("7", "draw", {}),))]
        await connection.send(ToolResponse("7", "draw", {"output": "x"}))
    (response,) = wire.sent[-1]["tool_response"]["functionResponses"]
    assert response["id"] == "7"


# ---- what is heard --------------------------------------------------------------------------


async def test_usage_has_the_names_of_the_gemini_api(wire: Wire) -> None:
    usage = {
        "promptTokenCount": 10,
        "candidatesTokenCount": 5,
        "totalTokenCount": 15,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}],
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}],
        "trafficType": "ON_DEMAND",
    }
    end = {"serverContent": {"turnComplete": True}, "usageMetadata": usage}
    counted, complete = await heard(wire, end)
    assert complete == TurnComplete(None, in_progress=False)
    assert isinstance(counted, Usage)
    assert counts_of(counted.metadata) == {"prompt.AUDIO": 10, "response.AUDIO": 5}


async def test_words_may_come_long_before_their_sound_and_say_their_language(wire: Wire) -> None:
    events = await heard(
        wire,
        {"serverContent": {"outputTranscription": {"text": "Guten", "languageCode": "de-DE"}}},
        {"serverContent": {"outputTranscription": {"text": " Tag.", "finished": True}}},
        {"serverContent": {"inputTranscription": {"text": "Hallo", "languageCode": "de-DE"}}},
        {"serverContent": {"modelTurn": {"role": "model", "parts": [SPOKEN]}}},
        {"serverContent": {"generationComplete": True}},
    )
    assert events == [
        Transcript(Role.MODEL, "Guten", finished=False),
        Transcript(Role.MODEL, " Tag.", finished=True),
        Transcript(Role.USER, "Hallo", finished=False),
        AudioChunk(b"\x00\x00\x00", 24_000),
        GenerationComplete(),
    ]


async def test_voice_activity_and_handles_with_what_was_consumed(wire: Wire) -> None:
    update = {"newHandle": "h2", "resumable": True, "lastConsumedClientMessageIndex": "41"}
    events = await heard(
        wire,
        {"voiceActivityDetectionSignal": {"vadSignalType": "VAD_SIGNAL_TYPE_SOS"}},
        {"voiceActivity": {"type": "ACTIVITY_END", "audioOffset": "1.5s"}},
        {"sessionResumptionUpdate": update},
    )
    assert events == [
        VoiceActivityEvent(started=True),
        VoiceActivityEvent(started=False),
        HandleUpdate("h2", 41),
    ]


async def test_the_loop_goes_on_while_somebody_logs_in(wire: Wire, login: Login) -> None:
    loop, refresh = asyncio.get_running_loop(), login.refresh
    beat = threading.Event()

    def slow(request: object) -> None:
        loop.call_soon_threadsafe(beat.set)
        assert beat.wait(5)  # only the loop can set it
        refresh(request)

    login.refresh = slow  # type: ignore[method-assign]  # of this one
    async with connected(wire, make_client(Endpoint(), vertex=True)):
        pass
    assert wire.headers["Authorization"] == f"Bearer {TOKEN}"
