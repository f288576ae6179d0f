"""Connections of the real client to a scripted Gemini."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from google import genai
from google.genai import types

from processors.gemini.client import Endpoint, LiveConnection, connect, make_client
from processors.gemini.events import LiveEvent
from tests.processors.gemini.scripted_gemini import Line, ScriptedGemini

MODEL = "gemini-3.8-live"
LIMIT_S = 10.0


@asynccontextmanager
async def client_for(where: Endpoint) -> AsyncIterator[genai.Client]:
    client = make_client(where, vertex=False)
    try:
        yield client
    finally:
        await client.aio.aclose()
        client.close()


@asynccontextmanager
async def connected(gemini: ScriptedGemini) -> AsyncIterator[tuple[LiveConnection, Line]]:
    async with client_for(gemini.endpoint) as client:
        async with connect(client, MODEL, types.LiveConnectConfig()) as connection:
            yield connection, await gemini.line()


async def heard(connection: LiveConnection, count: int) -> list[LiveEvent]:
    """The events of as many messages as it takes."""
    events: list[LiveEvent] = []
    async with asyncio.timeout(LIMIT_S):
        while len(events) < count:
            events += await connection.receive()
    return events
