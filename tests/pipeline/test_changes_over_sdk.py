"""Changes asked for over WebRTC and told to Gemini by the real SDK."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.changes import REFUSED
from pipeline.in_force import shown
from pipeline.room import Room
from pipeline.room_settings import RoomSettings
from processors.gemini.client import Endpoint, make_client
from processors.images.image_tools import TOOL_NAMES
from processors.tools import tool
from tests.emulator.emulator_process import FAST, RunningEmulator, running_emulator
from tests.pipeline.room_clients import clients, hears, join, running, say, write
from tests.pipeline.room_parts import shared_parts
from tests.processors.gemini.live_server import Certificate, make_certificate
from tests.processors.gemini.scripted_gemini import Line, handle, scripted_gemini
from tests.transports.peers import Client

NATIVE_AUDIO = "gemini-live-2.5-flash-native-audio"
LIMIT_S = 10.0
NEW_WORDS = "Speak like a pirate."


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder: Path = tmp_path_factory.mktemp("certificate")
    return make_certificate(folder)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    with running_emulator(tmp_path_factory.mktemp("emulator"), *FAST) as one:
        yield one


def weather(city: str) -> str:
    """Tells the weather of a city."""
    return f"It rains in {city}."


@dataclass
class Visit:
    """A room and a person in it."""

    room: Room
    client: Client
    asked: int = 0

    async def change(self, **settings: Any) -> dict[str, Any]:
        """The answer to the wish."""
        self.asked += 1
        say(self.client, "client-message", {"t": "update-settings", "d": settings}, str(self.asked))
        while True:
            kinds = ("server-response", "error-response")
            async with asyncio.timeout(LIMIT_S):
                answer = await _next_of(self.client, kinds)
            if answer["id"] == str(self.asked):
                return answer

    async def changed(self, **settings: Any) -> tuple[str, list[str]]:
        """How, and what."""
        answer = await self.change(**settings)
        assert answer["type"] == "server-response", answer
        assert answer["data"]["t"] == "update-settings"
        told = answer["data"]["d"]
        return told["how"], told["applied"]


async def _next_of(client: Client, kinds: tuple[str, ...]) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(await client.messages.get())
        if message["type"] in kinds:
            return message


@asynccontextmanager
async def visit(endpoint: Endpoint, *, vertex: bool = False, **live: Any) -> AsyncIterator[Visit]:
    settings = RoomSettings.model_validate({"live": live})
    async with AsyncExitStack() as stack:
        client = make_client(endpoint, vertex=vertex)
        stack.push_async_callback(client.aio.aclose)
        parts = shared_parts(client=client, vertex=vertex, tools=(tool(weather),))
        shared = stack.enter_context(parts)
        room = await stack.enter_async_context(running(Room("room", settings, shared), shared))
        (person,) = await stack.enter_async_context(clients())
        await join(person, room)
        yield Visit(room, person)


def instruction(setup: dict[str, Any]) -> str:
    return str(setup["systemInstruction"]["parts"][0]["text"])


def voice(setup: dict[str, Any]) -> str:
    """The SDK spells the keys of the two backends differently."""
    speech = json.dumps(setup["generationConfig"]["speechConfig"])
    (name,) = re.findall(r'"voice_?[nN]ame": "(\w+)"', speech)
    return str(name)


def functions(tools: list[dict[str, Any]]) -> list[str]:
    declared = [each.get("functionDeclarations", []) for each in tools]
    return [function["name"] for functions in declared for function in functions]


async def heard_update(line: Line) -> dict[str, Any]:
    while True:
        message = await line.hear()
        if "contextUpdate" in message:
            update: dict[str, Any] = message["contextUpdate"]
            return update


async def handed(talk: Visit, line: Line, name: str) -> None:
    """Gemini gave a handle and the link has it."""
    await line.say(handle(name))
    async with asyncio.timeout(LIMIT_S):
        while talk.room.parts.gemini.live.link.handle != name:  # noqa: ASYNC110  # no event for it
            await asyncio.sleep(0)


async def test_a_context_update_reaches_the_session_and_every_later_one(
    certificate: Certificate,
) -> None:
    async with (
        scripted_gemini(certificate) as gemini,
        visit(gemini.endpoint, vertex=True, systemInstruction="Be kind.", voice="Kore") as talk,
    ):
        first = await gemini.line()
        assert instruction(first.setup) == "Be kind."
        changing = asyncio.create_task(talk.changed(systemInstruction=NEW_WORDS))
        update = await heard_update(first)
        assert update["systemInstruction"]["parts"] == [{"text": NEW_WORDS}]
        assert "tools" not in update
        assert await changing == ("context-update", ["systemInstruction"])
        changing = asyncio.create_task(talk.changed(tools=["weather"], googleSearch=True))
        update = await heard_update(first)
        assert functions(update["tools"]["tools"]) == ["weather"]
        assert {"googleSearch": {}} in update["tools"]["tools"]
        assert "systemInstruction" not in update
        assert await changing == ("context-update", ["googleSearch", "tools"])
        assert not gemini.has_line
        await handed(talk, first, "h1")
        assert await talk.changed(voice="Puck") == ("rotation", ["voice"])
        second = await gemini.line()
        assert second.setup["sessionResumption"]["handle"] == "h1"
        assert (voice(second.setup), instruction(second.setup)) == ("Puck", NEW_WORDS)
        assert functions(second.setup["tools"]) == ["weather"]
        second.break_off()
        third = await gemini.line()
        assert (voice(third.setup), instruction(third.setup)) == ("Puck", NEW_WORDS)


async def test_without_context_updates_an_instruction_needs_a_fresh_session(
    certificate: Certificate,
) -> None:
    async with scripted_gemini(certificate) as gemini, visit(gemini.endpoint) as talk:
        first = await gemini.line()
        await handed(talk, first, "h1")
        how = await talk.changed(systemInstruction=NEW_WORDS, voice="Puck", imageSize="2K")
        assert how == ("fresh-session", ["voice", "systemInstruction", "image.size"])
        second = await gemini.line()
        assert "handle" not in second.setup["sessionResumption"]
        assert (voice(second.setup), instruction(second.setup)) == ("Puck", NEW_WORDS)
        told = shown(talk.room.settings)
        assert (told["voice"], told["imageSize"]) == ("Puck", "2K")


async def test_tools_that_are_taken_away_are_not_called_any_more(
    certificate: Certificate,
) -> None:
    async with scripted_gemini(certificate) as gemini, visit(gemini.endpoint) as talk:
        first = await gemini.line()
        assert functions(first.setup["tools"]) == [*TOOL_NAMES, "weather"]
        assert await talk.changed(tools=["create_image"]) == ("fresh-session", ["tools"])
        second = await gemini.line()
        assert functions(second.setup["tools"]) == ["create_image"]
        call = {"id": "1", "name": "weather", "args": {"city": "Rome"}}
        await second.say({"toolCall": {"functionCalls": [call]}})
        while "tool_response" not in (message := await second.hear()):
            pass
        (response,) = message["tool_response"]["functionResponses"]
        assert response["response"] == {"error": "There is no tool called weather."}


async def test_an_update_that_gemini_does_not_take_is_made_by_a_fresh_session(
    certificate: Certificate,
) -> None:
    async with scripted_gemini(certificate) as gemini, visit(gemini.endpoint, vertex=True) as talk:
        first = await gemini.line()
        changing = asyncio.create_task(talk.changed(systemInstruction=NEW_WORDS))
        await heard_update(first)
        await first.close(1008, "Operation is not implemented, or supported, or enabled.")
        assert await changing == ("fresh-session", ["systemInstruction"])
        last = await gemini.line()
        while gemini.has_line:
            last = await gemini.line()
        assert instruction(last.setup) == NEW_WORDS
        assert "handle" not in last.setup["sessionResumption"]


async def test_a_no_is_a_sentence_and_the_connection_stays(certificate: Certificate) -> None:
    async with scripted_gemini(certificate) as gemini, visit(gemini.endpoint) as talk:
        await gemini.line()
        answer = await talk.change(voice="Nobody")
        assert answer["type"] == "error-response"
        assert answer["data"]["error"].startswith("voice is not a voice of gemini-3.8-live;")
        answer = await talk.change(model="gemini-3.8-live-extended-thinking")
        assert "model cannot change during a call" in answer["data"]["error"]
        assert await talk.changed() == ("nothing", [])
        assert not gemini.has_line


# ---- the emulator ---------------------------------------------------------------------------


def at(emulator: RunningEmulator) -> Endpoint:
    return Endpoint(emulator.base_url, api_key="key", tls=emulator.context)


async def ready(talk: Visit) -> None:
    say(talk.client, "client-ready", {"version": "2.0.0", "about": {"library": "tests"}}, "ready")
    await hears(talk.client, "bot-ready")


async def test_the_emulator_takes_the_update_and_knows_the_new_tools(
    emulator: RunningEmulator,
) -> None:
    async with visit(at(emulator), vertex=True, tools=["create_image"]) as talk:
        await ready(talk)
        how, _ = await talk.changed(systemInstruction=NEW_WORDS, tools=["weather"])
        assert how == "context-update"
        before = await asyncio.to_thread(emulator.sessions)
        assert before[-1]["messages"]["ContextUpdate"] == 1
        assert await talk.changed(voice="Puck", language="pl-PL") == (
            "rotation",
            ["voice", "language"],
        )
        after = await asyncio.to_thread(emulator.sessions)
        assert len(after) == len(before) + 1
        speech = after[-1]["setup"]["generationConfig"]["speechConfig"]
        assert speech["languageCode"] == "pl-PL"
        assert after[-1]["setup"]["systemInstruction"]["parts"] == [{"text": NEW_WORDS}]


@pytest.mark.parametrize(("model", "vertex"), [(NATIVE_AUDIO, True), ("gemini-3.8-live", False)])
async def test_models_that_take_no_update_get_none(
    emulator: RunningEmulator, model: str, vertex: bool
) -> None:
    async with visit(at(emulator), vertex=vertex, model=model) as talk:
        await ready(talk)
        before = await asyncio.to_thread(emulator.sessions)
        how, _ = await talk.changed(systemInstruction=NEW_WORDS)
        assert how == "fresh-session"
        after = await asyncio.to_thread(emulator.sessions)
        assert len(after) == len(before) + 1
        assert "ContextUpdate" not in {**after[-1]["messages"], **before[-1]["messages"]}
        assert after[-1]["setup"]["sessionResumption"] == {}


async def test_a_model_that_refuses_every_update_gets_a_fresh_session(tmp_path: Path) -> None:
    """Its name is that of one which takes them, and it closes with 1008 whenever one comes."""
    model = "gemini-3.8-live-001"
    with running_emulator(tmp_path, *FAST, "--model", f"{model}=3.1") as emulator:
        async with visit(at(emulator), vertex=True, model=model) as talk:
            await ready(talk)
            assert await talk.changed(systemInstruction=NEW_WORDS) == (
                "fresh-session",
                ["systemInstruction"],
            )
            last = (await asyncio.to_thread(emulator.sessions))[-1]
            assert "ContextUpdate" not in last["messages"]
            assert last["setup"]["sessionResumption"] == {}
            assert instruction(last["setup"]) == NEW_WORDS


@pytest.mark.parametrize("resumes", [True, False])
async def test_what_gemini_refuses_is_put_back_and_the_talk_goes_on(
    tmp_path: Path, resumes: bool
) -> None:
    """Of a model that nobody has described any voice may be wished for."""
    model = "gemini-9-live"
    with running_emulator(tmp_path, *FAST, "--model", f"{model}=3.8") as emulator:
        settings: dict[str, Any] = {"voice": "Kore", "sessionResumption": resumes}
        async with visit(at(emulator), model=model, **settings) as talk:
            await ready(talk)
            answer = await talk.change(voice="Nobody")
            assert answer["type"] == "error-response"
            assert answer["data"] == {"error": REFUSED}
            assert talk.room.settings.live.voice == "Kore"
            write(talk.client, "hello")
            while (await hears(talk.client, "server-message"))["data"].get("role") != "model":
                pass
            last = (await asyncio.to_thread(emulator.sessions))[-1]
            assert voice(last["setup"]) == "Kore"
            assert await talk.changed(voice="Puck") == ("rotation", ["voice"])


async def answered(talk: Visit, words: str) -> None:
    write(talk.client, words)
    while True:
        told = (await hears(talk.client, "server-message"))["data"]
        if told.get("role") == "model" and told.get("final"):
            return


async def test_a_fresh_session_is_told_what_was_said(emulator: RunningEmulator) -> None:
    async with visit(at(emulator)) as talk:
        await ready(talk)
        await answered(talk, "hello")
        assert await talk.changed(systemInstruction=NEW_WORDS) == (
            "fresh-session",
            ["systemInstruction"],
        )
        await answered(talk, "thank you")
        last = (await asyncio.to_thread(emulator.sessions))[-1]
    assert list(last["setup"]["historyConfig"].values()) == [True]
    assert (last["texts"][0], last["texts"][-1]) == ("hello", "thank you")
    assert len(last["texts"]) == 3  # the model's answer between them
