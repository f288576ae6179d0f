"""A room that was there before the service was started anew is opened again."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from pipeline.errors import RoomUnknown, ServiceFull
from pipeline.metrics import Metrics
from pipeline.registry import Registry
from pipeline.revival import Revival
from pipeline.room import Room
from pipeline.room_record import Revived, room_record
from pipeline.room_settings import RoomSettings
from pipeline.shared import Shared
from processors.frames import Role
from processors.images.folder_store import FolderStore
from processors.images.image_tools import ImageTools
from processors.images.room_store import RoomStore
from processors.images.store import BlobStore
from tests.pipeline.in_process import until
from tests.pipeline.room_parts import shared_parts
from tests.processors.images.studio_bench import PNG

LIMIT_S = 10.0


async def an_old_room(shared: Shared) -> Room:
    """With a picture and some words, saved as it is while people are in it."""
    room = Room("old-room", RoomSettings(), shared)
    await room.parts.studio.given(PNG, "gemini-x")
    room.parts.conversation.append(Role.USER, "Draw a house")
    room.parts.conversation.complete()
    record = room_record(
        room.token,
        room.created_at,
        room.settings,
        room.parts.studio.tree,
        room.parts.conversation,
    )
    await room.parts.studio.store.save_room(record.encoded(time.time()))
    await room.parts.showing.close()
    return room


def folder(root: Path) -> FolderStore:
    return FolderStore(root, max_bytes=1 << 30, max_age_s=3600)


async def test_it_comes_back_with_its_pictures_its_words_and_its_token(tmp_path: Path) -> None:
    with shared_parts(blobs=folder(tmp_path)) as shared:
        old = await an_old_room(shared)
    with shared_parts(blobs=folder(tmp_path)) as shared:
        registry = Registry(
            shared, Metrics(), max_rooms=2, revival=Revival(shared.blobs, grace_s=60)
        )
        found = await asyncio.gather(*(registry.find_or_revive("old-room") for _ in range(3)))
        assert len(set(map(id, found))) == 1
        room = found[0]
        assert (room.token, room.created_at) == (old.token, old.created_at)
        assert room.parts.studio.tree == old.parts.studio.tree
        assert room.parts.conversation.contents() == old.parts.conversation.contents()
        current = room.parts.studio.tree.current_id
        assert current is not None
        assert await room.parts.studio.store.get(current) is not None
        tools = ImageTools(room.parts.studio)
        assert (await tools.name_image("mine"))["name"] == "mine"
        await registry.close(LIMIT_S)


async def test_only_for_a_while_and_only_what_was_there(tmp_path: Path) -> None:
    now = 0.0
    with shared_parts(blobs=folder(tmp_path)) as shared:
        await an_old_room(shared)
        revival = Revival(shared.blobs, 60, lambda: now)
        registry = Registry(shared, Metrics(), max_rooms=1, revival=revival)
        for guess in ("nobody", "../old-room", "", "x" * 999):
            with pytest.raises(RoomUnknown):
                await registry.find_or_revive(guess)
        now = 60.1
        with pytest.raises(RoomUnknown):
            await registry.find_or_revive("old-room")
        now = 0.0
        registry.open(RoomSettings())
        with pytest.raises(ServiceFull):
            await registry.find_or_revive("old-room")
        await registry.close(LIMIT_S)


@pytest.mark.parametrize("data", [b"{", json.dumps({"version": 1}).encode()])
async def test_damage_opens_nothing(
    tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store = folder(tmp_path)
    await store.put("r", "room.json", data)
    assert await Revival(store, 60).find_untrusted("r") is None
    assert "cannot be opened again" in caplog.text or data != b"{"


async def test_a_store_that_fails_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "room.json").mkdir()
    assert await Revival(folder(tmp_path), 60).find_untrusted("r") is None


async def test_a_room_that_has_ended_does_not_come_back(tmp_path: Path) -> None:
    with shared_parts(blobs=folder(tmp_path)) as shared:
        room = await an_old_room(shared)
        await room.pictures.saving.forget()
        assert await RoomStore(shared.blobs, "old-room").fetch() is None
        current = room.parts.studio.tree.current_id
        assert current is not None
        assert await room.parts.studio.store.get(current) is not None  # for links


async def test_who_asks_while_the_service_ends_may_ask_the_next_one(tmp_path: Path) -> None:
    with shared_parts(blobs=folder(tmp_path)) as shared:
        registry = Registry(shared, Metrics(), max_rooms=1, revival=Revival(shared.blobs, 0))
        room_id = registry.open(RoomSettings()).room_id
        closing = asyncio.create_task(registry.close(LIMIT_S))
        await asyncio.sleep(0)
        assert registry.rooms
        for _ in range(2):
            with pytest.raises(ServiceFull, match="shutting down"):
                await registry.find_or_revive(room_id)
            await closing
        assert not registry.rooms


class Held(Revival):
    """Each look waits until it is let go."""

    def __init__(self, blobs: BlobStore) -> None:
        super().__init__(blobs, 60)
        self.looks = [asyncio.Event() for _ in range(3)]
        self.begun: list[asyncio.Event] = []

    async def find_untrusted(self, room_id: str) -> Revived | None:
        let_go = self.looks[len(self.begun)]
        self.begun.append(let_go)
        await let_go.wait()
        return await super().find_untrusted(room_id)


async def test_a_room_is_opened_again_once_even_when_the_first_try_failed(tmp_path: Path) -> None:
    with shared_parts(blobs=folder(tmp_path)) as shared:
        await an_old_room(shared)
        revival = Held(shared.blobs)
        registry = Registry(shared, Metrics(), max_rooms=1, revival=revival)
        other = registry.open(RoomSettings())
        first = asyncio.create_task(registry.find_or_revive("old-room"))
        second = asyncio.create_task(registry.find_or_revive("old-room"))
        await until(lambda: len(revival.begun) == 1)
        revival.looks[0].set()
        with pytest.raises(ServiceFull):
            await first
        await until(lambda: len(revival.begun) == 2)
        third = asyncio.create_task(registry.find_or_revive("old-room"))
        await until(lambda: len(revival.begun) == 3)
        other.close("makes room")
        await until(lambda: not registry.rooms)
        for look in revival.looks:
            look.set()
        assert await second is await third
        await registry.close(LIMIT_S)
