"""How the client opens and closes connections, and what it makes of their ends."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import google.auth.exceptions
import pytest
from google import genai
from google.genai import types

from processors.gemini.client import (
    Endpoint,
    Unsendable,
    connect,
    make_client,
)
from processors.gemini.errors import (
    ConfigurationFault,
    ContextFault,
    GeminiError,
    QuotaFault,
    TransientFault,
)
from processors.gemini.outbox import (
    RealtimeText,
    ToolResponse,
    Turns,
)
from processors.gemini.seed import Seed
from tests.processors.gemini.connections import client_for, connected
from tests.processors.gemini.live_server import Certificate, make_certificate
from tests.processors.gemini.scripted_gemini import (
    ScriptedGemini,
    endpoint,
    relay,
)

MODEL = "gemini-3.8-live"
LIMIT_S = 10.0
PCM = bytes(range(256))


CLOSES = [
    (1007, "API key not valid. Please pass a valid API key.", ConfigurationFault),
    (1008, "models/x is not found for API version v1beta, or is not", ConfigurationFault),
    (1007, "Request contains an invalid argument.", ContextFault),
    (1008, "BidiGenerateContent session not found", ContextFault),
    (1011, "RESOURCE_EXHAUSTED: Maximum concurrent sessions", QuotaFault),
    (1011, "Internal error encountered.", TransientFault),
    (1000, "", TransientFault),
]


@pytest.mark.parametrize(("code", "reason", "kind"), CLOSES)
async def test_a_close_is_told_apart_by_its_reason(
    gemini: ScriptedGemini, code: int, reason: str, kind: type[GeminiError]
) -> None:
    async with connected(gemini) as (connection, line):
        await line.close(code, reason)
        for ending in (connection.receive(), connection.send(RealtimeText("hello"))):
            with pytest.raises(GeminiError) as caught:
                await ending
            assert type(caught.value) is kind
            assert (caught.value.code, caught.value.reason) == (code, reason)


@pytest.mark.parametrize(("code", "reason", "kind"), CLOSES)
async def test_so_is_a_close_instead_of_an_answer_to_the_setup(
    gemini: ScriptedGemini, code: int, reason: str, kind: type[GeminiError]
) -> None:
    gemini.closes_with = (code, reason)
    async with client_for(gemini.endpoint) as client:
        with pytest.raises(GeminiError) as caught:
            async with connect(client, MODEL, types.LiveConnectConfig()):
                pass
    assert type(caught.value) is kind
    assert caught.value.reason == reason


async def test_a_line_that_breaks_is_nobodys_fault(gemini: ScriptedGemini) -> None:
    async with connected(gemini) as (connection, line):
        line.break_off()
        for ending in (connection.receive(), connection.send(RealtimeText("hello"))):
            with pytest.raises(TransientFault):
                await ending


async def test_an_error_may_come_as_a_message(gemini: ScriptedGemini) -> None:
    async with connected(gemini) as (connection, line):
        await line.say({"code": 429, "message": "Slow down, please.", "status": "X"})
        with pytest.raises(QuotaFault, match="429 Slow down, please."):
            await connection.receive()


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (403, '{"error": {"message": "denied"}}', ConfigurationFault),
        (429, "", QuotaFault),
        (503, "try later", TransientFault),
        (400, "API key not valid", ConfigurationFault),
    ],
)
async def test_the_upgrade_may_be_refused(
    gemini: ScriptedGemini, status: int, words: str, kind: type[GeminiError]
) -> None:
    gemini.refusal = (status, words)
    async with client_for(gemini.endpoint) as client:
        with pytest.raises(kind) as caught:
            async with connect(client, MODEL, types.LiveConnectConfig()):
                pass
    assert caught.value.code == status
    assert words in caught.value.reason


async def test_nobody_may_be_there(trusted: Certificate, unused_tcp_port: int) -> None:
    async with client_for(endpoint(unused_tcp_port, trusted)) as client:
        with pytest.raises(TransientFault):
            async with connect(client, MODEL, types.LiveConnectConfig()):
                pass


@contextmanager
def stranger(certificate: Certificate) -> Iterator[int]:
    """A server in a thread: asyncio's own would complain of a client that turns away."""
    listener = socket.create_server(("127.0.0.1", 0))

    def meet() -> None:
        plain, _ = listener.accept()
        with suppress(OSError), certificate.server.wrap_socket(plain, server_side=True) as secure:
            secure.recv(1)

    thread = threading.Thread(target=meet)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join(LIMIT_S)
        listener.close()


async def test_a_stranger_is_not_trusted(trusted: Certificate, tmp_path: Path) -> None:
    with stranger(make_certificate(tmp_path)) as port:
        async with client_for(endpoint(port, trusted)) as client:
            with pytest.raises(ConfigurationFault, match="certificate"):
                async with connect(client, MODEL, types.LiveConnectConfig()):
                    pass


