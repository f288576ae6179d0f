"""What is said of how the conversation stands (state_line.js)."""

from typing import Any

import pytest

from tests.web.conftest import Modules
from tests.web.messages import rtvi, server

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def line(modules: Modules, state: str, *events: object, offline: bool = False) -> Any:
    view = await modules.reduce(rtvi("bot-ready"), *events)
    stand = {"state": state, "offline": offline, "link": view["link"], "lost": view["lost"]}
    return await modules.call("state_line.js", "stateLine", stand)


def link(status: str, sentence: str = "") -> dict[str, Any]:
    return server(type="link-status", status=status, sentence=sentence)


@pytest.mark.parametrize("state", ["idle", "connecting", "connected", "closed", "failed"])
async def test_nothing_is_said_of_what_is_well(modules: Modules, state: str) -> None:
    assert await line(modules, state) == {"tone": "none", "words": ""}


async def test_a_link_that_is_renewed(modules: Modules) -> None:
    said = await line(modules, "connected", link("reconnecting"))
    assert said == {
        "tone": "busy",
        "words": "Gemini’s connection is being renewed; go on speaking, nothing is lost.",
    }


@pytest.mark.parametrize("status", ["connecting", "reconnecting", "failed", "of-the-future"])
async def test_each_state_of_the_link_has_words(modules: Modules, status: str) -> None:
    said = await line(modules, "connected", link(status))
    assert said["tone"] == "busy" and said["words"]


async def test_who_comes_in_while_the_link_is_renewed_is_told(modules: Modules) -> None:
    renewed = link("reconnecting")
    assert (await line(modules, "connecting", renewed))["tone"] == "busy"
    assert (await line(modules, "failed", renewed))["tone"] == "none"


async def test_the_services_own_sentence_is_better(modules: Modules) -> None:
    quota = "Gemini is at its limit for this key; trying again shortly."
    assert (await line(modules, "connected", link("reconnecting", quota)))["words"] == quota


async def test_it_ends_when_the_link_is_ready(modules: Modules) -> None:
    said = await line(modules, "connected", link("reconnecting"), link("ready"))
    assert said["tone"] == "none"


async def test_without_a_network_the_link_is_of_no_interest(modules: Modules) -> None:
    broken = link("reconnecting", "It broke.")
    away = await line(modules, "reconnecting", broken)
    offline = await line(modules, "reconnecting", broken, offline=True)
    assert away["tone"] == offline["tone"] == "busy"
    assert "coming back" in away["words"] and "offline" in offline["words"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "The last second could not be kept."),
        (1.4, "The last second could not be kept."),
        (12.5, "The last 13 seconds could not be kept."),
    ],
)
async def test_lost_sound_is_told(modules: Modules, seconds: float, words: str) -> None:
    said = await line(modules, "connected", server(type="audio-dropped", seconds=seconds))
    assert said == {"tone": "note", "words": words}


async def test_the_news_of_lost_sound_fades(modules: Modules) -> None:
    dropped = server(type="audio-dropped", seconds=2)
    faded = {"kind": "faded", "count": 1}
    assert (await line(modules, "connected", dropped, faded))["tone"] == "none"
    assert (await line(modules, "connected", dropped, dropped, faded))["tone"] == "note"


@pytest.mark.parametrize(
    ("sound", "devices", "words"),
    [
        (True, [], "The browser lets Easel be heard after a tap."),
        (True, ["mic"], "Hear Easel again, and turn your microphone on."),
        (False, ["camera"], "Turn your camera on again."),
        (False, ["mic", "camera"], "Turn your microphone and your camera on again."),
    ],
)
async def test_what_a_tap_is_for(
    modules: Modules, sound: bool, devices: list[str], words: str
) -> None:
    needed = {"sound": sound, "devices": devices}
    assert await modules.call("state_line.js", "wordsOfTap", needed) == words
