"""A written conversation, played by `easel emulator --scenario FILE` to the unmodified SDK."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google import genai
from google.genai import types
from google.genai.errors import APIError

from tests.emulator.emulator_process import FAST, running_emulator
from tests.emulator.sdk import answer, client_for, connected, speak, tools, until
from tests.emulator.test_activity import silence, tone

Play = Callable[[str], contextlib.AbstractContextManager[genai.Client]]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    @contextlib.contextmanager
    def playing(scenario: str) -> Iterator[genai.Client]:
        written = tmp_path / "talk.yaml"
        written.write_text(scenario)
        easel = ("-m", "pipeline", "emulator")
        arguments = (*FAST, "--scenario", str(written))
        with running_emulator(tmp_path, *arguments, program=easel) as emulator:
            client = client_for(emulator, monkeypatch)
            yield client
            client.close()

    return playing


async def test_a_conversation_with_a_call_and_a_close(play: Play) -> None:
    async def draw(call: types.FunctionCall) -> types.FunctionResponse:
        assert call.args == {"some_key": [1, None]}
        return types.FunctionResponse(id=call.id, name=call.name, response={"output": "ok"})

    scenario = """
    otherwise: silence
    steps:
      - {hear: hello, transcript: Hello there, after: 0.1, say: Good morning.}
      - {hear: draw, say: One moment., call: {name: draw, args: {some_key: [1, null]}}}
      - {result: draw, say: Here., words: twice}
      - {hear: crash, say: Oh no., close: {code: 4321, reason: as written}}
    """
    with play(scenario) as client:
        async with connected(client, tools=tools("BLOCKING")) as session:
            # A tone is no word for any ears: the transcript is the scenario's.
            await speak(session, tone(0.4) + silence(0.4))
            got = await answer(session)
            assert (got.heard, got.said) == ("Hello there", "Good morning.")
            await session.send_realtime_input(text="now draw, please")
            got = await answer(session, draw)
            assert got.said == "One moment. Here. Here."
            # What no step expects is answered by silence.
            await session.send_realtime_input(text="anything else")
            assert (await answer(session)).sound == b""
            await session.send_realtime_input(text="crash")
            with pytest.raises(APIError, match="4321.*as written"):
                await answer(session)


async def test_the_model_speaks_first_and_asks_to_go(play: Play) -> None:
    with play('steps: [{at: 0.1, say: "Are you still there?", go_away: 30}]') as client:
        async with connected(client) as session:
            got = await until(session, lambda message: message.go_away)
            notice = got.messages[-1].go_away
            assert notice is not None and notice.time_left == "30s"
            assert (await answer(session)).said == "Are you still there?"


async def test_a_poisoned_handle_kills_every_session_that_resumes_it(play: Play) -> None:
    with play("steps: [{hear: lose, say: Remember this., poison: true}]") as client:
        fresh = types.SessionResumptionConfig()
        async with connected(client, session_resumption=fresh) as session:
            await session.send_realtime_input(text="lose")
            assert (await answer(session)).said == "Remember this."
            got = await until(session, lambda message: message.session_resumption_update)
        for _ in range(2):
            handle = types.SessionResumptionConfig(handle=got.handles[-1])
            async with connected(client, session_resumption=handle) as session:
                got = await until(session, lambda message: message.session_resumption_update)
                await session.send_realtime_input(text="hello")
                with pytest.raises(APIError, match=r"1007.*Request contains an invalid argument"):
                    await answer(session)