async def test_what_the_sdk_refuses_to_ask_for_is_our_fault(gemini: ScriptedGemini) -> None:
    config = types.LiveConnectConfig(http_options=types.HttpOptions(timeout=1))
    async with client_for(gemini.endpoint) as client:
        with pytest.raises(ConfigurationFault, match="only supports"):
            async with connect(client, MODEL, config):
                pass
    assert gemini.attempts == 0


@pytest.mark.parametrize(
    ("error", "retryable", "kind"),
    [
        ("DefaultCredentialsError", False, ConfigurationFault),
        ("RefreshError", False, ConfigurationFault),
        ("RefreshError", True, TransientFault),
        ("TransportError", False, TransientFault),
    ],
)
async def test_credentials_of_vertex_may_be_missing(
    monkeypatch: pytest.MonkeyPatch, error: str, retryable: bool, kind: type[GeminiError]
) -> None:
    def fail(**_: object) -> None:
        raise getattr(google.auth.exceptions, error)("words", retryable=retryable)

    monkeypatch.setattr(google.auth, "default", fail)
    client = genai.Client(vertexai=True, project="p", location="us-central1")
    with pytest.raises(kind):
        async with connect(client, MODEL, types.LiveConnectConfig()):
            pass
    client.close()


async def test_what_cannot_be_sent_leaves_the_connection_alone(gemini: ScriptedGemini) -> None:
    async with connected(gemini) as (connection, line):
        with pytest.raises(Unsendable, match="ToolResponse"):
            await connection.send(ToolResponse("1", "draw", {"output": object()}))
        await connection.send(RealtimeText("hello"))
        assert await line.hear() == {"realtime_input": {"text": "hello"}}


async def test_a_seed_that_the_sdk_refuses_is_our_fault(gemini: ScriptedGemini) -> None:
    nonsense: Any = (object(),)
    async with connected(gemini) as (connection, line):
        with pytest.raises(ConfigurationFault):
            await connection.seed(Seed(nonsense, complete=True))
        await line.close(1011, "Internal error encountered.")
        with pytest.raises(TransientFault):
            await connection.seed(Seed((types.Content(role="user"),), complete=True))


async def test_what_is_used_of_the_socket_is_there_and_nothing_is_compressed(
    gemini: ScriptedGemini,
) -> None:
    async with connected(gemini) as (connection, _):
        socket = connection._socket
        assert socket.protocol.extensions == []
        assert socket.send_in_progress is None
        for inner in (socket.protocol.send_text, socket.send_data, socket.drain):
            assert callable(inner)


async def test_leaving_closes_politely(gemini: ScriptedGemini) -> None:
    async with connected(gemini) as (_, line):
        pass
    assert await line.ended() == 1000


async def test_leaving_does_not_wait_for_ever(gemini: ScriptedGemini, trusted: Certificate) -> None:
    async with (
        relay(gemini.port) as between,
        client_for(endpoint(between.port, trusted)) as client,
    ):
        began = asyncio.get_running_loop().time()
        async with connect(client, MODEL, types.LiveConnectConfig()):
            between.freeze()
        took = asyncio.get_running_loop().time() - began
        assert took < LIMIT_S


async def test_leaving_does_not_wait_for_what_is_being_written_either(
    gemini: ScriptedGemini, trusted: Certificate
) -> None:
    large = Turns((("image/png", bytes(6 << 20)),), "", complete=True)
    async with (
        relay(gemini.port) as between,
        client_for(endpoint(between.port, trusted)) as client,
    ):
        loop = asyncio.get_running_loop()
        async with connect(client, MODEL, types.LiveConnectConfig()) as connection:
            between.freeze()
            await connection.send(large)  # asyncio's TLS holds back only those that follow
            writing = asyncio.create_task(connection.send(large))
            _, pending = await asyncio.wait({writing}, timeout=0.2)
            assert pending
            began = loop.time()
        assert loop.time() - began < LIMIT_S
        done, _ = await asyncio.wait({writing}, timeout=LIMIT_S / 2)
        assert done, "the line was given up, which would have broken later by itself"
        writing.exception()


async def test_an_exception_within_comes_out_as_it_is(gemini: ScriptedGemini) -> None:
    with pytest.raises(KeyError, match="ours"):
        async with connected(gemini) as (connection, line):
            await line.say({"serverContent": {"interrupted": True}})
            await connection.receive()
            raise KeyError("ours")


def test_the_key_is_not_shown() -> None:
    assert "secret" not in repr(Endpoint("https://localhost", api_key="secret"))


@pytest.mark.parametrize("vertex", [False, True])
async def test_the_kind_of_service_is_chosen_by_us(vertex: bool) -> None:
    client = make_client(Endpoint(api_key="key"), vertex=vertex)
    assert bool(client.vertexai) is vertex
    client.close()


def test_the_sdks_own_variables_decide_where_nothing_else_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ConfigurationFault, match="key"):
        make_client(Endpoint(), vertex=False)
    monkeypatch.setenv("GEMINI_API_KEY", "key")
    make_client(Endpoint(), vertex=False).close()
