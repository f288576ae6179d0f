"""A `LiveLink` with the test on both ends: what it told, and what it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from google import genai
from google.genai import types

from processors.frames import LinkStatus, Role
from processors.gemini.client import Endpoint, make_client
from processors.gemini.events import Disconnected, LiveEvent, Transcript
from processors.gemini.live_link import LiveLink, MakeConfig
from processors.gemini.opening import Opening
from processors.gemini.outbox import RealtimeText
from processors.gemini.seed import Seed

MODEL = "gemini-3.8-live"
LIMIT_S = 10.0


def config(handle: str | None, seeded: bool = False) -> types.LiveConnectConfig:
    return types.LiveConnectConfig(session_resumption=types.SessionResumptionConfig(handle=handle))


class Talk:
    """A link and what it told."""

    def __init__(self, client: genai.Client, seed: Seed | None, reminder: Seed | None) -> None:
        self.events: list[LiveEvent] = []
        self.statuses: list[tuple[LinkStatus, str]] = []
        self.on_event: Callable[[LiveEvent], None] = lambda event: None
        self.make_config: MakeConfig = config
        self.told: list[Opening] = []
        self.seed, self.reminder = seed, reminder
        self.live = LiveLink(
            client,
            MODEL,
            lambda handle, seeded: self.make_config(handle, seeded),
            self._hear,
            self._note,
            self._make_seed,
        )
        self.life = asyncio.create_task(self.live.run())
        self._news = asyncio.Event()

    def _make_seed(self, opening: Opening) -> Seed | None:
        self.told.append(opening)
        return self.seed if opening.since is None else self.reminder

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

    async def until_end(self) -> None:
        """Of a connection."""
        await self.until(lambda: any(isinstance(event, Disconnected) for event in self.events))

    async def ended(self) -> None:
        async with asyncio.timeout(LIMIT_S):
            await self.life

    def say(self, *texts: str) -> None:
        for text in texts:
            assert self.live.send(RealtimeText(text))


@asynccontextmanager
async def talk(
    where: Endpoint, seed: Seed | None = None, reminder: Seed | None = None
) -> AsyncIterator[Talk]:
    """`seed` is what a fresh session is told, `reminder` one that is resumed."""
    client = make_client(where, vertex=False)
    link = Talk(client, seed, reminder)
    try:
        yield link
    finally:
        link.live.close()
        await link.ended()
        await client.aio.aclose()
        client.close()


def said(text: str) -> Transcript:
    return Transcript(Role.MODEL, text, False)
