"""The peers of a room that is not running: who is there, who comes and goes, who is told what."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pipeline import peers as peers_module
from pipeline.errors import PeerUnknown, RoomUnknown, ServiceFull
from pipeline.participant import Participant
from pipeline.peers import Peers
from pipeline.room import Room
from pipeline.room_settings import RoomSettings
from tests.pipeline.in_process import LIMIT_S, until
from tests.pipeline.room_clients import (
    HeldAnswers,
    clients,
    heard,
    hears,
    join,
    say_ready,
    sdp_of,
)
from tests.pipeline.room_parts import shared_parts
from tests.transports.peers import Census, Client
from tests.transports.rtp_streams import opus_payload
from tests.transports.udp_path import UdpPath, udp_path
from transports.errors import TransportError
from transports.presence import Presence

UNUSABLE = "v=0\r\n"


@asynccontextmanager
async def a_room(**changes: Any) -> AsyncIterator[Room]:
    with shared_parts(**changes) as shared:
        room = Room("room", RoomSettings(), shared)
        try:
            yield room
        finally:
            await room.peers.dismiss("the test is over")


def ids(peers: Peers) -> list[str]:
    return [participant.peer_id for participant in peers]


async def gone(client: Client, room: Room, peer_id: str) -> None:
    await client.connection.close()
    await until(lambda: peer_id not in room.peers.by_id)


# ---- who comes ------------------------------------------------------------------------------


async def test_each_new_peer_has_an_id_of_its_own() -> None:
    async with a_room() as room, clients(2) as (one, other):
        first, second = await join(one, room), await join(other, room)
        assert ids(room.peers) == [first, second] and first != second
        assert len(room.peers) == 2 and room.peers.counters.joined == 2
        assert room.peers.knows(first) and room.peers.ready == []


@pytest.mark.parametrize("restart", [False, True])
async def test_an_unknown_id_is_no_new_peer(restart: bool) -> None:
    """It would wait for a bot-ready for ever: the SDKs say client-ready only once."""
    async with a_room() as room, clients() as (client,):
        with pytest.raises(PeerUnknown, match="again without pc_id"):
            await room.peers.answer(await sdp_of(client), "nobody", restart=restart)
        assert len(room.peers) == 0 and not room.peers.knows("nobody")


async def test_a_full_room_takes_no_one_else() -> None:
    async with a_room(max_peers=1) as room, clients(3) as (one, other, third):
        first = await join(one, room)
        with pytest.raises(ServiceFull):
            await join(other, room)
        await gone(one, room, first)
        second = await join(other, room)
        assert ids(room.peers) == [second]
        with pytest.raises(ServiceFull):  # not even one who was here
            await join(third, room, first, restart=True)
        assert room.peers.knows(first)


async def test_one_that_never_connected_leaves_nothing() -> None:
    async with a_room() as room:
        with pytest.raises(TransportError):
            await room.peers.answer(UNUSABLE, None, restart=False)
        assert len(room.peers) == 0 and room.peers.counters.joined == 0
        assert room.peers._away == {}  # nothing else shows what is kept of whom


# ---- who comes back -------------------------------------------------------------------------


@pytest.mark.parametrize("restart", [False, True])
async def test_who_was_here_comes_back_as_the_same(restart: bool) -> None:
    async with a_room() as room, clients(2) as (old, new):
        peer_id = await join(old, room)
        participant = room.peers.by_id[peer_id]
        say_ready(old)
        await until(lambda: room.peers.ready)
        await gone(old, room, peer_id)
        assert room.peers.knows(peer_id)
        assert await join(new, room, peer_id, restart=restart) == peer_id
        assert room.peers.ready == [participant]


async def test_it_may_come_back_after_a_failed_attempt() -> None:
    async with a_room() as room, clients(2) as (old, new):
        peer_id = await join(old, room)
        say_ready(old)
        await until(lambda: room.peers.ready)
        await gone(old, room, peer_id)
        with pytest.raises(TransportError):
            await room.peers.answer(UNUSABLE, peer_id, restart=True)
        assert room.peers.knows(peer_id) and len(room.peers) == 0
        assert await join(new, room, peer_id, restart=True) == peer_id
        assert [participant.is_ready for participant in room.peers] == [True]


async def test_back_before_its_old_end_was_noticed_it_stays() -> None:
    async with a_room() as room, clients(2) as (old, new):
        peer_id = await join(old, room)
        participant = room.peers.by_id[peer_id]
        assert await join(new, room, peer_id, restart=True) == peer_id
        await old.connection.close()
        connections = room.peers.connections
        await until(lambda: len(connections) == 1)  # the end has been noticed now
        assert list(room.peers) == [participant] and participant.state == "connected"


async def test_a_further_offer_is_the_same_connection() -> None:
    async with a_room() as room, clients() as (client,):
        peer_id = await join(client, room)
        client.add_microphone()
        answer, participant = await room.peers.answer(await sdp_of(client), peer_id, restart=False)
        await client.accept(answer)
        assert participant.peer_id == peer_id and len(room.peers.connections) == 1


async def test_of_those_who_are_away_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers_module, "MAX_AWAY", 1)
    async with a_room() as room, clients(2) as (one, other):
        first, second = await join(one, room), await join(other, room)
        await gone(one, room, first)
        await gone(other, room, second)
        assert room.peers.knows(second) and not room.peers.knows(first)


async def test_two_offers_of_one_who_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_room() as room, clients(3) as (old, early, late):
        peer_id = await join(old, room)
        await gone(old, room, peer_id)
        answers = HeldAnswers(monkeypatch)
        offering = []
        for count, client in enumerate((early, late), 1):
            wish = room.peers.answer(await sdp_of(client), peer_id, restart=True)
            offering.append(asyncio.create_task(wish))
            await answers.until(count)
        answers.held[1].set()
        answer, participant = await offering[1]
        answers.held[0].set()
        with pytest.raises(PeerUnknown):
            await offering[0]
        await late.accept(answer)
        await late.open_channel()
        assert list(room.peers) == [participant] and participant.state == "connected"


# ---- who is there ---------------------------------------------------------------------------


def cut(path: UdpPath, participant: Participant) -> None:
    """The participant's time goes on, and nothing comes."""
    path.is_cut = True
    for half_seconds in range(24):
        participant.beat(2000.0 + half_seconds / 2)
    assert participant.presence is Presence.ABSENT


