"""Other ways into the real emulator process for the unmodified SDK."""

import asyncio
from collections.abc import Callable

import pytest
from google import genai
from google.genai import types
from google.genai.errors import APIError

from tests.emulator.emulator_process import RunningEmulator
from tests.emulator.sdk import MODEL, answer, client_for, connected, tools


@pytest.mark.parametrize("suffix", ["/", "/some/prefix", "/some//prefix/"])
async def test_any_prefix_and_any_slashes(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    client = client_for(emulator, monkeypatch, suffix=suffix)
    async with connected(client) as session:
        assert session.setup_complete is not None
    client.close()


async def test_the_enterprise_platform(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(emulator.certificate))
    options = types.HttpOptions(base_url=emulator.base_url)
    client = genai.Client(vertexai=True, api_key="key", http_options=options)
    async with connected(client, tools=tools()) as session:
        await session.send_realtime_input(text="greet")
        got = await answer(session)
    client.close()
    assert got.said == "Good day to you."
    usage = got.messages[-1].usage_metadata
    assert usage is not None and (usage.response_token_count or 0) > 0
    assert emulator.sessions()[-1]["model"] == f"publishers/google/models/{MODEL}"


async def _constrained(client: genai.Client, make: Callable[[], object]) -> str:
    token = make()
    if asyncio.iscoroutine(token):
        token = await token
    assert isinstance(token, types.AuthToken) and token.name
    return token.name


@pytest.mark.filterwarnings("ignore::google.genai.errors.ExperimentalWarning")
@pytest.mark.parametrize("asynchronous", [True, False])
async def test_ephemeral_tokens(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch, asynchronous: bool
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(emulator.certificate))
    options = types.HttpOptions(base_url=emulator.base_url, api_version="v1alpha")
    client = genai.Client(api_key="key", http_options=options)
    config = types.CreateAuthTokenConfig.model_validate(
        {
            "uses": 1,
            "live_connect_constraints": {"model": MODEL, "config": {"temperature": 0.7}},
        }
    )
    if asynchronous:
        name = await _constrained(client, lambda: client.aio.auth_tokens.create(config=config))
        await client.aio.aclose()
    else:
        name = await _constrained(client, lambda: client.auth_tokens.create(config=config))
    client.close()
    holder = genai.Client(api_key=name, http_options=options)
    async with connected(holder, "gemini-locked-out") as session:
        assert session.setup_complete is not None
    record = emulator.sessions()[-1]
    assert record["model"] == f"models/{MODEL}"
    with pytest.raises(APIError) as caught:
        async with connected(holder):
            pass
    assert caught.value.code == 1007
    holder.close()
