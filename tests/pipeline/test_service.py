"""The whole service in this process, with its own emulator, over real HTTP."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import google.auth
import pytest
from google import genai
from google.auth.exceptions import GoogleAuthError

import pipeline.service
from pipeline.service import Running, StartFailed, serving, talks_to
from pipeline.settings import load
from processors.gemini.client import Endpoint, make_client
from processors.tools import ToolUnusable
from tests.pipeline.own_certificate import write_certificate

EVERYTHING = {
    "EASEL_PORT": "0",
    "EASEL_ICE_HOSTS": "127.0.0.1",
}
# Nothing listens there, and nothing is asked before a room is opened.
WITHOUT_EMULATOR = {**EVERYTHING, "GEMINI_API_KEY": "for-tests"}


@asynccontextmanager
async def service(**environment: str) -> AsyncIterator[tuple[Running, aiohttp.ClientSession]]:
    settings = load({**WITHOUT_EMULATOR, **environment})
    async with serving(settings) as running, aiohttp.ClientSession(running.url) as http:
        yield running, http


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK reads the environment itself."""
    monkeypatch.setenv("GEMINI_API_KEY", "for-tests")


async def test_it_listens_and_is_ready() -> None:
    async with service() as (running, http):
        assert running.url.startswith("http://127.0.0.1:")
        for path in ("/healthz", "/readyz", "/metrics", "/"):
            async with http.get(path) as response:
                assert response.status == 200, path
        async with http.get("/metrics") as response:
            assert "easel_rooms_opened_total 0.0" in await response.text()


async def test_behind_a_proxy_it_shows_the_address_there() -> None:
    environment = {**WITHOUT_EMULATOR, "EASEL_PUBLIC_URL": "https://example.org/easel/"}
    async with serving(load(environment)) as running:
        assert running.url == "https://example.org/easel"


async def test_rooms_are_opened_as_the_settings_say_and_end_with_it() -> None:
    limits = {"EASEL_MAX_ROOMS": "2", "EASEL_STUN_URLS": "stun:stun.example.org:3478"}
    async with service(**limits) as (running, http):
        for status in (200, 200, 503):
            async with http.post("/start", json={}) as response:
                assert response.status == status
                told = await response.json()
                if status == 200:
                    servers = told["iceConfig"]["iceServers"]
                    assert servers == [{"urls": ["stun:stun.example.org:3478"]}]
        assert len(running.registry) == 2
    assert len(running.registry) == 0
    assert b"easel_rooms_opened_total 2.0" in running.metrics.text()


async def test_without_a_key_it_brings_its_own_gemini(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMINI_API_KEY")
    async with serving(load(EVERYTHING)) as running:
        assert running.talks_to == "its own emulator, not to Gemini: no API key is set"
        async with aiohttp.ClientSession(running.url) as http, http.get("/readyz") as response:
            assert response.status == 200


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "its own emulator, not to Gemini: no API key is set"),
        (
            {"GEMINI_API_KEY": "k", "EASEL_GEMINI": "emulator"},
            "its own emulator, not to Gemini, as it was told to",
        ),
        ({"GEMINI_API_KEY": "k"}, "the Gemini API"),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "true"}, "Gemini on Vertex AI"),
    ],
)
def test_it_says_what_it_talks_to(environment: dict[str, str], words: str) -> None:
    assert talks_to(load(environment)) == words


VERTEX = {
    "GOOGLE_GENAI_USE_VERTEXAI": "true",
    "GOOGLE_CLOUD_PROJECT": "my-project",
    "GOOGLE_CLOUD_LOCATION": "us-central1",
}


async def test_on_vertex_ai_the_image_model_may_be_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []

    def watched(
        endpoint: Endpoint, *, vertex: bool, location: str | None = None, tap: object = None
    ) -> genai.Client:
        client = make_client(endpoint, vertex=vertex, location=location)
        made.append((bool(client.vertexai), location))
        return client

    monkeypatch.setattr(pipeline.service, "make_client", watched)
    for name, value in VERTEX.items():
        monkeypatch.setenv(name, value)
    for environment in ({}, {"EASEL_VERTEX_IMAGE_LOCATION": "global"}):
        async with serving(load({**EVERYTHING, **VERTEX, **environment})) as running:
            assert running.talks_to == "Gemini on Vertex AI"
    of_live = of_images = (True, None)
    assert made == [of_live, of_images, of_live, (True, "global")]


