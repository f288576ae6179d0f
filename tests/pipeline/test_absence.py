"""What a room does while its peers are out of reach. Real connections, over a path that is cut."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

import numpy as np
from pipecat.frames.frames import TTSAudioRawFrame

from pipeline.lifecycle import RoomState
from pipeline.room import Room
from processors.audio_in import FILL_AFTER_S, FILL_LIMIT_S
from processors.frames import GenerationCompleteFrame, TurnCompleteFrame
from processors.opus import OUTPUT_HZ
from processors.playout import PACKET_S
from tests.pipeline.cameras import camera_of
from tests.pipeline.in_process import LIMIT_S, until
from tests.pipeline.room_clients import clients, hears, join, live_room, say_ready
from tests.transports.peers import CONFIG, Client
from tests.transports.udp_path import UdpPath, udp_path
from transports.peer_config import PeerConfig
from transports.presence import Presence, SilenceLimits

SOON: Final = replace(CONFIG, silence=SilenceLimits(0.3, 0.3))
ANSWER_S: Final = 2.0
ANSWER: Final = np.full(round(ANSWER_S * OUTPUT_HZ), 3000, np.int16).tobytes()
ANSWER_PACKETS: Final = round(ANSWER_S / PACKET_S)


@asynccontextmanager
async def a_peer_on_a_path(
    config: PeerConfig = SOON, **media: Any
) -> AsyncIterator[tuple[Room, Client, UdpPath]]:
    """A room with one client, which is present."""
    async with live_room(peer_config=config) as room, udp_path() as path:
        async with clients(**media) as (client,):
            await join(client, room, path=path)
            await until(lambda: room.peers.anybody_present)
            yield room, client, path


def ping(client: Client) -> None:
    assert client.channel is not None
    client.channel.send("ping: 1")


async def ping_until(client: Client, condition: Callable[[], object]) -> None:
    """As the web SDK does, but faster."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            ping(client)
            await until_next_beat()


async def until_next_beat() -> None:
    turn = asyncio.get_running_loop().time() + 0.04
    await until(lambda: asyncio.get_running_loop().time() >= turn)


def played(room: Room) -> int:
    counters = room.parts.audio_out.counters
    return counters.packets - counters.silent_packets


async def test_without_anybody_present_the_room_waits_and_the_first_datagram_wakes_it() -> None:
    async with a_peer_on_a_path() as (room, client, path):
        deadlines = [room.lifecycle.deadline]
        path.is_cut = True
        await until(lambda: room.lifecycle.state is RoomState.EMPTY)
        deadlines.append(room.lifecycle.deadline)
        assert deadlines[0] is None and deadlines[1] is not None
        (participant,) = room.peers
        assert (participant.presence, participant.state) == (Presence.ABSENT, "connected")
        path.is_cut = False
        ping(client)
        await until(lambda: room.lifecycle.state is RoomState.LIVE)
        assert participant.presence is Presence.PRESENT
        assert room.peers.counters.joined == 1


async def test_while_somebody_is_present_the_room_is_live() -> None:
    async with a_peer_on_a_path() as (room, client, path), clients() as (other,):
        other_id = await join(other, room)
        say_ready(other)
        path.is_cut = True
        gone, here = list(room.peers)
        assert here.peer_id == other_id
        await ping_until(other, lambda: gone.presence is Presence.ABSENT)
        assert here.presence is Presence.PRESENT and room.lifecycle.state is RoomState.LIVE
        assert (await hears(other, "server-message"))["data"] == {
            "type": "participant",
            "peer": gone.peer_id,
            "state": "absent",
        }
        path.is_cut = False
        ping(client)
        await ping_until(other, lambda: gone.presence is Presence.PRESENT)
        assert (await hears(other, "server-message"))["data"]["state"] == "present"


async def test_the_camera_of_one_who_is_absent_is_not_used() -> None:
    async with a_peer_on_a_path(camera="VP8") as (room, _, path):
        await until(lambda: camera_of(room) is not None)
        path.is_cut = True
        await until(lambda: room.lifecycle.state is RoomState.EMPTY)
        assert camera_of(room) is None
        path.is_cut = False
        await until(lambda: camera_of(room) and room.peers.anybody_present)
        assert room.lifecycle.state is RoomState.LIVE


def test_who_is_absent_has_left_the_mixer_before() -> None:
    """Its last sound is followed by so much silence, then the others wait for it no longer."""
    assert FILL_AFTER_S + FILL_LIMIT_S < SilenceLimits().pinging_s


async def test_an_answer_waits_for_somebody_to_hear_it() -> None:
    async with a_peer_on_a_path(microphone=True) as (room, client, path):
        say_ready(client)
        await until(lambda: room.peers.ready)
        room.parts.input.feed(TTSAudioRawFrame(ANSWER, OUTPUT_HZ, 1))
        room.parts.input.feed(GenerationCompleteFrame())
        room.parts.input.feed(TurnCompleteFrame())
        await until(lambda: played(room) > 5)
        path.is_cut = True
        await until(lambda: room.lifecycle.state is RoomState.EMPTY)
        so_far, beats = played(room), room._beats
        assert so_far < ANSWER_PACKETS
        await until(lambda: room._beats > beats + 10)
        assert played(room) == so_far and room.parts.audio_out.speaking
        path.is_cut = False
        await ping_until(client, lambda: not room.parts.audio_out.speaking)
        assert played(room) == ANSWER_PACKETS
        kinds: list[str] = []
        async with asyncio.timeout(LIMIT_S):
            while "bot-stopped-speaking" not in kinds:
                kinds.append(json.loads(await client.messages.get())["type"])
        assert kinds.count("bot-started-speaking") == 1
        assert "bot-interrupted" not in kinds


async def test_of_an_answer_nothing_is_lost_while_its_hearer_changes_the_connection() -> None:
    config = replace(SOON, silence=SilenceLimits())
    async with a_peer_on_a_path(config, microphone=True) as (room, old, _):
        async with clients(microphone=True) as (new,):
            (participant,) = room.peers
            room.parts.input.feed(TTSAudioRawFrame(ANSWER, OUTPUT_HZ, 1))
            room.parts.input.feed(TurnCompleteFrame())
            await until(lambda: played(room) > 5)
            await old.connection.close()
            await until(lambda: not room.peers)
            so_far, beats = played(room), room._beats
            await until(lambda: room._beats > beats + 10)
            assert played(room) == so_far
            await join(new, room, participant.peer_id, restart=True)
            await until(lambda: not room.parts.audio_out.speaking)
            assert played(room) == ANSWER_PACKETS
            await until(lambda: new.rtp.qsize() >= ANSWER_PACKETS - so_far)