async def test_who_is_coming_is_expected_and_not_present() -> None:
    async with a_room() as room, clients() as (client,):
        found = [(room.peers.nobody_expected, room.peers.anybody_present)]
        await room.peers.answer(await sdp_of(client), None, restart=False)
        room.peers.beat(1.0)
        found.append((room.peers.nobody_expected, room.peers.anybody_present))
        assert found == [(True, False), (False, False)]


async def test_the_others_are_told_who_is_there_and_who_is_not() -> None:
    async with a_room() as room, udp_path() as path, clients(2) as (watcher, other):
        await join(watcher, room)
        say_ready(watcher)
        await until(lambda: room.peers.ready)
        peer_id = await join(other, room, path=path)
        say_ready(other)
        await until(lambda: len(room.peers.ready) == 2)
        for _ in range(3):
            room.peers.beat(1000.0)
        assert room.peers.anybody_present
        cut(path, room.peers.by_id[peer_id])
        path.is_cut = False
        await gone(other, room, peer_id)
        room.peers.broadcast('{"type": "last"}')
        told = []
        while (message := json.loads(await watcher.messages.get()))["type"] != "last":
            told.append(message["data"])
        assert told == [
            {"type": "participant", "peer": peer_id, "state": state}
            for state in ("present", "absent", "left")
        ]


async def test_one_that_only_changed_its_connection_has_not_been_away() -> None:
    async with a_room() as room, clients(3) as (watcher, old, new):
        await join(watcher, room)
        peer_id = await join(old, room)
        room.peers.beat(1000.0)
        say_ready(watcher)
        await until(lambda: room.peers.ready)
        await join(new, room, peer_id, restart=True)
        room.peers.beat(1000.0)
        assert room.peers.by_id[peer_id].presence is Presence.PRESENT
        room.peers.broadcast('{"type": "last"}')
        assert json.loads(await watcher.messages.get()) == {"type": "last"}


