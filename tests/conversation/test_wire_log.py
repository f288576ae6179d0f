"""A talk with the whole service is logged; a service that meets the log has the same talk."""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.browser.processes import Emulator, emulator, service
from tests.browser.stage_set import spoken
from tests.talking_peer import Camera, TalkingPeer, talking_peer

pytestmark = pytest.mark.realtime

SCENARIO: Final = {"steps": [{"hear": "goodbye", "say": "Goodbye.", "go_away": 30}]}
LOG: Final = "wire.jsonl"
AT_THE_END: Final = "the client closed"  # what comes behind a last answer may miss it
RESUMPTION_LIMIT_S: Final = 20.0


async def talk(peer: TalkingPeer, gemini: Emulator, folder: Path) -> None:
    """Greeting, speech, barge-in, a tool that draws, goAway, and a text after the resumption."""
    thanks = await asyncio.to_thread(spoken, "thank you", folder)
    stop = await asyncio.to_thread(spoken, "stop", folder)
    await peer.join({"greeting": "hello"})
    await answered(peer, "Hello. I am the emulator.", after=0)
    at = len(peer.messages)
    peer.microphone.say(thanks)
    await answered(peer, "You are welcome.", after=at)
    at = len(peer.messages)
    peer.write("tell me a story")
    await peer.told(
        "server-message", lambda d: d.get("role") == "model" and len(d["text"]) > 40, after=at
    )
    peer.microphone.say(stop)
    cut = await peer.told("bot-interrupted", after=at)
    await answered(peer, "Okay.", after=cut)
    at = len(peer.messages)
    peer.write("draw a red circle")
    await peer.told("server-message", lambda d: d.get("event") == "ready", after=at)
    await answered(peer, "Here it is.", after=at)
    at = len(peer.messages)
    peer.write("goodbye")
    await answered(peer, "Goodbye.", after=at)
    async with asyncio.timeout(RESUMPTION_LIMIT_S):  # else the text may still go to the first one
        while len(await gemini.sessions()) < 2:
            pass
    at = len(peer.messages)
    peer.write("hello")
    await answered(peer, "Hello. I am the emulator.", after=at)


async def answered(peer: TalkingPeer, words: str, *, after: int) -> None:
    """Said to the end; which of the two is told first is left open."""
    await peer.transcribed("model", words, after=after)
    await peer.told("bot-stopped-speaking", after=after)


async def conversation(gemini: Emulator, folder: Path, **environment: str) -> list[Any]:
    """What the peer was told of the talk."""
    async with (
        service({**gemini.environment, **environment}) as running,
        talking_peer(running.url, camera=Camera()) as peer,
    ):
        await talk(peer, gemini, folder)
        return told(peer)


def told(peer: TalkingPeer) -> list[Any]:
    """Finals of both sides, images, interruptions and turns; of a cut answer only that it was."""
    out: list[Any] = []
    images: set[int] = set()  # told again and again, as this peer acknowledges none
    for message in peer.messages:
        data = message.get("data") or {}
        match message["type"], data.get("type") if isinstance(data, dict) else None:
            case "server-message", "transcript" if data["final"]:
                out.append((data["role"], "cut" if data["interrupted"] else data["text"]))
            case "server-message", "image-event" if (
                data["event"] == "ready" and data["seq"] not in images
            ):
                images.add(data["seq"])
                out.append((data["mime_type"], data["width"], data["prompt"]))
            case "bot-interrupted", _:
                out.append("interrupted")
    return out


async def test_a_service_that_meets_its_own_log_has_the_same_talk(tmp_path: Path) -> None:
    scenario, log = tmp_path / "scenario.json", tmp_path / LOG
    scenario.write_text(json.dumps(SCENARIO))
    async with emulator(tmp_path, "--scenario", str(scenario)) as gemini:
        logged = {"EASEL_WIRE_LOG": str(log), "EASEL_WIRE_LOG_TEXTS": "true"}
        first = await conversation(gemini, tmp_path, **logged)
    async with emulator(tmp_path, "--replay", str(log)) as gemini:
        again = await conversation(gemini, tmp_path)
        sessions = await gemini.sessions()
    assert "interrupted" in first
    assert again == first
    assert [session["resumed"] for session in sessions] == [False, True]
    before, after = (session["deviations"] for session in sessions)
    assert before == [] and all(AT_THE_END in line for line in after), (before, after)
