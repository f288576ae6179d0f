"""What may have been lost with a connection is said again, once, and nothing else is."""

import asyncio

import pytest

from processors.frames import LinkStatus
from processors.gemini import outbox
from processors.gemini.events import GoAway
from processors.gemini.outbox import Turns
from tests.processors.gemini.live_server import Certificate
from tests.processors.gemini.live_talk import LIMIT_S, said, talk
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


@pytest.fixture(autouse=True)
def _time_alone_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a busy machine takes between a text and what Gemini says next."""
    monkeypatch.setattr(outbox, "CONFIRM_AFTER_S", 60.0)


CALL: Message = {"toolCall": {"functionCalls": [{"name": "draw"}]}}


@pytest.mark.parametrize("answer", [sounds(), CALL, INTERRUPTED, says("x")])
async def test_what_gemini_has_answered_is_not_said_again(
    gemini: ScriptedGemini, answer: Message
) -> None:
    async with talk(gemini.endpoint) as t:
        line = await gemini.line()
        await line.say(says("earlier"), TURN_END)
        await t.until(lambda: len(t.events) == 2)
        t.say("1")
        assert await line.hear_texts(1) == ["1"]
        await line.say(answer)
        await t.until(lambda: len(t.events) == 3)
        line.break_off()
        line = await gemini.line()
        t.say("2")
        assert await line.hear_texts(1) == ["2"]


async def test_words_of_an_answer_that_was_under_way_prove_nothing(gemini: ScriptedGemini) -> None:
    async with talk(gemini.endpoint) as t:
        line = await gemini.line()
        await line.say(says("a"))
        await t.until_event(said("a"))
        t.say("1")
        assert await line.hear_texts(1) == ["1"]
        await line.say(says("b"))
        await t.until_event(said("b"))
        line.break_off()
        line = await gemini.line()
        t.say("2")
        assert await line.hear_texts(2) == ["1", "2"]


async def test_what_was_said_to_the_old_connection_at_the_last_moment_is_said_again(
    gemini: ScriptedGemini,
) -> None:
    """It cannot be in the session that the handle resumes."""
    async with talk(gemini.endpoint) as t:
        first = await gemini.line()
        await first.say(go_away("50s"))
        await t.until_event(GoAway(50.0))
        t.say("1")
        assert await first.hear_texts(1) == ["1"]
        await first.say(handle("h1"))
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
            while len(t.live.outbox) > 1:  # noqa: ASYNC110  # no event tells what was taken
                await asyncio.sleep(0)
        between.cut()
        between.thaw()
        line = await gemini.line()
        for name in ("1", "2"):
            content = (await line.hear())["client_content"]
            assert content["turns"][0]["parts"][1] == {"text": name}
        assert await line.hear_texts(1) == ["3"]


async def test_the_first_answer_on_a_new_connection_proves_it_too(gemini: ScriptedGemini) -> None:
    """Even when the one before broke in the middle of an answer."""
    async with talk(gemini.endpoint) as t:
        line = await gemini.line()
        await line.say(says("a"))
        await t.until_event(said("a"))
        line.break_off()
        line = await gemini.line()
        t.say("1")
        assert await line.hear_texts(1) == ["1"]
        await line.say(says("b"))
        await t.until_event(said("b"))
        line.break_off()
        line = await gemini.line()
        t.say("2")
        assert await line.hear_texts(1) == ["2"]


async def test_so_does_the_first_one_after_an_interruption(gemini: ScriptedGemini) -> None:
    async with talk(gemini.endpoint) as t:
        line = await gemini.line()
        await line.say(says("a"), INTERRUPTED)
        await t.until(lambda: len(t.events) == 2)
        t.say("1")
        assert await line.hear_texts(1) == ["1"]
        await line.say(says("b"))
        await t.until_event(said("b"))
        line.break_off()
        line = await gemini.line()
        t.say("2")
        assert await line.hear_texts(1) == ["2"]
