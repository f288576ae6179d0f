"""Live connections that the doctor listens to: opened by the service's own client, and tapped."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from processors.gemini.client import Endpoint, LiveConnection, Unsendable, connect, make_client
from processors.gemini.errors import GeminiError, TransientFault
from processors.gemini.live_config import live_connect_config
from processors.gemini.outbox import Audio, Outgoing
from processors.gemini.profiles import ModelProfile, profile_for
from processors.gemini.settings import LiveSettings
from processors.tools import Tool

from .live_facts import Closed, Stretch, message_of

OPEN_LIMIT_S: Final = 20.0
SETTLE_LIMIT_S: Final = 20.0
CHUNK_S: Final = 0.04
CHUNK_BYTES: Final = 1280  # 40 ms of PCM16 at 16 kHz
SILENCE: Final = bytes(CHUNK_BYTES)


@dataclass(slots=True)
class Ear:
    """A tap that remembers what passed on each connection."""

    heard: dict[int, Stretch] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def opened(self) -> int:
        number = len(self.heard)
        self.heard[number] = Stretch()
        return number

    def sent(self, connection: int, data: bytes) -> None:
        self._add(connection, data, ours=True)

    def received(self, connection: int, data: bytes | str) -> None:
        self._add(connection, data, ours=False)

    def closed(self, connection: int, code: int, reason: str, by: str) -> None:
        self.heard[connection].closed = Closed(time.monotonic(), code, reason, by)
        self.news.set()

    def _add(self, connection: int, data: bytes | str, *, ours: bool) -> None:
        self.heard[connection].messages.append(message_of(time.monotonic(), data, ours=ours))
        self.news.set()


class Line:
    """One open connection and all that passed on it. What is sent after its end is lost."""

    def __init__(self, connection: LiveConnection, heard: Stretch, news: asyncio.Event) -> None:
        self.heard = heard
        self.connection = connection
        self._news = news

    @property
    def is_open(self) -> bool:
        return self.heard.closed is None

    async def send(self, item: Outgoing) -> float:
        """When it was sent."""
        now = time.monotonic()
        with suppress(GeminiError, Unsendable):  # the end stands in what was heard
            await self.connection.send(item)
        return now

    async def until(self, t: float, done: Callable[[Stretch], object], limit_s: float) -> Stretch:
        """What passed since `t`, once that is `done`, the connection is over or the time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while self.is_open and not done(self.heard.since(t)):
                    self._news.clear()
                    await self._news.wait()
        return self.heard.since(t)

    async def speak(self, pcm: bytes) -> float:
        """At the pace of a microphone; when the last of it was sent."""
        for start in range(0, len(pcm), CHUNK_BYTES):
            await self.send(Audio(pcm[start : start + CHUNK_BYTES]))
            await asyncio.sleep(CHUNK_S)
        return time.monotonic()

    async def silence(self, t: float, done: Callable[[Stretch], object], limit_s: float) -> Stretch:
        """As `until`, while a microphone hears nothing."""
        end = time.monotonic() + limit_s
        while self.is_open and time.monotonic() < end and not done(self.heard.since(t)):
            await self.speak(SILENCE)
        return self.heard.since(t)

    async def settle(self) -> None:
        """Until no answer is under way, so that what comes next is the next answer's."""
        await self.until(0.0, lambda heard: not heard.busy, SETTLE_LIMIT_S)

    async def listen(self) -> None:
        """Reads on until the end, which stands in what was heard."""
        with suppress(GeminiError):
            while True:
                await self.connection.receive()


@dataclass(frozen=True, slots=True)
class Probe:
    """How connections are made: as the service makes them, with the room's settings."""

    settings: LiveSettings
    vertex: bool
    endpoint: Endpoint
    tools: tuple[Tool, ...] = ()

    @property
    def profile(self) -> ModelProfile:
        return profile_for(self.settings.model, vertex=self.vertex)

    @asynccontextmanager
    async def line(self, handle: str | None = None, *, seeded: bool = False) -> AsyncIterator[Line]:
        """Closed on the way out. Raises `GeminiError` when it is refused."""
        ear = Ear()
        client = make_client(self.endpoint, vertex=self.vertex, tap=ear)
        config = live_connect_config(
            self.settings,
            profile=self.profile,
            tools=[tool.declaration for tool in self.tools],
            handle=handle,
            vertex=self.vertex,
            seeded=seeded,
        )
        async with AsyncExitStack() as stack:
            stack.callback(client.close)
            stack.push_async_callback(client.aio.aclose)
            try:
                async with asyncio.timeout(OPEN_LIMIT_S):
                    connection = await stack.enter_async_context(
                        connect(client, self.settings.model, config)
                    )
            except TimeoutError:
                raise TransientFault(0, "no answer to the setup in time") from None
            line = Line(connection, ear.heard[max(ear.heard)], ear.news)
            reader = asyncio.create_task(line.listen(), name="doctor-listens")
            try:
                yield line
            finally:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)


class Session:
    """A line that is opened when it is asked for, and again when it has broken."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._stack = AsyncExitStack()
        self._line: Line | None = None

    async def line(self) -> Line:
        """One on which no answer is under way. Raises `GeminiError`."""
        if self._line is None or not self._line.is_open:
            await self.hang_up()
            self._line = await self._stack.enter_async_context(self._probe.line())
        await self._line.settle()
        return self._line

    async def aclose(self) -> None:
        await self.hang_up()

    async def hang_up(self) -> None:
        """Idempotent."""
        self._line = None
        await self._stack.aclose()
