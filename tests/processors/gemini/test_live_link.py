import asyncio
import logging

import pytest
from google.genai import types

from processors.frames import LinkStatus
from processors.gemini import link, live_link
from processors.gemini.client import LiveConnection
from processors.gemini.events import (
    Disconnected,
    GoAway,
    HandleUpdate,
    LiveEvent,
    Transcript,
    TurnComplete,
)
from processors.gemini.link import LinkState
from processors.gemini.outbox import ITEM_LIMIT, RealtimeText, ToolResponse, Turns
from processors.gemini.seed import Seed
from tests.processors.gemini.live_server import Certificate
from tests.processors.gemini.live_talk import config, said, talk
from tests.processors.gemini.scripted_gemini import (
    TURN_END,
    ScriptedGemini,
    endpoint,
    go_away,
    handle,
    relay,
    says,
)

MODEL = "gemini-3.8-live"
LIMIT_S = 10.0
CONNECTING, READY = LinkStatus.CONNECTING, LinkStatus.READY
RECONNECTING, FAILED = LinkStatus.RECONNECTING, LinkStatus.FAILED


async def test_it_connects_and_says_so(gemini: ScriptedGemini) -> None:
    async with talk(gemini.endpoint) as t:
        line = await gemini.line()
        await t.until_status(CONNECTING, READY)
        assert line.setup["model"] == f"models/{MODEL}"
        assert all(sentence == "" for _, sentence in t.statuses)
    assert await line.ended() == 1000
    assert t.live.link.state is LinkState.CLOSED
    assert len(t.statuses) == 2, "a close that was asked for is no news"


async def test_events_come_in_order_and_the_end_of_the_connection_last(
    gemini: ScriptedGemini,
) -> None:
    async with talk(gemini.endpoint) as t:
        line = await gemini.line()
        await line.say(says("a"), says("b"), TURN_END, handle("h"))
        await t.until_event(HandleUpdate("h", None))
    assert t.events == [
        said("a"),
        said("b"),
        TurnComplete(None, in_progress=False),
        HandleUpdate("h", None),
        Disconnected(),
    ]


async def test_what_is_said_before_there_is_a_connection_waits(gemini: ScriptedGemini) -> None:
    async with talk(gemini.endpoint) as t:
        t.say("1", "2")
        line = await gemini.line()
        t.say("3")
        assert await line.hear_texts(3) == ["1", "2", "3"]


async def test_a_broken_line_is_mended_and_no_text_is_lost(gemini: ScriptedGemini) -> None:
    async with talk(gemini.endpoint) as t:
        line = await gemini.line()
        await line.say(handle("h1"), handle(None))
        await t.until(lambda: len(t.events) == 2)
        line.break_off()
        t.say("1", "2")  # nobody knows yet that the line is broken
        await t.until_end()
        t.say("3")
        line = await gemini.line()
        assert line.setup["sessionResumption"] == {"handle": "h1"}
        assert await line.hear_texts(3) == ["1", "2", "3"]
        await t.until_status(CONNECTING, READY, RECONNECTING, READY)
        assert "what you say is kept" in t.statuses[2][1]


async def test_a_wrong_configuration_is_told_once_and_ends_it(
    gemini: ScriptedGemini, caplog: pytest.LogCaptureFixture
) -> None:
    gemini.closes_with = (1007, "API key not valid. Please pass a valid API key.")
    async with talk(gemini.endpoint) as t:
        await t.ended()
        assert gemini.attempts == 1
        said = "Gemini refuses this configuration: API key not valid. Please pass a valid API key."
        assert t.statuses == [(CONNECTING, ""), (FAILED, said)]
        assert t.events == []
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert "API key not valid" in record.getMessage()


async def test_a_setup_that_is_refused_from_the_start_is_one_too(gemini: ScriptedGemini) -> None:
    gemini.closes_with = (1007, "Request contains an invalid argument.")
    async with talk(gemini.endpoint) as t:
        await t.ended()
        assert [status for status, _ in t.statuses] == [CONNECTING, FAILED]


async def test_a_lost_session_goes_on_in_a_fresh_one(gemini: ScriptedGemini) -> None:
    async with talk(gemini.endpoint) as t:
        line = await gemini.line()
        await line.say(handle("h1"))
        await t.until_event(HandleUpdate("h1", None))
        await line.close(1008, "BidiGenerateContent session not found")
        line = await gemini.line()
        assert line.setup["sessionResumption"] == {}
        await t.until_status(CONNECTING, READY, RECONNECTING, READY)


