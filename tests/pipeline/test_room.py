"""A room's own rules; what it does over WebRTC is in tests/conversation."""

import asyncio
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from google import genai
from PIL import Image

from pipeline.connections import Connections
from pipeline.lifecycle import RoomEvent, RoomState
from pipeline.participant import Participant
from pipeline.room import Room
from pipeline.room_settings import RoomSettings
from pipeline.shared import Shared
from pipeline.signed_urls import UrlSigner
from processors.frames import ModelImageFrame
from processors.ticker import Ticker
from transports.errors import TransportError
from transports.webrtc_peer import PeerConfig


@pytest.fixture
def shared() -> Iterator[Shared]:
    with ThreadPoolExecutor(1) as executor:
        yield Shared(
            client=genai.Client(api_key="never used"),
            partner="emulator",
            vertex=False,
            executor=executor,
            ticker=Ticker(),
            peer_config=PeerConfig(),
            count=lambda name: None,
            max_peers=2,
            max_message_bytes=65536,
            max_upload_bytes=65536,
            idle_limit_s=0.01,
            signer=UrlSigner(),
            tools=(),
        )


async def test_a_failed_offer_does_not_keep_an_empty_room_alive(shared: Shared) -> None:
    """The last peer left while the offer was negotiated: nobody is here when it fails."""
    room = Room("room", RoomSettings(), shared)
    room.lifecycle.apply(RoomEvent.PEER_CAME, asyncio.get_running_loop().time(), "a peer")
    with pytest.raises(TransportError):
        await room.offer("v=0\r\n", None, restart=False)
    assert room.lifecycle.state is RoomState.EMPTY
    assert room.lifecycle.deadline is not None


async def test_a_room_nobody_joins_ends(shared: Shared) -> None:
    room = Room("room", RoomSettings(), shared)
    async with asyncio.timeout(5):
        await room.run()
    assert room.lifecycle.state is RoomState.CLOSED


async def test_a_closed_room_ends_at_once(shared: Shared) -> None:
    room = Room("room", RoomSettings(), shared)
    room.close("test")
    room.close("again")
    async with asyncio.timeout(5):
        await room.run()
    assert room.lifecycle.state is RoomState.CLOSED


async def test_what_a_peers_connection_drops_is_counted_by_the_service(shared: Shared) -> None:
    counted: list[str] = []
    room = Room("room", RoomSettings(), replace(shared, count=counted.append))
    participant = Participant(
        "peer", room, shared.peer_config, shared.max_message_bytes, Connections()
    )
    participant.on_dropped("message_over_rate")
    assert counted == ["message_over_rate"]


async def test_an_image_of_the_live_model_itself_is_shown(shared: Shared) -> None:
    out = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(out, "PNG")
    room = Room("room", RoomSettings(), shared)
    room.on_frame(ModelImageFrame(out.getvalue()))
    async with asyncio.timeout(5):
        while room.parts.studio.tree.current is None:  # noqa: ASYNC110  # its pipeline is not up
            await asyncio.sleep(0)
    image = room.parts.studio.tree.current
    assert room.parts.store.get(image.image_id) is not None
