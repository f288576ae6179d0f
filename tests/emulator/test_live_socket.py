"""Raw websockets against the emulator: what browsers and broken clients send."""

import asyncio
import base64
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from emulator.closes import INVALID_ARGUMENT, NO_CREDENTIAL
from emulator.faults import parse_fault
from emulator.live_socket import MAX_MESSAGE_BYTES, LiveSocket
from emulator.options import Options
from emulator.senses import Mouth, Senses, standard_senses
from emulator.server import EmulatorServer
from tests.emulator.emulator_process import FAST, RunningEmulator, running_emulator
from tests.emulator.test_activity import silence, tone

SERVICE = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
VERTEX = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
SETUP = {"setup": {"model": "models/gemini-3.8-live"}}
KEY = {"x-goog-api-key": "key"}
LIMIT_S = 10.0


def open_socket(
    emulator: RunningEmulator, path: str = SERVICE, headers: dict[str, str] | None = None
) -> connect:
    url = emulator.base_url.replace("https", "wss") + path
    return connect(
        url, ssl=emulator.context, additional_headers=KEY if headers is None else headers
    )


async def receive(socket: ClientConnection) -> dict[str, Any]:
    """One server message; the frame must be binary."""
    async with asyncio.timeout(LIMIT_S):
        frame = await socket.recv()
    assert isinstance(frame, bytes)
    assert len(frame) < 2**20
    message: dict[str, Any] = json.loads(frame)
    return message


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """Read on until the server closes."""
    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(ConnectionClosed):
            while True:
                await socket.recv()
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or ""


async def ready(socket: ClientConnection, setup: dict[str, Any] = SETUP) -> None:
    await socket.send(json.dumps(setup))
    assert await receive(socket) == {"setupComplete": {}}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (SERVICE + "?key=key", {}),
        (SERVICE.replace("v1beta", "v1alpha"), KEY),
        (VERTEX, {"Authorization": "Bearer anything"}),
        ("/my/own/gateway", {}),
    ],
)
async def test_ways_in(emulator: RunningEmulator, path: str, headers: dict[str, str]) -> None:
    async with open_socket(emulator, path, headers) as socket:
        await ready(socket)


async def test_a_browsers_turn(emulator: RunningEmulator) -> None:
    """Camel case, the standard base64 alphabet, and frames of bytes, as browsers may send them."""
    detection = {"automaticActivityDetection": {"silenceDurationMs": 200}}
    setup = {"setup": {**SETUP["setup"], "realtimeInputConfig": detection}}
    async with open_socket(emulator) as socket:
        await ready(socket, setup)
        data = base64.b64encode(tone(0.4) + silence(0.4)).decode()
        assert "+" in data or "/" in data
        audio = {"audio": {"data": data, "mimeType": "audio/pcm;rate=16000"}}
        await socket.send(json.dumps({"realtimeInput": audio}).encode())
        kinds: list[str] = []
        while "turnComplete" not in kinds:
            kinds += (await receive(socket)).get("serverContent", {})
    assert kinds[-2:] == ["generationComplete", "turnComplete"]
    assert "modelTurn" in kinds


@pytest.mark.parametrize(
    ("headers", "frame", "code", "reason"),
    [
        ({}, json.dumps(SETUP), 1008, NO_CREDENTIAL.reason),
        (KEY, "{", 1007, INVALID_ARGUMENT.reason),
        (KEY, '{"realtimeInput": {"text": "hi"}}', 1007, INVALID_ARGUMENT.reason),
        (KEY, '{"config": {}}', 1007, 'Unknown name "config": Cannot find field.'),
        (
            KEY,
            '{"setup": {"bogusField": 1}}',
            1007,
            "Invalid JSON payload received. Unknown name \"bogusField\" at 'setup': Cannot find"
            " field.",
        ),
    ],
)
async def test_first_messages_that_are_refused(
    emulator: RunningEmulator, headers: dict[str, str], frame: str, code: int, reason: str
) -> None:
    async with open_socket(emulator, headers=headers) as socket:
        # The upgrade is always accepted; silence before the setup is no fault.
        await socket.send(frame)
        got = await closed(socket)
    assert got[0] == code
    assert got[1].endswith(reason)


@pytest.mark.parametrize("frame", ["{", b"\xff\xfe", '{"x": 1}', '{"realtimeInput": {"x": 1}}'])
async def test_garbage_closes_its_own_connection_only(
    emulator: RunningEmulator, frame: str | bytes
) -> None:
    async with open_socket(emulator) as other, open_socket(emulator) as socket:
        await ready(other)
        await ready(socket)
        await socket.send(frame)
        assert (await closed(socket))[0] == 1007
        await other.send('{"realtimeInput": {"text": "hello"}}')
        assert "serverContent" in await receive(other)