async def test_without_a_login_to_vertex_ai_it_says_so_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_login(**_: object) -> None:
        raise GoogleAuthError("no credentials")  # type: ignore[no-untyped-call]  # it has no types

    monkeypatch.delenv("GEMINI_API_KEY")
    monkeypatch.setattr(google.auth, "default", no_login)
    with pytest.raises(StartFailed, match="Gemini cannot be reached: no credentials"):
        async with serving(load({**EVERYTHING, "GOOGLE_GENAI_USE_VERTEXAI": "true"})):
            pass


@pytest.mark.parametrize(
    ("host", "shown"), [("0.0.0.0", "localhost"), ("::1", "[::1]"), ("localhost", "localhost")]
)
async def test_the_address_it_shows_can_be_opened(host: str, shown: str) -> None:
    if host == "::1" and not _has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    async with service(EASEL_HOST=host) as (running, http):
        assert running.url.rpartition(":")[0] == f"http://{shown}"
        async with http.get("/healthz") as response:
            assert response.status == 200


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartFailed) as told:
            async with service(EASEL_PORT=str(port)):
                pass
    assert str(told.value) == (f"cannot listen on 127.0.0.1, port {port}: Address already in use")


async def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(StartFailed, match="cannot listen on 192.0.2.1, port 0: Cannot assign"):
        async with service(EASEL_HOST="192.0.2.1"):
            pass


async def test_with_a_certificate_it_serves_https(tmp_path: Path) -> None:
    files = write_certificate(tmp_path)
    async with service(**files.environment) as (running, http):
        assert running.url.startswith("https://127.0.0.1:")
        trusted = ssl.create_default_context(cafile=files.certificate)
        async with http.get("/healthz", ssl=trusted) as response:
            assert response.status == 200


@pytest.mark.parametrize("how", ["missing", "garbage", "not a pair", "with a password"])
async def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path, how: str) -> None:
    files = write_certificate(tmp_path, password=b"pass" if how == "with a password" else None)
    match how:
        case "missing":
            files.key.unlink()
        case "garbage":
            files.certificate.write_text("no certificate")
        case "not a pair":
            key = files.key.read_bytes()
            write_certificate(tmp_path)
            files.key.write_bytes(key)
    with pytest.raises(StartFailed, match="the certificate of EASEL_TLS_CERT and EASEL_TLS_KEY"):
        async with service(**files.environment):
            pass


@pytest.mark.parametrize("module", ["nowhere.at_all", "tests.pipeline.bad_tools"])
async def test_tools_that_cannot_be_used_are_found_at_start(module: str) -> None:
    with pytest.raises(ToolUnusable):
        async with service(EASEL_TOOLS_MODULE=module):
            pass


PRICED = '{"gemini-2.5-*": {"input": {"audio": 3}, "output": {"audio": 12}}}'


async def test_prices_come_from_a_file_and_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(PRICED)
    budget = {
        "EASEL_MODEL": "gemini-2.5-flash-native-audio-latest",
        "EASEL_BUDGET_MAX_COST": "1",
    }
    async with service(**budget, EASEL_PRICES_FILE=str(file)):
        pass
    async with service(**budget, EASEL_PRICES=PRICED):
        pass
    with pytest.raises(StartFailed, match="live.model has no price"):
        async with service(**budget):
            pass


@pytest.mark.parametrize("text", [None, b"{", b'{"m": {"in": {}}}', b'"\xff"'])
async def test_prices_that_cannot_be_used_are_found_at_start(
    tmp_path: Path, text: bytes | None
) -> None:
    file = tmp_path / "prices.json"
    if text is not None:
        file.write_bytes(text)
    with pytest.raises(StartFailed, match="EASEL_PRICES_FILE cannot be"):
        async with service(EASEL_PRICES_FILE=str(file)):
            pass


async def test_a_request_under_way_does_not_hold_up_the_end() -> None:
    loop = asyncio.get_running_loop()
    async with service() as (running, http):
        host, _, port = running.url.rpartition("//")[2].partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /start HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        async with http.get("/healthz"):
            begun = loop.time()
    assert loop.time() - begun < 3.0
    writer.close()
    await writer.wait_closed()


async def test_the_wire_log_is_begun_and_ended_with_the_service(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "wire.jsonl"
    async with service(EASEL_WIRE_LOG=str(path), EASEL_WIRE_LOG_TEXTS="true"):
        assert "keeps what people say" in caplog.text
    assert '"texts":true' in path.read_text()


async def test_a_wire_log_that_cannot_be_written_is_said_at_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartFailed, match="EASEL_WIRE_LOG cannot be written: "):
        async with service(EASEL_WIRE_LOG=str(tmp_path / "file" / "folder")):
            pass
