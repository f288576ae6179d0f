"""All rooms of the process: opened, found, and ended together."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from pipeline.errors import PeerUnknown, RoomUnknown, ServiceFull
from pipeline.lifecycle import RoomState
from pipeline.metrics import Metrics
from pipeline.registry import Registry
from pipeline.room import Room
from pipeline.room_settings import RoomSettings
from pipeline.shared import Shared
from tests.pipeline.in_process import an_offer, until
from tests.pipeline.room_parts import shared_parts

LIMIT_S = 5.0
ROOM_CLOSE_S = 10.0  # more than a room takes to close its connections


@pytest.fixture
def shared() -> Iterator[Shared]:
    with shared_parts() as parts:
        yield parts


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def registry(shared: Shared, metrics: Metrics) -> Registry:
    return Registry(shared, metrics, max_rooms=2)


def shown(metrics: Metrics) -> list[str]:
    return [line for line in metrics.text().decode().splitlines() if line.startswith("easel_rooms")]


async def test_a_room_is_opened_with_its_settings_and_found_by_its_id(
    registry: Registry, metrics: Metrics
) -> None:
    settings = RoomSettings(greeting="hello")
    first, second = registry.open(settings), registry.open(RoomSettings())
    assert first.settings is settings
    assert registry.find(first.room_id) is first and registry.find(second.room_id) is second
    assert first.room_id != second.room_id and len(first.room_id) >= 24
    assert registry.rooms == [first, second] and len(registry) == 2
    assert shown(metrics) == ["easel_rooms 2.0", "easel_rooms_opened_total 2.0"]
    await registry.close(ROOM_CLOSE_S)


@pytest.mark.parametrize("room_id", ["", "guessed", "\0"])
async def test_nothing_else_is_found(registry: Registry, room_id: str) -> None:
    registry.open(RoomSettings())
    with pytest.raises(RoomUnknown, match="no such session"):
        registry.find(room_id)
    await registry.close(ROOM_CLOSE_S)


async def test_a_room_that_ends_makes_place(registry: Registry, metrics: Metrics) -> None:
    first, _ = [registry.open(RoomSettings()) for _ in range(2)]
    assert not registry.accepting
    with pytest.raises(ServiceFull, match="The service is full."):
        registry.open(RoomSettings())
    first.close("a test")
    with pytest.raises(RoomUnknown):  # at once, while it is being released
        registry.find(first.room_id)
    await until(lambda: registry.accepting)
    third = registry.open(RoomSettings())
    assert first not in registry.rooms and third in registry.rooms
    assert shown(metrics) == ["easel_rooms 2.0", "easel_rooms_opened_total 3.0"]
    await registry.close(ROOM_CLOSE_S)


async def test_a_peer_leads_to_its_room_also_while_it_is_away(registry: Registry) -> None:
    room, other = registry.open(RoomSettings()), registry.open(RoomSettings())
    _, peer_id = await room.offer(await an_offer(), None, restart=False)
    _, elsewhere = await other.offer(await an_offer(), None, restart=False)
    assert registry.find_by_peer(peer_id) is room
    assert registry.find_by_peer(elsewhere) is other
    await room.peers.by_id[peer_id].close("a test")
    assert not room.peers and registry.find_by_peer(peer_id) is room
    with pytest.raises(PeerUnknown, match="no such connection"):
        registry.find_by_peer("guessed")
    room.close("a test")
    with pytest.raises(PeerUnknown, match="no such connection"):
        registry.find_by_peer(peer_id)
    await registry.close(ROOM_CLOSE_S)


async def test_a_room_that_fails_is_logged_and_removed(
    registry: Registry,
    metrics: Metrics,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(room: Room) -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as broken:
        broken.setattr(Room, "run", fail)
        registry.open(RoomSettings())
        await until(lambda: len(registry) == 0)
    (record,) = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert record.getMessage() == "room failed"
    assert record.exc_info is not None and "broken" in str(record.exc_info[1])
    assert shown(metrics) == ["easel_rooms 0.0", "easel_rooms_opened_total 1.0"]
    assert registry.find(registry.open(RoomSettings()).room_id)
    await registry.close(ROOM_CLOSE_S)


async def test_the_life_of_a_room_is_logged(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pipeline.registry")
    registry.open(RoomSettings())
    await registry.close(ROOM_CLOSE_S)
    said = [r.getMessage() for r in caplog.records if r.name == "pipeline.registry"]
    assert said == ["room created", "room closed"]


async def test_closing_ends_every_room_and_opens_no_more(registry: Registry) -> None:
    waiting, talking = registry.open(RoomSettings()), registry.open(RoomSettings())
    await talking.offer(await an_offer(), None, restart=False)
    async with asyncio.timeout(ROOM_CLOSE_S):  # they are asked to end, not cancelled
        closing = asyncio.create_task(registry.close(1000.0))
        await until(lambda: waiting.lifecycle.over and talking.lifecycle.over)
        assert not registry.accepting
        with pytest.raises(ServiceFull, match="The service is shutting down."):
            registry.open(RoomSettings())
        await closing
    assert len(registry) == 0 and not talking.peers
    assert {waiting.lifecycle.state, talking.lifecycle.state} == {RoomState.CLOSED}
    assert not registry.accepting


async def test_without_rooms_there_is_nothing_to_wait_for(registry: Registry) -> None:
    async with asyncio.timeout(LIMIT_S):
        await registry.close(1000.0)
        await registry.close(1000.0)
    with pytest.raises(ServiceFull):
        registry.open(RoomSettings())


async def test_a_room_that_hangs_is_cancelled_at_the_limit(
    registry: Registry, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []

    async def hang(room: Room) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(room.room_id)

    well = registry.open(RoomSettings())
    await asyncio.sleep(0)  # it runs
    monkeypatch.setattr(Room, "run", hang)
    hanging = registry.open(RoomSettings())
    begun = asyncio.get_running_loop().time()
    async with asyncio.timeout(LIMIT_S):
        await registry.close(0.2)
    assert asyncio.get_running_loop().time() - begun >= 0.2
    assert ended == [hanging.room_id]
    assert well.lifecycle.state is RoomState.CLOSED
    assert len(registry) == 0
    assert shown(metrics) == ["easel_rooms 0.0", "easel_rooms_opened_total 2.0"]