async def test_who_is_absent_makes_place_in_a_full_room() -> None:
    async with a_room(max_peers=1) as room, udp_path() as path, clients(3) as (old, new, third):
        first = await join(old, room, path=path)
        room.peers.beat(1000.0)
        with pytest.raises(ServiceFull):
            await join(new, room)
        cut(path, room.peers.by_id[first])
        second = await join(new, room)
        with pytest.raises(ServiceFull):  # its place is given away once
            await join(third, room)
        await until(lambda: ids(room.peers) == [second])
        assert room.peers.knows(first)


# ---- what they are told ---------------------------------------------------------------------


async def test_only_those_that_are_ready_are_told() -> None:
    async with a_room() as room, clients(2) as (ready, silent):
        await join(ready, room)
        await join(silent, room)
        say_ready(ready)
        await until(lambda: room.peers.ready)
        room.peers.broadcast('{"type": "news"}')
        assert (await hears(ready, "news")) == {"type": "news"}
        assert heard(silent) == []
        assert (room.peers.counters.messages, room.peers.counters.messages_unsent) == (1, 0)


async def test_what_could_not_be_told_is_counted() -> None:
    async with a_room() as room, clients(2) as (old, new):
        peer_id = await join(old, room)
        say_ready(old)
        await until(lambda: room.peers.ready)
        await room.peers.answer(await sdp_of(new), peer_id, restart=True)  # it has no channel yet
        room.peers.broadcast("{}")
        assert (room.peers.counters.messages, room.peers.counters.messages_unsent) == (1, 1)


async def test_the_greeting_answers_the_clients_message() -> None:
    async with a_room() as room, clients() as (client,):
        peer_id = await join(client, room)
        say_ready(client, "hello-1")
        await until(lambda: room.peers.ready)
        (participant,) = room.peers
        assert room.peers.greet(participant) and participant.greeted
        told = await hears(client, "bot-ready")
        assert told["id"] == "hello-1"
        about = told["data"]["about"]
        assert (about["peer"], about["gemini"], about["library"]) == (peer_id, "emulator", "easel")


async def test_who_has_no_channel_is_not_greeted() -> None:
    async with a_room() as room, clients(2) as (old, new):
        peer_id = await join(old, room)
        say_ready(old)
        await until(lambda: room.peers.ready)
        await room.peers.answer(await sdp_of(new), peer_id, restart=True)
        (participant,) = room.peers
        assert not room.peers.greet(participant) and not participant.greeted


async def test_all_hear_the_same_sound() -> None:
    async with a_room() as room, clients(2, microphone=True) as both:
        for client in both:
            await join(client, room)
        payload, sent = opus_payload(960), 0
        async with asyncio.timeout(LIMIT_S):
            while any(client.rtp.empty() for client in both):  # they listen a moment later
                room.peers.send_audio(payload, sent * 960)
                sent += 1
                await asyncio.sleep(0.001)
        for client in both:
            assert client.rtp.get_nowait().payload == payload


# ---- the end --------------------------------------------------------------------------------


async def test_nobody_comes_after_the_dismissal() -> None:
    async with a_room() as room, clients(3) as (one, other, late):
        for client in (one, other):
            await join(client, room)
        await room.peers.dismiss("the room has ended")
        assert len(room.peers) == 0 and len(room.peers.connections) == 0
        for client in (one, other):
            assert (await hears(client, "signalling"))["message"]["type"] == "peerLeft"
        with pytest.raises(RoomUnknown):
            await room.peers.answer(await sdp_of(late), None, restart=False)


async def test_dismissed_while_an_offer_is_negotiated(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_room() as room, clients() as (client,):
        offer = await sdp_of(client)
        census = Census()
        answers = HeldAnswers(monkeypatch)
        offering = asyncio.create_task(room.peers.answer(offer, None, restart=False))
        await answers.until(1)
        await room.peers.dismiss("the room has ended")
        answers.held[0].set()
        with pytest.raises(RoomUnknown):
            await offering
        del offering
        await census.assert_nothing_left()
        assert len(room.peers) == 0
