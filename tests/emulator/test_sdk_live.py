"""The unmodified SDK holds conversations with the real emulator process."""

import asyncio
import importlib.util
import io
import json
import wave
from pathlib import Path

import pytest
from google import genai
from google.genai import types
from google.genai.errors import APIError

from emulator.voice import Voice
from tests.emulator.emulator_process import RunningEmulator, running_emulator
from tests.emulator.sdk import (
    ANSWER_LIMIT_S,
    LONG,
    MODEL,
    PCM_16K,
    answer,
    client_for,
    connected,
    speak,
    tools,
    until,
)
from tests.emulator.test_activity import silence, tone

M31 = "gemini-3.1-flash-live-preview"
ET = "gemini-3.8-live-extended-thinking"


async def test_a_text_turn(client: genai.Client) -> None:
    async with connected(client) as session:
        assert session.setup_complete is not None
        await session.send_realtime_input(text="hello")
        got = await answer(session)
    assert "emulator" in got.said
    assert len(got.sound) > 24_000
    last = got.messages[-1]
    assert last.server_content is not None and last.server_content.turn_complete
    assert last.usage_metadata is not None
    assert (last.usage_metadata.response_token_count or 0) > 0
    assert [c.generation_complete for c in got.contents].count(True) == 1


async def test_content_with_roles_is_answered(client: genai.Client) -> None:
    turns = [
        types.Content(role="user", parts=[types.Part(text="a question")]),
        types.Content(role="model", parts=[types.Part(text="an answer")]),
        types.Content(role="user", parts=[types.Part(text="parrots are grey")]),
    ]
    async with connected(client) as session:
        await session.send_client_content(turns=turns)  # type: ignore[arg-type]  # its list is invariant
        got = await answer(session)
    assert "parrots are grey" in got.said
    assert "question" not in got.said


@pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("pocketsphinx", "espeakng_loader")),
    reason="the emulator extra is not installed",
)
async def test_a_spoken_turn_is_heard_by_the_ears(client: genai.Client) -> None:
    voice = Voice()
    await voice.start()
    try:
        pcm = await voice.speak("what do you see", voice="Kore")
    finally:
        await voice.close()
    async with connected(client) as session:
        # The voice's own 24 kHz: the emulator resamples whatever the MIME type says.
        await speak(session, pcm + bytes(48_000), "audio/pcm;rate=24000")
        got = await answer(session)
    assert got.heard == "what do you see"
    assert "see nothing" in got.said


async def test_pictures_and_sound_are_counted(
    emulator: RunningEmulator, client: genai.Client
) -> None:
    async with connected(client) as session:
        await speak(session, silence(0.3) + tone(0.2))
        await session.send_realtime_input(
            video=types.Blob(data=b"\xff\xd8\xff\xe0" * 100, mime_type="image/jpeg")
        )
        await session.send_realtime_input(text="greet")
        await answer(session)
        record = emulator.sessions()[-1]
    assert record["model"] == f"models/{MODEL}"
    assert record["setup"]["generationConfig"]["responseModalities"] == ["AUDIO"]
    assert record["audio"]["seconds"] == pytest.approx(0.5)
    assert record["audio"]["mime_types"] == {PCM_16K: 13}
    assert record["video"]["frames"] == 1
    assert record["video"]["sizes"] == [400]
    assert record["texts"] == ["greet"]
    assert [turn["said"] for turn in record["turns"]] == ["Good day to you."]
    with wave.open(io.BytesIO(emulator.read(f"/emulator/sessions/{record['id']}/audio"))) as file:
        assert (file.getframerate(), file.getnchannels()) == (16000, 1)
        assert file.readframes(16000) == silence(0.3) + tone(0.2)


@pytest.mark.parametrize("model", [MODEL, M31, ET, "gemini-2.5-flash-native-audio-latest"])
async def test_a_tool_round_trip_on_every_profile(
    emulator: RunningEmulator, client: genai.Client, model: str
) -> None:
    calls: list[types.FunctionCall] = []

    async def run(call: types.FunctionCall) -> types.FunctionResponse:
        calls.append(call)
        return types.FunctionResponse(id=call.id, name=call.name, response={"some_key": [1]})

    async with connected(client, model, tools=tools()) as session:
        await session.send_realtime_input(text="draw")
        said = ""
        async with asyncio.timeout(ANSWER_LIMIT_S):
            while "ready" not in said:
                said += (await answer(session, run)).said
        record = emulator.sessions()[-1]
    assert said == "Your picture is ready."
    [call] = calls
    assert (call.name, call.args) == ("draw", {"some_key": 1})
    # The user's own JSON arrives as it was written.
    assert [(one["kind"], one["value"]) for one in record["calls"]] == [
        ("call", {"some_key": 1}),
        ("response", {"some_key": [1]}),
    ]


async def test_an_interruption_cancels_a_blocking_call(client: genai.Client) -> None:
    async with connected(client, tools=tools("BLOCKING")) as session:
        await session.send_realtime_input(text="draw")
        asked = await until(session, lambda message: message.tool_call)
        await session.send_realtime_input(text="greet")
        got = await until(session, lambda message: message.tool_call_cancellation)
        cancellation = got.messages[-1].tool_call_cancellation
        call = asked.messages[-1].tool_call
        assert cancellation is not None and call is not None and call.function_calls
        assert cancellation.ids == [call.function_calls[0].id]
        assert got.interrupted
        assert (await answer(session)).said == "Good day to you."


