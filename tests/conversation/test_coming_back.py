"""A peer that dropped comes back into the talk: by each way, and what it costs meanwhile."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline.connectivity import peer_config
from pipeline.lifecycle import RoomState
from pipeline.room import Room
from pipeline.service import Running, serving
from pipeline.settings import load
from processors.gemini.link import LinkState
from tests.browser.processes import Emulator, emulator
from tests.pipeline.in_process import LIMIT_S, SETTINGS, until
from tests.processors.sounds import spoken
from tests.talking_peer import RATE_HZ, TalkingPeer, talking_peer
from tests.transports.udp_path import udp_path
from transports.peer_config import PeerConfig
from transports.presence import SilenceLimits

pytestmark = pytest.mark.realtime

SOON: Final = SilenceLimits(1.0, 1.0)  # of a microphone something comes every 20 ms
NOBODY: Final = 404


@dataclass
class Easel:
    running: Running
    gemini: Emulator
    url: str

    @property
    def room(self) -> Room:
        (room,) = self.running.registry.rooms
        return room

    async def sessions_closed(self) -> list[dict[str, Any]]:
        """The emulator's record, once it has no connection any more."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                sessions = await self.gemini.sessions()
                if all(session["closed_at"] is not None for session in sessions):
                    return sessions


@asynccontextmanager
async def easel(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    silence: SilenceLimits = SOON,
    **environment: str,
) -> AsyncIterator[Easel]:
    """The service in this process, where a peer is absent soon, and the emulator."""

    def impatient(*args: Any, **options: Any) -> PeerConfig:
        return replace(peer_config(*args, **options), silence=silence)

    monkeypatch.setattr("pipeline.service.peer_config", impatient)
    async with emulator(folder) as gemini:
        for name, value in gemini.environment.items():
            monkeypatch.setenv(name, value)
        async with serving(load({**SETTINGS, **environment})) as running:
            yield Easel(running, gemini, f"http://127.0.0.1:{running.port}")


def image_ready(data: dict[str, Any]) -> bool:
    return data.get("type") == "image-event" and data["event"] == "ready"


def another_than(first: dict[str, Any]) -> Callable[[dict[str, Any]], bool]:
    """The first may be told again: these peers acknowledge nothing."""
    return lambda data: image_ready(data) and data["image_id"] != first["image_id"]


async def by_restart(back: TalkingPeer, lost: TalkingPeer) -> None:
    """As the web SDK does: it says nothing more."""
    await back.offer(pc_id=lost.peer_id, restart=True)


async def by_the_same_id(back: TalkingPeer, lost: TalkingPeer) -> None:
    await back.offer(pc_id=lost.peer_id)


async def by_start(back: TalkingPeer, lost: TalkingPeer) -> None:
    """As a page that was reloaded does."""
    await back.join(sessionId=lost.session_id, token=lost.token, peer=lost.peer_id)


async def as_new(back: TalkingPeer, lost: TalkingPeer) -> None:
    await back.offer()
    await back.ready()


WAYS: Final = (by_restart, by_the_same_id, by_start, as_new)