async def test_how_a_connection_ended_is_recorded(emulator: RunningEmulator) -> None:
    async with open_socket(emulator) as socket:
        await ready(socket)
        await socket.close(1000, "bye")
    ended = await _record(emulator)
    assert ended["close"] == {"code": 1000, "reason": "bye", "by": "client"}
    async with open_socket(emulator) as socket:
        await socket.send("{")
        await closed(socket)
    ended = await _record(emulator)
    assert ended["close"]["code"] == 1007
    assert ended["close"]["by"] == "server"


async def test_a_connection_that_breaks_is_over(emulator: RunningEmulator) -> None:
    async with open_socket(emulator) as socket:
        await ready(socket)
        socket.transport.abort()
        await socket.wait_closed()
    ended = await _record(emulator)
    assert ended["close"] == {"code": 1006, "reason": "", "by": "client"}
    assert ended["closed_at"] is not None


async def test_a_message_that_is_too_large_is_closed_by_the_emulator(
    emulator: RunningEmulator,
) -> None:
    async with open_socket(emulator) as socket:
        await ready(socket)
        await socket.send("x" * (MAX_MESSAGE_BYTES + 1))
        assert (await closed(socket))[0] == 1009
    ended = await _record(emulator)
    assert (ended["close"]["code"], ended["close"]["by"]) == (1009, "server")


async def test_pings_are_answered(emulator: RunningEmulator) -> None:
    async with open_socket(emulator) as socket:
        async with asyncio.timeout(LIMIT_S):
            await (await socket.ping())
            await socket.pong()
        await ready(socket)


async def test_pongs_can_be_late_while_the_talk_goes_on(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, Options(pong_delay_s=3600.0)) as (url, context):
        async with connect(url, ssl=context, additional_headers=KEY) as socket:
            pong = asyncio.ensure_future(await socket.ping())
            await ready(socket)
            await socket.send('{"realtimeInput": {"text": "hello"}}')
            assert "serverContent" in await receive(socket)
            assert not pong.done()
            pong.cancel()


async def test_a_drop_cuts_the_line_without_a_close(tmp_path: Path) -> None:
    options = Options(faults=(parse_fault("drop@answer=0"),))
    async with serving(tmp_path, options) as (url, context):
        async with connect(url, ssl=context, additional_headers=KEY) as socket:
            await ready(socket)
            await socket.send('{"realtimeInput": {"text": "hello"}}')
            async with asyncio.timeout(LIMIT_S):
                with pytest.raises(ConnectionClosed) as caught:
                    while True:
                        await socket.recv()
            assert caught.value.rcvd is None


@pytest.mark.parametrize(
    ("how", "frame"),
    [
        ("text", '{"serverContent": {"modelTurn": '),
        ("bytes", b"\xff\xfe\x00garbage"),
        ("empty", b""),
    ],
)
async def test_garbage_is_sent_as_it_is(tmp_path: Path, how: str, frame: str | bytes) -> None:
    options = Options(faults=(parse_fault(f"garbage,how={how}"),))
    async with serving(tmp_path, options) as (url, context):
        async with connect(url, ssl=context, additional_headers=KEY) as socket:
            await ready(socket)
            async with asyncio.timeout(LIMIT_S):
                assert await socket.recv() == frame


async def test_a_frame_may_be_larger_than_clients_read(tmp_path: Path) -> None:
    options = Options(faults=(parse_fault(f"big_frame,bytes={2**20 + 1}"),))
    async with serving(tmp_path, options) as (url, context):
        async with connect(url, ssl=context, additional_headers=KEY) as socket:
            await ready(socket)
            await socket.wait_closed()
            assert socket.protocol.close_sent is not None
            assert socket.protocol.close_sent.code == 1009


async def test_pongs_may_become_late(tmp_path: Path) -> None:
    options = Options(faults=(parse_fault("slow_pong@turn=1,s=3600"),))
    async with serving(tmp_path, options) as (url, context):
        async with connect(url, ssl=context, additional_headers=KEY) as socket:
            await ready(socket)
            async with asyncio.timeout(LIMIT_S):
                await (await socket.ping())
            await socket.send('{"realtimeInput": {"text": "hello"}}')
            assert "serverContent" in await receive(socket)
            pong = asyncio.ensure_future(await socket.ping())
            await socket.send('{"realtimeInput": {"text": "hello"}}')
            while "interrupted" not in (await receive(socket)).get("serverContent", {}):
                pass
            assert not pong.done()
            pong.cancel()