async def test_a_silent_result_is_followed_by_nothing(client: genai.Client) -> None:
    async def run(call: types.FunctionCall) -> types.FunctionResponse:
        return types.FunctionResponse(
            id=call.id,
            name=call.name,
            response={"output": "ok"},
            scheduling=types.FunctionResponseScheduling.SILENT,
            will_continue=False,
        )

    async with connected(client, tools=tools()) as session:
        await session.send_realtime_input(text="draw")
        assert (await answer(session, run)).said == ""
        await session.send_realtime_input(text="greet")
        assert (await answer(session)).said == "Good day to you."


@pytest.mark.parametrize(
    ("arguments", "generating"),
    [
        # The answer takes half a minute to leave …
        (("--speed", "0.7", "--hold", "0"), True),
        # … or leaves at once and is then played for as long.
        (("--speed", "1000", "--hold", "1"), False),
    ],
)
async def test_speech_interrupts_in_both_phases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], generating: bool
) -> None:
    scenario = tmp_path / "long.json"
    scenario.write_text(json.dumps({"steps": [{"hear": "long story", "say": LONG}]}))
    with running_emulator(tmp_path, *arguments, "--scenario", str(scenario)) as emulator:
        client = client_for(emulator, monkeypatch)
        async with connected(client) as session:
            await session.send_realtime_input(text="long story")
            got = await until(session, _sounds if generating else _is_generated)
            await speak(session, tone(0.3))
            got.messages += (await answer(session)).messages
        client.close()
        [turn] = emulator.sessions()[-1]["turns"]
    assert got.interrupted
    assert [one.generation_complete for one in got.contents].count(True) == (not generating)
    assert turn["interrupted"] and turn["interrupted_at"] > turn["first_output_at"]
    assert (turn["said"] == LONG) == (not generating)
    assert turn["said"] == got.said


def _sounds(message: types.LiveServerMessage) -> bool:
    return bool(message.data)


def _is_generated(message: types.LiveServerMessage) -> bool:
    content = message.server_content
    return content is not None and bool(content.generation_complete)


async def test_marked_activity(client: genai.Client) -> None:
    config = {"automatic_activity_detection": {"disabled": True}}
    async with connected(client, realtime_input_config=config) as session:
        await session.send_realtime_input(activity_start=types.ActivityStart())
        await speak(session, tone(0.3))
        await session.send_realtime_input(activity_end=types.ActivityEnd())
        got = await answer(session)
    kinds = [one.voice_activity for one in got.messages if one.voice_activity]
    assert [one.voice_activity_type for one in kinds if one] == [
        types.VoiceActivityType.ACTIVITY_START,
        types.VoiceActivityType.ACTIVITY_END,
    ]


async def test_a_session_is_resumed_from_its_handle(client: genai.Client) -> None:
    fresh = types.SessionResumptionConfig()
    async with connected(client, session_resumption=fresh, tools=tools()) as session:
        await session.send_realtime_input(text="draw")
        asked = await until(session, lambda message: message.tool_call)
        call = asked.messages[-1].tool_call
        assert call is not None and call.function_calls
        got = await until(session, _brings_handle)
        handle = types.SessionResumptionConfig(handle=got.handles[-1])
        with pytest.raises(APIError) as caught:
            async with connected(client, session_resumption=handle):
                pass
        assert caught.value.code == 1011
    async with connected(client, session_resumption=handle, tools=tools()) as session:
        # The call of the first connection is still known by its id.
        await session.send_tool_response(
            function_responses=types.FunctionResponse(
                id=call.function_calls[0].id, name="draw", response={"output": "ok"}
            )
        )
        assert (await answer(session)).said == "Your picture is ready."


def _brings_handle(message: types.LiveServerMessage) -> bool:
    update = message.session_resumption_update
    return update is not None and bool(update.resumable and update.new_handle)


async def test_tools_are_replaced_on_the_way(
    emulator: RunningEmulator, client: genai.Client
) -> None:
    async with connected(client) as session:
        await session.send_context_update(tools=[*tools()])
        await session.send_realtime_input(text="greet")
        assert (await answer(session)).said == "Good day to you."
    assert emulator.sessions()[-1]["messages"]["ContextUpdate"] == 1


async def test_extended_thinking_tells_its_thoughts(client: genai.Client) -> None:
    config = {"thinking_config": {"include_thoughts": True, "thinking_level": "LOW"}}
    async with connected(client, ET, **config) as session:
        await session.send_realtime_input(text="greet")
        got = await answer(session)
    parts = [p for c in got.contents if c.model_turn for p in c.model_turn.parts or []]
    assert any(part.thought and part.text for part in parts)
    status = got.contents[-1].interaction_status
    assert status == types.InteractionStatus.IDLE


async def test_twenty_sessions_at_once(client: genai.Client) -> None:
    async def talk() -> str:
        async with connected(client) as session:
            await session.send_realtime_input(text="greet")
            return (await answer(session)).said

    assert await asyncio.gather(*(talk() for _ in range(20))) == ["Good day to you."] * 20