@pytest.mark.parametrize("way", WAYS)
async def test_the_talk_goes_on_with_the_same_pictures_and_no_second_greeting(
    way: Callable[[TalkingPeer, TalkingPeer], Awaitable[None]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        easel(tmp_path, monkeypatch) as served,
        udp_path() as path,
        talking_peer(served.url, path=path) as lost,
        talking_peer(served.url) as back,
    ):
        await lost.join({"greeting": "hello"})
        await lost.transcribed("model", "I am the emulator")
        lost.write("draw a red circle")
        index = await lost.told("server-message", image_ready)
        first = lost.messages[index - 1]["data"]
        path.is_cut = True
        await until(lambda: served.room.lifecycle.state is RoomState.EMPTY)
        await until(lambda: served.room.parts.gemini.live.link.state is LinkState.RESTING)
        back.session_id, back.token = lost.session_id, lost.token
        await way(back, lost)
        assert (back.peer_id == lost.peer_id) is (way is not as_new)
        assert served.room.lifecycle.state is RoomState.LIVE
        index = await back.told("server-message", image_ready)
        assert back.messages[index - 1]["data"]["image_id"] == first["image_id"]
        back.write("make it darker")
        index = await back.told("server-message", another_than(first), after=index)
        assert back.messages[index - 1]["data"]["parent_id"] == first["image_id"]
        state = await back.get()
        sessions = await served.gemini.sessions()
        path.is_cut = False
    said = [entry["text"] for entry in state["transcript"] if entry["role"] == "user"]
    assert said == ["draw a red circle", "make it darker"]
    texts = [text for session in sessions for text in session["texts"]]
    assert texts.count("hello") == 1
    assert len(sessions) > 1 and sessions[-1]["resumed"]
    assert lost.token not in caplog.text


async def test_a_room_that_nobody_is_in_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        easel(tmp_path, monkeypatch) as served,
        udp_path() as path,
        talking_peer(served.url, path=path) as peer,
    ):
        await peer.join()
        peer.write("draw a red circle")
        index = await peer.told("server-message", image_ready)
        await peer.transcribed("model", "")
        path.is_cut = True
        await until(lambda: served.room.lifecycle.state is RoomState.EMPTY)
        before = await served.sessions_closed()
        peer.microphone.say(await asyncio.to_thread(spoken, "hello", RATE_HZ))  # to nobody
        await until(lambda: not peer.microphone.talking)
        assert await served.gemini.sessions() == before
        assert [session["close"]["by"] for session in before] == ["client"] * len(before)
        path.is_cut = False
        await until(lambda: served.room.lifecycle.state is RoomState.LIVE)
        peer.write("make it darker")
        first = peer.messages[index - 1]["data"]
        await peer.told("server-message", another_than(first), after=index)
        *_, resumed = await served.gemini.sessions()
        assert resumed["resumed"] and len(await served.gemini.sessions()) == len(before) + 1
        assert peer.connection.connectionState == "connected"


async def test_after_the_grace_time_the_room_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        easel(tmp_path, monkeypatch, EASEL_IDLE_TIMEOUT_S="0.5") as served,
        talking_peer(served.url) as peer,
    ):
        await peer.join()
        await peer.connection.close()
        await until(lambda: not served.running.registry.rooms)
        wish = {"sessionId": peer.session_id, "token": peer.token, "peer": peer.peer_id}
        async with peer.http.post("/start", json={"body": wish}) as response:
            assert response.status == NOBODY
        offer = {"sdp": "", "type": "offer", "pc_id": peer.peer_id, "restart_pc": True}
        async with peer.http.post(f"/sessions/{peer.session_id}/api/offer", json=offer) as response:
            assert response.status == NOBODY


async def test_two_tabs_are_two_peers_and_a_doubled_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        easel(tmp_path, monkeypatch, SilenceLimits()) as served,
        talking_peer(served.url) as first,
        talking_peer(served.url) as second,
        talking_peer(served.url) as doubled,
    ):
        await first.join()
        await second.join(sessionId=first.session_id, token=first.token)
        assert len({first.peer_id, second.peer_id}) == 2
        await until(lambda: served.room.peers.anybody_present)
        place = {"sessionId": first.session_id, "token": first.token, "peer": first.peer_id}
        await doubled.join(None, **place)
        await first.told("server-message", lambda data: data["type"] == "replaced")
        await until(lambda: first.connection.connectionState == "closed")
        doubled.write("hello")
        await doubled.transcribed("model", "I am the emulator")
        await second.transcribed("model", "I am the emulator")
        state = await doubled.get()
        joined = served.room.peers.counters.joined
    assert [peer["id"] for peer in state["peers"]] == [first.peer_id, second.peer_id]
    assert {peer["presence"] for peer in state["peers"]} == {"present"}
    assert joined == 2
    for peer in (second, doubled):
        told = [m["data"] for m in peer.messages if m["type"] == "server-message"]
        assert not [data for data in told if data["type"] in ("replaced", "participant")]


async def test_a_place_that_nobody_has_is_taken_as_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        easel(tmp_path, monkeypatch) as served,
        talking_peer(served.url) as first,
        talking_peer(served.url) as second,
    ):
        await first.join()
        place = {"sessionId": first.session_id, "token": first.token, "peer": "of another room"}
        assert (await first.post("/start", {"body": place}))["peer"] is None
        await second.join(None, **place)
        assert len(served.room.peers) == 2