async def test_a_slow_reader_is_felt_by_the_client(tmp_path: Path) -> None:
    options = Options(faults=(parse_fault("slow_read,bytes_per_s=1000"),))
    async with serving(tmp_path, options) as (url, context):
        connecting = connect(url, ssl=context, additional_headers=KEY, compression=None)
        async with connecting as socket:
            await ready(socket)
            data = base64.b64encode(silence(10.0)).decode()
            audio = {"audio": {"data": data, "mimeType": "audio/pcm;rate=16000"}}
            frame = json.dumps({"realtimeInput": audio})
            # The second frame is read seven minutes after the first: nobody takes them all.
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.0):
                    while True:
                        await socket.send(frame)
            socket.transport.abort()


async def test_a_setup_may_hang_and_the_client_may_leave(tmp_path: Path) -> None:
    options = Options(faults=(parse_fault("hang_setup"),))
    async with serving(tmp_path, options) as (url, context):
        async with connect(url, ssl=context, additional_headers=KEY) as socket:
            await socket.send(json.dumps(SETUP))
            await (await socket.ping())
            await socket.close()
        async with connect(url, ssl=context, additional_headers=KEY) as socket:
            await ready(socket)


async def test_an_upgrade_may_be_refused(tmp_path: Path) -> None:
    options = Options(faults=(parse_fault("quota,how=upgrade"),))
    async with serving(tmp_path, options) as (url, context):
        with pytest.raises(InvalidStatus) as caught:
            await connect(url, ssl=context, additional_headers=KEY)
        assert caught.value.response.status_code == 429
        async with connect(url, ssl=context, additional_headers=KEY) as socket:
            await ready(socket)


async def test_a_refusal_on_purpose_is_in_the_record(tmp_path: Path) -> None:
    with running_emulator(tmp_path, *FAST, "--fault", "quota", "--handles", "live") as emulator:
        async with open_socket(emulator) as socket:
            await socket.send(json.dumps(SETUP))
            assert (await closed(socket))[1].startswith("You exceeded your current quota")
        [fault] = (await _record(emulator))["faults"]
        assert fault["kind"] == "quota"
        resumption: dict[str, Any] = {}
        setup = {"setup": {**SETUP["setup"], "sessionResumption": resumption}}
        async with open_socket(emulator) as socket:
            await ready(socket, setup)
            update = (await receive(socket))["sessionResumptionUpdate"]
            await socket.send('{"realtimeInput": {"text": "hello"}}')
            await receive(socket)
            await socket.close()
        first = await _record(emulator)
        resumption["handle"] = update["newHandle"]
        async with open_socket(emulator) as socket:
            await ready(socket, setup)
            await receive(socket)
        record = await _record(emulator)
        # Live handles know the end of the connection, not only its start.
        assert record["resumed_from"] == {"id": first["id"], "audio_samples": 0, "calls": 0}


async def test_a_stop_before_anything_was_read_is_a_goodbye_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(LiveSocket):
        async def run(self, *arguments: Any) -> Any:
            self.stop()
            return await super().run(*arguments)

    monkeypatch.setattr("emulator.server.LiveSocket", Stopped)
    async with serving(tmp_path) as (url, context):
        async with connect(url, ssl=context, additional_headers=KEY) as socket:
            assert await closed(socket) == (1001, "The emulator is shutting down.")


async def _record(emulator: RunningEmulator) -> dict[str, Any]:
    """The newest record, once its connection has ended."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        record = (await asyncio.to_thread(emulator.sessions))[-1]
        if record["close"] is not None or time.monotonic() > deadline:
            return record


class BrokenMouth:
    """A mouth that fails in a way nobody expected."""

    async def start(self) -> None:
        pass

    async def speak(self, text: str, *, voice: str, language: str) -> bytes:
        raise RuntimeError("no breath")

    async def close(self) -> None:
        pass


@contextlib.asynccontextmanager
async def serving(
    folder: Path, options: Options | None = None, mouth: Mouth | None = None
) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    """An emulator in this process: the Live door's URL, and what to trust."""
    whole = standard_senses(None)
    senses = Senses(mouth or whole.mouth, whole.ears, whole.new_eyes, whole.new_mind)
    server = EmulatorServer(options or Options(), senses)
    port, certificate = await server.start("127.0.0.1", 0, folder)
    try:
        context = ssl.create_default_context(cafile=str(certificate))
        yield f"wss://127.0.0.1:{port}{SERVICE}", context
    finally:
        await server.close()
        await server.close()


async def test_a_failure_of_the_emulator_itself_is_an_internal_error(tmp_path: Path) -> None:
    async with serving(tmp_path, mouth=BrokenMouth()) as (url, context):
        async with connect(url, ssl=context, additional_headers=KEY) as socket:
            await ready(socket)
            await socket.send('{"realtimeInput": {"text": "hello"}}')
            assert await closed(socket) == (1011, "Internal error encountered.")
