"""What may have been lost with a connection is said again, once, and nothing else is."""

import asyncio

from google.genai import types

from processors.frames import LinkStatus
from processors.gemini.events import Disconnected, GoAway
from processors.gemini.live_link import BURST
from processors.gemini.outbox import Audio, Turns
from processors.gemini.seed import Seed
from tests.processors.gemini.live_server import Certificate
from tests.processors.gemini.live_talk import LIMIT_S, talk
from tests.processors.gemini.scripted_gemini import (
    INTERRUPTED,
    TURN_END,
    Message,
    ScriptedGemini,
    endpoint,
    go_away,
    handle,
    relay,
    says,
    sounds,
)

CONNECTING, READY = LinkStatus.CONNECTING, LinkStatus.READY


CALL: Message = {"toolCall": {"functionCalls": [{"id": "c1", "name": "draw"}]}}


async def test_what_a_tool_was_called_for_is_not_said_again(gemini: ScriptedGemini) -> None:
    async with talk(gemini.endpoint) as t:
        line = await gemini.line()
        t.say("1")
        assert await line.hear_texts(1) == ["1"]
        await line.say(CALL)
        await t.until(lambda: len(t.events) == 1)
        line.break_off()
        line = await gemini.line()
        t.say("2")
        assert await line.hear_texts(1) == ["2"]
        assert "you called draw" in t.told[1].notes[0]


async def test_an_answer_that_broke_off_is_asked_for_instead(gemini: ScriptedGemini) -> None:
    async with talk(gemini.endpoint) as t:
        line = await gemini.line()
        t.say("1")
        assert await line.hear_texts(1) == ["1"]
        await line.say(says("One two"), *(sounds() for _ in range(50)))
        await t.until(lambda: len(t.events) == 51)
        line.break_off()
        line = await gemini.line()
        t.say("2")
        carry_on, second = await line.hear_texts(2)
        assert 'after the words "One two"' in carry_on
        assert second == "2"
        await t.until(lambda: any(isinstance(event, Disconnected) for event in t.events))
        assert Disconnected(answer_broken=True) in t.events


async def test_a_session_that_is_resumed_is_told_what_it_does_not_know(
    gemini: ScriptedGemini,
) -> None:
    content = types.Content(role="user", parts=[types.Part(text="meanwhile")])
    async with talk(gemini.endpoint, reminder=Seed((content,), complete=False)) as t:
        line = await gemini.line()
        await line.say(handle("h1"))
        await t.until(lambda: len(t.events) == 1)
        line.break_off()
        line = await gemini.line()
        assert line.setup["sessionResumption"] == {"handle": "h1"}
        told = (await line.hear())["client_content"]
        assert told["turns"][0]["parts"] == [{"text": "meanwhile"}]
        assert told["turnComplete"] is False


async def test_what_was_said_to_the_old_connection_at_the_last_moment_is_said_again(
    gemini: ScriptedGemini,
) -> None:
    """It cannot be in the session that the handle resumes."""
    async with talk(gemini.endpoint) as t:
        first = await gemini.line()
        await first.say(says("x"), go_away("5.5s"))
        await t.until_event(GoAway(5.5))
        t.say("1")
        assert await first.hear_texts(1) == ["1"]
        await first.say(INTERRUPTED, TURN_END, handle("h1"))
        second = await gemini.line()
        assert await second.hear_texts(1) == ["1"]


async def test_what_was_being_written_when_the_line_broke_is_written_again(
    gemini: ScriptedGemini, trusted: Certificate
) -> None:
    async with relay(gemini.port) as between, talk(endpoint(between.port, trusted)) as t:
        await gemini.line()
        await t.until_status(CONNECTING, READY)
        between.freeze()
        large = (("image/png", bytes(6 << 20)),)
        for name in ("1", "2"):
            t.live.send(Turns(large, name, complete=False))
        t.say("3")
        async with asyncio.timeout(LIMIT_S):
            while len(t.live.core.outbox) > 1:  # noqa: ASYNC110  # no event tells what was taken
                await asyncio.sleep(0)
        between.cut()
        between.thaw()
        line = await gemini.line()
        for name in ("1", "2"):
            content = (await line.hear())["client_content"]
            assert content["turns"][0]["parts"][1] == {"text": name}
        assert await line.hear_texts(1) == ["3"]


async def test_what_has_to_be_said_again_does_not_hold_up_other_rooms(
    gemini: ScriptedGemini,
) -> None:
    """They all live on one loop; half a minute of sound are hundreds of messages."""
    async with talk(gemini.endpoint) as t:
        for _ in range(700):
            assert t.live.send(Audio(bytes(1280)))
        outbox = t.live.core.outbox
        line = asyncio.create_task(gemini.line())
        left, most = len(outbox), 0
        async with asyncio.timeout(LIMIT_S):
            while outbox:
                await asyncio.sleep(0)
                most = max(most, left - len(outbox))
                left = len(outbox)
        await line
    assert 0 < most <= BURST
