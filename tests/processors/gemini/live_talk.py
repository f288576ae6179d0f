"""A `LiveLink` with the test on both ends: what it told, and what it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from google import genai
from google.genai import types

from processors.frames import LinkStatus, Role
from processors.gemini.client import Endpoint, make_client
from processors.gemini.events import LiveEvent, Transcript
from processors.gemini.live_link import LiveLink
from processors.gemini.outbox import RealtimeText
from processors.gemini.seed import Seed

MODEL = "gemini-3.8-live"
LIMIT_S = 10.0


def config(handle: str | None) -> types.LiveConnectConfig:
    return types.LiveConnectConfig(session_resumption=types.SessionResumptionConfig(handle=handle))


class Talk:
    """A link and what it told."""

    def __init__(self, client: genai.Client, seed: Seed | None) -> None:
        self.events: list[LiveEvent] = []
        self.statuses: list[tuple[LinkStatus, str]] = []
        self.on_event: Callable[[LiveEvent], None] = lambda event: None
        self.make_config = config
        self.live = LiveLink(
            client, MODEL, lambda handle: self.make_config(handle), self._hear, self._note, seed
        )
        self.life = asyncio.create_task(self.live.run())
        self._news = asyncio.Event()

    async def _hear(self, event: LiveEvent) -> None:
        self.events.append(event)
        self._news.set()
        self.on_event(event)

    async def _note(self, status: LinkStatus, sentence: str) -> None:
        self.statuses.append((status, sentence))
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def until_status(self, *statuses: LinkStatus) -> None:
        """Until these were told, and no others."""
        await self.until(lambda: len(self.statuses) >= len(statuses))
        assert [status for status, _ in self.statuses] == list(statuses)

    async def until_event(self, event: LiveEvent) -> None:
        await self.until(lambda: event in self.events)

    async def ended(self) -> None:
        async with asyncio.timeout(LIMIT_S):
            await self.life

    def say(self, *texts: str) -> None:
        for text in texts:
            assert self.live.send(RealtimeText(text))


@asynccontextmanager
async def talk(where: Endpoint, seed: Seed | None = None) -> AsyncIterator[Talk]:
    client = make_client(where, vertex=False)
    link = Talk(client, seed)
    try:
        yield link
    finally:
        link.live.close()
        await link.ended()
        await client.aio.aclose()
        client.close()


def said(text: str) -> Transcript:
    return Transcript(Role.MODEL, text, False)
