"""A Gemini that says and hears what a test tells it, through a line that a test can cut.

For what the emulator does not do: late media, garbage, ends without a word.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from processors.gemini.client import Endpoint
from tests.processors.gemini.live_server import Certificate

LIMIT_S = 10.0
Message = dict[str, Any]

PCM = bytes(480 * 2)
INTERRUPTED: Message = {"serverContent": {"interrupted": True}}
GENERATED: Message = {"serverContent": {"generationComplete": True}}
TURN_END: Message = {"serverContent": {"turnComplete": True}}


def says(text: str) -> Message:
    return {"serverContent": {"outputTranscription": {"text": text}}}


def hears(text: str) -> Message:
    return {"serverContent": {"inputTranscription": {"text": text}}}


def sounds() -> Message:
    blob = {"mimeType": "audio/pcm;rate=24000", "data": base64.b64encode(PCM).decode()}
    return {"serverContent": {"modelTurn": {"parts": [{"inlineData": blob}]}}}


def handle(name: str | None) -> Message:
    if name is None:
        return {"sessionResumptionUpdate": {"resumable": False}}
    return {"sessionResumptionUpdate": {"newHandle": name, "resumable": True}}


def go_away(time_left: str) -> Message:
    return {"goAway": {"timeLeft": time_left}}


class Line:
    """One connection, after its setup."""

    def __init__(self, connection: ServerConnection, setup: Message) -> None:
        self.setup = setup
        self._connection = connection

    async def say(self, *messages: Message) -> None:
        for message in messages:
            await self._connection.send(json.dumps(message).encode())

    async def say_raw(self, data: bytes | str) -> None:
        await self._connection.send(data)

    async def hear(self) -> Message:
        """The next message of the client."""
        async with asyncio.timeout(LIMIT_S):
            message: Message = json.loads(await self._connection.recv())
        return message

    async def hear_texts(self, count: int) -> list[str]:
        """The next realtime texts, whatever is between them."""
        texts: list[str] = []
        while len(texts) < count:
            text = (await self.hear()).get("realtime_input", {}).get("text")
            texts += [text] if text is not None else []
        return texts

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self._connection.close(code, reason)

    def break_off(self) -> None:
        """The network goes, without a word."""
        self._connection.transport.abort()

    async def ended(self) -> int | None:
        """The close code, once the client is gone."""
        async with asyncio.timeout(LIMIT_S):
            await self._connection.wait_closed()
        return self._connection.close_code


class ScriptedGemini:
    """Answers setups while `answers`, else not at all, or with a close (`closes_with`).

    Refuses upgrades with `refusal` (status, words).
    """

    def __init__(self) -> None:
        self.answers = True
        self.closes_with: tuple[int, str] | None = None
        self.refusal: tuple[int, str] | None = None
        self.attempts = 0
        self.endpoint = Endpoint()
        self.port = 0
        self._lines: asyncio.Queue[Line] = asyncio.Queue()

    async def line(self) -> Line:
        """The next connection that is set up."""
        async with asyncio.timeout(LIMIT_S):
            return await self._lines.get()

    @property
    def has_line(self) -> bool:
        return not self._lines.empty()

    def upgrade(self, connection: ServerConnection, _request: Request) -> Response | None:
        self.attempts += 1
        if self.refusal is None:
            return None
        status, words = self.refusal
        return connection.respond(HTTPStatus(status), words)

    async def serve(self, connection: ServerConnection) -> None:
        message = json.loads(await connection.recv())
        if self.closes_with is not None:
            await connection.close(*self.closes_with)
        elif self.answers:
            await connection.send(b'{"setupComplete":{}}')
            self._lines.put_nowait(Line(connection, message["setup"]))
        await connection.wait_closed()


@asynccontextmanager
async def scripted_gemini(certificate: Certificate) -> AsyncIterator[ScriptedGemini]:
    """Listens on a free port of the loopback interface."""
    gemini = ScriptedGemini()
    async with (
        _clients_may_turn_away(),
        serve(
            gemini.serve,
            "127.0.0.1",
            0,
            ssl=certificate.server,
            process_request=gemini.upgrade,
            max_size=None,
            max_queue=None,
            compression=None,
        ) as server,
    ):
        gemini.port = next(iter(server.sockets)).getsockname()[1]
        gemini.endpoint = endpoint(gemini.port, certificate)
        yield gemini


@asynccontextmanager
async def _clients_may_turn_away() -> AsyncIterator[None]:
    """asyncio complains to the loop when a client leaves in the middle of a TLS handshake."""
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()

    def hear(loop: asyncio.AbstractEventLoop, context: Message) -> None:
        turned_away = isinstance(context.get("exception"), ConnectionResetError)
        if turned_away and "incoming connection" in context["message"]:
            return
        if before is not None:
            before(loop, context)

    loop.set_exception_handler(hear)
    try:
        yield
    finally:
        loop.set_exception_handler(before)


def endpoint(port: int, certificate: Certificate) -> Endpoint:
    return Endpoint(f"https://127.0.0.1:{port}", api_key="key", tls=certificate.client)


class Relay:
    """Passes bytes between a client and a server, until it is frozen or cut."""

    def __init__(self) -> None:
        self.port = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()

    def freeze(self) -> None:
        """Nothing passes any more, and nobody is told."""
        self._flowing.clear()

    def thaw(self) -> None:
        self._flowing.set()

    def cut(self) -> None:
        """All connections break; new ones are possible."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def serve(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server_port: Callable[[], int],
    ) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", server_port())
        self._writers |= {writer, there_writer}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, there_writer))
                group.create_task(self._pass_on(there_reader, writer))
        except* OSError:
            pass
        finally:
            for each in (writer, there_writer):
                self._writers.discard(each)
                each.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def relay(server_port: int) -> AsyncIterator[Relay]:
    between = Relay()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await between.serve(reader, writer, lambda: server_port)

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    between.port = server.sockets[0].getsockname()[1]
    try:
        yield between
    finally:
        between.thaw()
        between.cut()
        server.close()
        await server.wait_closed()
