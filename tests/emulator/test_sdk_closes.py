"""How the unmodified SDK learns that the real emulator process refuses or closes."""

from pathlib import Path

import pytest
from google import genai
from google.genai import types
from google.genai.errors import APIError

from tests.emulator.emulator_process import RunningEmulator, running_emulator
from tests.emulator.sdk import MODEL, answer, client_for, connected, until

M31 = "gemini-3.1-flash-live-preview"
GENERATION = {"speech_config": {"voice_config": {"prebuilt_voice_config": {"voice_name": "Kore"}}}}
REFUSED: list[tuple[str, dict[str, object], int, str]] = [
    ("gemini-9", {}, 1008, "models/gemini-9 is not found for API version v1beta, or is not"),
    (MODEL, {"thinking_config": {"thinking_level": "LOW"}}, 1007, "Request contains an invalid"),
    (
        M31,
        {"response_modalities": ["TEXT"], **GENERATION},
        1007,
        "Cannot extract voices from a non-audio request.",
    ),
    (
        MODEL,
        {"session_resumption": {"handle": "bogus"}},
        1008,
        "BidiGenerateContent session not found",
    ),
    (
        MODEL,
        {"tools": [{"code_execution": {}}]},
        1008,
        "Operation is not implemented, or supported, or enabled.",
    ),
    (
        "gemini-2.5-flash-native-audio-latest",
        {"proactivity": {"proactive_audio": True}},
        1007,
        "Unknown name \"proactivity\" at 'setup': Cannot find field.",
    ),
]


@pytest.mark.parametrize(("model", "config", "code", "reason"), REFUSED)
async def test_refused_setups(
    client: genai.Client, model: str, config: dict[str, object], code: int, reason: str
) -> None:
    with pytest.raises(APIError) as caught:
        async with connected(client, model, **config):
            pass
    assert caught.value.code == code
    assert reason in str(caught.value)


async def test_an_invalid_key(emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_for(emulator, monkeypatch, key="invalid-key")
    with pytest.raises(APIError) as caught:
        async with connected(client):
            pass
    client.close()
    assert caught.value.code == 1007
    assert "API key not valid. Please pass a valid API key." in str(caught.value)


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        ("break internal", 1011, "Internal error encountered."),
        ("break unavailable", 1011, "The service is currently unavailable."),
        ("break deadline", 1011, "Deadline expired before operation could complete."),
    ],
)
async def test_faults_of_the_backend(
    client: genai.Client, words: str, code: int, reason: str
) -> None:
    async with connected(client) as session:
        await session.send_realtime_input(text=words)
        with pytest.raises(APIError) as caught:
            await answer(session)
    assert caught.value.code == code
    assert reason in str(caught.value)


async def test_an_activity_without_sound(client: genai.Client) -> None:
    config = {"automatic_activity_detection": {"disabled": True}}
    async with connected(client, realtime_input_config=config) as session:
        await session.send_realtime_input(activity_start=types.ActivityStart())
        await session.send_realtime_input(activity_end=types.ActivityEnd())
        got = await answer(session)
        assert got.contents[-1].turn_complete
        with pytest.raises(APIError, match=r"1007.*Precondition check failed\."):
            await answer(session)


async def test_more_sessions_than_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_emulator(tmp_path, "--max-sessions", "1") as emulator:
        client = client_for(emulator, monkeypatch)
        async with connected(client):
            with pytest.raises(APIError, match=r"1011.*RESOURCE_EXHAUSTED: Maximum concurrent se"):
                async with connected(client):
                    pass
        client.close()


async def test_goaway_then_the_close(client: genai.Client) -> None:
    async with connected(client) as session:
        await session.send_realtime_input(text="go away")
        got = await until(session, lambda message: message.go_away)
        notice = got.messages[-1].go_away
        assert notice is not None and notice.time_left == "0.2s"
        with pytest.raises(APIError) as caught:
            await until(session, lambda message: False)
    assert caught.value.code == 1008
    assert str(caught.value).count("Connection aborted because the client failed to close")