async def test_when_it_does_not_come_up_peers_are_told_why_and_it_tries_again(
    gemini: ScriptedGemini,
) -> None:
    gemini.refusal = (503, "busy")
    async with talk(gemini.endpoint) as t:
        await t.until_status(CONNECTING, CONNECTING)
        assert t.statuses[1][1] != ""
        gemini.refusal = None
        await gemini.line()
        await t.until_status(CONNECTING, CONNECTING, READY)
        assert gemini.attempts >= 2


async def test_when_it_never_comes_up_it_gives_up(
    gemini: ScriptedGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processors.gemini.link.GIVE_UP_AFTER_S", 0.0)
    gemini.refusal = (503, "busy")
    async with talk(gemini.endpoint) as t:
        await t.ended()
        assert t.statuses[-1] == (FAILED, "The connection to Gemini failed.")


async def test_a_server_that_never_answers_the_setup(
    gemini: ScriptedGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "OPEN_LIMIT_S", 0.3)
    gemini.answers = False
    async with talk(gemini.endpoint) as t:
        await t.until_status(CONNECTING, CONNECTING)
        failure = t.live.link.failure
        assert failure is not None
        assert failure.reason == "no answer to the setup"
        gemini.answers = True
        monkeypatch.setattr(link, "OPEN_LIMIT_S", LIMIT_S)
        await gemini.line()


async def test_after_a_go_away_the_talk_goes_on_until_there_is_a_handle(
    gemini: ScriptedGemini,
) -> None:
    async with talk(gemini.endpoint) as t:
        first = await gemini.line()
        await first.say(handle("h1"), handle(None), go_away("50s"), says("still"), says(" here"))
        await t.until_event(said(" here"))
        t.say("1")
        assert await first.hear_texts(1) == ["1"]
        assert not gemini.has_line
        await first.say(TURN_END, handle("h2"))
        second = await gemini.line()
        assert second.setup["sessionResumption"] == {"handle": "h2"}
        assert await first.ended() == 1000
        t.say("2")
        await second.say(says("again"))
        await t.until_event(said("again"))
        assert t.events.index(GoAway(50.0)) < t.events.index(Disconnected())
        assert [status for status, _ in t.statuses] == [CONNECTING, READY], "nobody needs to know"


async def test_without_a_handle_it_leaves_in_time(gemini: ScriptedGemini) -> None:
    time_left_s = link.LEAVE_BEFORE_S + 0.3
    times: list[float] = []

    def note(event: LiveEvent) -> None:
        if isinstance(event, GoAway | Disconnected):
            times.append(asyncio.get_running_loop().time())

    async with talk(gemini.endpoint) as t:
        t.on_event = note
        first = await gemini.line()
        await first.say(handle("h1"), handle(None), says("x"), go_away(f"{time_left_s}s"))
        second = await gemini.line()
        asked, left = times
        assert 0.3 <= left - asked < time_left_s
        assert second.setup["sessionResumption"] == {"handle": "h1"}
        assert await first.ended() == 1000


async def test_a_close_while_connecting_is_quick(gemini: ScriptedGemini) -> None:
    gemini.answers = False
    async with talk(gemini.endpoint) as t:
        await t.until_status(CONNECTING)
        async with asyncio.timeout(LIMIT_S):
            t.live.close()
            await t.life
        assert t.events == []


async def test_a_close_while_waiting_is_at_once(gemini: ScriptedGemini) -> None:
    gemini.refusal = (429, "quota")
    async with talk(gemini.endpoint) as t:
        await t.until(lambda: t.live.link.state is LinkState.WAITING)
        attempts = gemini.attempts
        for _ in range(2):
            t.live.close()
        await t.ended()
        assert gemini.attempts == attempts, "it did not wait to try again"


async def test_a_close_when_nothing_moves_any_more(
    gemini: ScriptedGemini, trusted: Certificate
) -> None:
    async with relay(gemini.port) as between, talk(endpoint(between.port, trusted)) as t:
        await t.until_status(CONNECTING, READY)
        between.freeze()
        async with asyncio.timeout(LIMIT_S):
            t.live.close()
            await t.life


async def test_a_cancellation_ends_it(gemini: ScriptedGemini) -> None:
    async with talk(gemini.endpoint) as t:
        line = await gemini.line()
        await t.until_status(CONNECTING, READY)
        t.life.cancel()
        _, pending = await asyncio.wait({t.life}, timeout=LIMIT_S)
        assert not pending
        assert t.life.cancelled()
        assert await line.ended() == 1000
        assert t.live.link.state is LinkState.CLOSED
        t.life = asyncio.create_task(asyncio.sleep(0))


async def test_our_own_mistake_costs_a_connection_and_is_logged(
    gemini: ScriptedGemini, caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(event: LiveEvent) -> None:
        if isinstance(event, Transcript):
            raise ZeroDivisionError

    async with talk(gemini.endpoint) as t:
        t.on_event = stumble
        line = await gemini.line()
        await line.say(says("x"))
        await gemini.line()
        await t.until_status(CONNECTING, READY, RECONNECTING, READY)
    assert "broke in our own code" in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_a_configuration_that_cannot_be_built_is_tried_again(
    gemini: ScriptedGemini, caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(handle: str | None, seeded: bool) -> types.LiveConnectConfig:
        raise ZeroDivisionError

    async with talk(gemini.endpoint) as t:
        t.make_config = stumble
        await t.until_status(CONNECTING, CONNECTING)
        t.make_config = config
        await gemini.line()
    assert "broke in our own code" in caplog.text


async def test_what_cannot_be_sent_is_left_out(
    gemini: ScriptedGemini, caplog: pytest.LogCaptureFixture
) -> None:
    async with talk(gemini.endpoint) as t:
        t.say("1")
        t.live.send(ToolResponse("1", "draw", {"output": object()}))
        t.say("2")
        line = await gemini.line()
        assert await line.hear_texts(2) == ["1", "2"]
        assert t.live.core.outbox.counters.items_unsendable == 1
    assert "ToolResponse cannot be sent: TypeError" in caplog.text


async def test_leaving_waits_for_what_is_being_written_but_not_for_ever(
    gemini: ScriptedGemini, trusted: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_link, "LAST_SEND_LIMIT_S", 0.1)
    async with relay(gemini.port) as between, talk(endpoint(between.port, trusted)) as t:
        line = await gemini.line()
        await line.say(says("x"), go_away("5.3s"))
        await t.until_event(GoAway(5.3))
        between.freeze()
        large = (("image/png", bytes(6 << 20)),)
        for name in ("1", "2"):
            t.live.send(Turns(large, name, complete=False))
        await t.until_end()
        between.cut()
        between.thaw()
        second = await gemini.line()
        content = (await second.hear())["client_content"]
        assert content["turns"][0]["parts"][1] == {"text": "1"}


async def test_there_is_a_bound_to_what_waits(gemini: ScriptedGemini) -> None:
    gemini.refusal = (503, "busy")
    async with talk(gemini.endpoint) as t:
        accepted = [t.live.send(RealtimeText("x")) for _ in range(ITEM_LIMIT + 5)]
        assert accepted.count(True) == ITEM_LIMIT


async def test_the_fault_that_says_most_is_told(gemini: ScriptedGemini) -> None:
    """Reading and writing fail together; whichever is first."""
    async with talk(gemini.endpoint) as t:
        line = await gemini.line()
        t.say(*("x" for _ in range(50)))
        await line.hear_texts(1)
        await line.close(1007, "API key not valid.")
        await t.ended()
        assert t.statuses[-1][0] is FAILED


SEED = Seed((types.Content(role="user", parts=[types.Part(text="before")]),), complete=True)


async def test_a_fresh_session_is_told_what_was_before(gemini: ScriptedGemini) -> None:
    async with talk(gemini.endpoint, SEED) as t:
        t.say("1")
        line = await gemini.line()
        content = (await line.hear())["client_content"]
        assert content["turns"] == [{"parts": [{"text": "before"}], "role": "user"}]
        assert content["turnComplete"] is True
        assert await line.hear_texts(1) == ["1"]
        await line.say(handle("h"))
        await t.until_event(HandleUpdate("h", None))
        line.break_off()
        line = await gemini.line()
        t.say("2")
        assert "realtime_input" in await line.hear(), "a session that is resumed knows it"
        await line.close(1008, "BidiGenerateContent session not found")
        line = await gemini.line()
        assert "client_content" in await line.hear(), "the next one is fresh"


async def test_a_seed_that_finds_no_room_does_not_hold_up_the_opening_for_ever(
    gemini: ScriptedGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(link, "OPEN_LIMIT_S", 0.5)
    monkeypatch.setattr(LiveConnection, "seed", never)
    async with talk(gemini.endpoint, SEED) as t:
        await t.until_status(CONNECTING, CONNECTING)
