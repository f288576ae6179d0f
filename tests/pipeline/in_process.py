"""The service in the test's own process, before a Gemini that is let in when the test says so."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiortc import RTCPeerConnection
from prometheus_client.parser import text_string_to_metric_families

from pipeline.room import Room
from pipeline.service import Running, serving
from pipeline.settings import load

LIMIT_S: Final = 30.0
SETTINGS: Final = {
    "EASEL_PORT": "0",
    "EASEL_ICE_HOSTS": "127.0.0.1",
    "EASEL_STORAGE": "memory",
    "GEMINI_API_KEY": "for-tests",
}


async def until(condition: Callable[[], object]) -> None:
    """Lets the loop turn until `condition`, with a bound."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110  # of things that have no event
            await asyncio.sleep(0)


class Gate:
    """Stands where Gemini is: takes connections, and passes them on once it is opened."""

    def __init__(self) -> None:
        self._target: int | None = None
        self._opened = asyncio.Event()
        self._passing: set[asyncio.Task[None]] = set()
        self.port = 0

    def open(self, url: str) -> None:
        self._target = urlsplit(url).port
        self._opened.set()

    def shut(self) -> None:
        """Cuts what passes; later connections wait again."""
        self._opened.clear()
        for task in self._passing:
            task.cancel()

    @asynccontextmanager
    async def standing(self) -> AsyncIterator["Gate"]:
        server = await asyncio.start_server(self._come, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.shut()
            await asyncio.gather(*self._passing, return_exceptions=True)

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._pass_on(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._opened.wait()
            onward, back = await asyncio.open_connection("127.0.0.1", self._target)
            try:
                await _first_to_end(_copied(reader, back), _copied(onward, writer))
            finally:
                back.close()
        finally:
            writer.close()


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass


async def _first_to_end(*copies: Any) -> None:
    tasks = [asyncio.ensure_future(copy) for copy in copies]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Easel:
    """A running service, a client of it, and the gate before its Gemini."""

    running: Running
    http: aiohttp.ClientSession
    gate: Gate

    @property
    def url(self) -> str:
        """Where it listens, whatever proxy it says it stands behind."""
        return f"http://127.0.0.1:{self.running.port}"

    async def start(self, **body: Any) -> dict[str, Any]:
        async with self.http.post("/start", json={"body": body}) as response:
            assert response.status == 200, await response.text()
            told: dict[str, Any] = await response.json()
            return told

    def room(self, session_id: str) -> Room:
        return self.running.registry.find(session_id)

    @property
    def refusals(self) -> dict[str, int]:
        return dict(self.running.metrics.refusals)

    def sample(self, name: str) -> float | None:
        """Of a metric without labels."""
        text = self.running.metrics.text().decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name:
                    return float(sample.value)
        return None

    async def asked(
        self, method: str, path: str, **request: Any
    ) -> tuple[int, Any, aiohttp.ClientResponse, list[str]]:
        """Status, JSON body, the response, and the counters of refusals that rose, each by one."""
        before = self.refusals
        async with self.http.request(method, path, **request) as response:
            body = await response.json() if "json" in response.content_type else None
        after = self.refusals
        risen = [name for name, value in after.items() if value > before.get(name, 0)]
        assert sum(after.values()) - sum(before.values()) == len(risen)
        return response.status, body, response, risen

    async def refused(self, method: str, path: str, **request: Any) -> tuple[int, str, str]:
        """Status and sentence of a refusal, and its one counter."""
        status, body, response, risen = await self.asked(method, path, **request)
        assert list(body) == ["detail"] and len(risen) == 1, (status, body, risen)
        assert ("Retry-After" in response.headers) is (status in (429, 503))
        return status, body["detail"], risen[0]

    async def raw(self, data: bytes, *, hang_up: bool = False) -> bytes:
        """Sends these bytes as they are; returns what came back until the connection ended."""
        host, _, port = self.url.rpartition("//")[2].partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(data)
            await writer.drain()
            if hang_up:
                return b""
            async with asyncio.timeout(LIMIT_S):
                return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def easel(monkeypatch: pytest.MonkeyPatch, **environment: str) -> AsyncIterator[Easel]:
    """Without a Gemini until `gate.open`: rooms say that they are connecting."""
    async with Gate().standing() as gate:
        monkeypatch.setenv("GEMINI_API_KEY", SETTINGS["GEMINI_API_KEY"])
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", f"https://127.0.0.1:{gate.port}")
        async with (
            serving(load({**SETTINGS, **environment})) as running,
            aiohttp.ClientSession(f"http://127.0.0.1:{running.port}") as http,
        ):
            yield Easel(running, http, gate)


async def an_offer(kind: str = "audio") -> str:
    """A good one, of a client that never connects."""
    connection = RTCPeerConnection()
    try:
        connection.addTransceiver(kind)
        connection.createDataChannel("chat")
        await connection.setLocalDescription(await connection.createOffer())
        return str(connection.localDescription.sdp)
    finally:
        await connection.close()


@asynccontextmanager
async def no_port_left() -> AsyncIterator[str]:
    """A range of one UDP port, which is taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        yield f"{port}-{port}"
