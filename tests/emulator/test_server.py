import asyncio
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from emulator.options import Options
from emulator.senses import standard_senses
from emulator.server import EmulatorServer
from tests.emulator.emulator_process import RunningEmulator, running_emulator

SERVICE = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
KEY = {"x-goog-api-key": "good"}
IMAGES = "/v1beta/models/gemini-nano-banana-2.1:generateContent"
IMAGES_STREAMED = "/v1beta/models/gemini-nano-banana-2.1:streamGenerateContent"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = tmp_path_factory.mktemp("emulator")
    keys = ("--api-key", "good", "--api-key", "invalid-by-its-looks-only")
    with running_emulator(folder, *keys) as running:
        yield running


async def ask(
    emulator: RunningEmulator,
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
    body: object = None,
) -> tuple[int, Any]:
    """Status and decoded body."""
    url, context = emulator.base_url + path, emulator.context
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, ssl=context, headers=headers, json=body) as answer,
    ):
        text = await answer.text()
        return answer.status, json.loads(text) if text.startswith(("{", "[")) else text


async def test_tokens_are_made_under_any_version(emulator: RunningEmulator) -> None:
    for path in ("/v1alpha/auth_tokens", "/prefix//v1beta/auth_tokens"):
        status, body = await ask(emulator, "POST", path, KEY, {"uses": 1})
        assert status == 200
        assert body["name"].startswith("auth_tokens/")


@pytest.mark.parametrize(
    ("headers", "body", "status", "name"),
    [
        (KEY, {"uses": -1}, 400, "INVALID_ARGUMENT"),
        ({"x-goog-api-key": "bad"}, {}, 400, "INVALID_ARGUMENT"),
        ({}, {}, 403, "PERMISSION_DENIED"),
        ({"Authorization": "Token auth_tokens/x"}, {}, 403, "PERMISSION_DENIED"),
    ],
)
async def test_wrong_requests_have_googles_errors(
    emulator: RunningEmulator, headers: dict[str, str], body: object, status: int, name: str
) -> None:
    got, answer = await ask(emulator, "POST", "/v1beta/auth_tokens", headers, body)
    assert (got, answer["error"]["code"], answer["error"]["status"]) == (status, status, name)


@pytest.mark.parametrize("path", ["/v1beta/auth_tokens", IMAGES, IMAGES_STREAMED])
async def test_every_door_asks_for_a_credential(emulator: RunningEmulator, path: str) -> None:
    status, answer = await ask(emulator, "POST", path, {"x-goog-api-key": "bad"}, {})
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert answer["error"]["message"] == "API key not valid. Please pass a valid API key."
    assert answer["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    for headers in ({}, {"Authorization": "Basic x"}):
        status, answer = await ask(emulator, "POST", path, headers, {})
        assert (status, answer["error"]["status"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    "headers",
    [KEY, {"x-goog-api-key": "invalid-by-its-looks-only"}, {"Authorization": "Bearer anything"}],
)
async def test_who_may_draw(emulator: RunningEmulator, headers: dict[str, str]) -> None:
    body = {"contents": [{"parts": [{"text": "only text please"}]}]}
    for path in (IMAGES, IMAGES_STREAMED):
        assert (await ask(emulator, "POST", path, headers, body))[0] == 200


async def test_a_body_that_is_no_json_is_refused(emulator: RunningEmulator) -> None:
    headers = {**KEY, "content-type": "text/plain"}
    assert (await ask(emulator, "POST", "/v1beta/auth_tokens", headers))[0] == 400


async def test_elsewhere_is_nothing(emulator: RunningEmulator) -> None:
    for path in ("/", SERVICE, "/emulator/sessions/0/audio"):
        assert (await ask(emulator, "GET", path))[0] == 404
    assert await ask(emulator, "GET", "/emulator/sessions") == (200, [])


async def test_closing_says_goodbye_to_every_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The clients answer the close, so none of the limits is waited for.
    monkeypatch.setattr("emulator.live_socket.CLOSE_TIME_LIMIT_S", 600.0)
    monkeypatch.setattr("emulator.server.SHUTDOWN_TIME_LIMIT_S", 600.0)
    server = EmulatorServer(Options(), standard_senses(None))
    port, certificate = await server.start("127.0.0.1", 0, tmp_path)
    assert certificate == tmp_path / "ca.pem"
    context = ssl.create_default_context(cafile=str(certificate))
    url = f"wss://127.0.0.1:{port}{SERVICE}"
    connecting = connect(url, ssl=context, additional_headers=KEY, ping_interval=None)
    waiting = connect(url, ssl=context, additional_headers=KEY, ping_interval=None)
    async with connecting as talking, waiting as silent:
        await talking.send('{"setup": {"model": "models/gemini-3.8-live"}}')
        await talking.recv()
        async with asyncio.timeout(30):
            await server.close()
        for socket in (talking, silent):
            async with asyncio.timeout(5):
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
            assert socket.close_code == 1001
    await server.close()


async def test_a_failed_start_leaves_nothing_open(
    emulator: RunningEmulator, tmp_path: Path
) -> None:
    port = int(emulator.base_url.rpartition(":")[2])
    server = EmulatorServer(Options(), standard_senses(None))
    with pytest.raises(OSError, match="address already in use"):
        await server.start("127.0.0.1", port, tmp_path)
    await server.close()
