"""Real clients of a room, and a room that runs before a Gemini that never answers."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from google import genai
from google.genai.types import HttpOptions

from pipeline.room import Room
from pipeline.room_settings import RoomSettings
from pipeline.shared import Shared
from processors.frames import LinkStatus, LinkStatusFrame
from tests.pipeline.in_process import LIMIT_S, Gate, until
from tests.pipeline.room_parts import shared_parts
from tests.transports.peers import POLICY, Client, client_with
from tests.transports.udp_path import UdpPath, no_candidates
from transports.sdp import SdpLimits, offer_untrusted
from transports.webrtc_peer import WebRTCPeer

LINK_READY = LinkStatusFrame(LinkStatus.READY)


@asynccontextmanager
async def clients(count: int = 1, **media: Any) -> AsyncIterator[list[Client]]:
    """As `client_with`; closed at the end."""
    made = [client_with(**media) for _ in range(count)]
    try:
        yield made
    finally:
        for client in made:
            await client.connection.close()


async def sdp_of(client: Client) -> str:
    return offer_untrusted(await client.offer(), SdpLimits(), POLICY)


async def join(
    client: Client,
    room: Room,
    peer_id: str | None = None,
    *,
    restart: bool = False,
    path: UdpPath | None = None,
) -> str:
    """Returns the peer's id once the channel is open."""
    offer = await sdp_of(client)
    offer = offer if path is None else no_candidates(offer)
    answer, told_id = await room.offer(offer, peer_id, restart=restart)
    await client.accept(answer if path is None else path.bend(answer))
    await client.open_channel()
    return told_id


def say(client: Client, kind: str, data: Any, message_id: str = "1") -> None:
    message = {"label": "rtvi-ai", "type": kind, "id": message_id, "data": data}
    assert client.channel is not None
    client.channel.send(json.dumps(message))


def say_ready(client: Client, message_id: str = "1") -> None:
    say(client, "client-ready", {"version": "2.0.0", "about": {"library": "tests"}}, message_id)


def write(client: Client, content: str) -> None:
    say(client, "send-text", {"content": content, "options": {"run_immediately": True}})


def switch(client: Client, index: int, *, on: bool) -> None:
    status = {"type": "trackStatus", "receiver_index": index, "enabled": on}
    assert client.channel is not None
    client.channel.send(json.dumps({"type": "signalling", "message": status}))


def heard(client: Client) -> list[dict[str, Any]]:
    """The messages that came so far, taken from the client."""
    out = []
    while not client.messages.empty():
        out.append(json.loads(client.messages.get_nowait()))
    return out


async def hears(client: Client, kind: str) -> dict[str, Any]:
    """The next message of that kind; those before it are lost."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            message: dict[str, Any] = json.loads(await client.messages.get())
            if message["type"] == kind:
                return message


class HeldAnswers:
    """Each offer is answered for real; the answer is given out when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.held: list[asyncio.Event] = []
        answer = WebRTCPeer.answer

        async def held(peer: WebRTCPeer, offer_sdp: str) -> str:
            given = await answer(peer, offer_sdp)
            self.held.append(asyncio.Event())
            await self.held[-1].wait()
            return given

        monkeypatch.setattr(WebRTCPeer, "answer", held)

    async def until(self, count: int) -> None:
        await until(lambda: len(self.held) == count)


@asynccontextmanager
async def live_room(settings: RoomSettings | None = None, **changes: Any) -> AsyncIterator[Room]:
    """It runs; its link to Gemini stays as the test says with `on_frame(LINK_READY)`."""
    async with Gate().standing() as gate:
        options = HttpOptions(base_url=f"https://127.0.0.1:{gate.port}")
        client = genai.Client(api_key="never used", http_options=options)
        with shared_parts(client=client, **changes) as shared:
            async with running(Room("room", settings or RoomSettings(), shared), shared) as room:
                yield room


@asynccontextmanager
async def running(room: Room, shared: Shared) -> AsyncIterator[Room]:
    life = asyncio.create_task(room.run())
    try:
        yield room
    finally:
        room.close("the test is over")
        async with asyncio.timeout(LIMIT_S):
            await life
        await shared.ticker.close()
