"""The room is saved soon after something changed, and once more at the end."""

import asyncio
from typing import Any

from pipeline import saving as module
from pipeline.saving import Saving
from processors.images.memory_store import MemoryStore
from processors.images.room_store import RoomStore
from processors.images.store import StoreFailed

LIMIT_S = 10.0


class Watched(RoomStore):
    """Says when it was given something."""

    def __init__(self) -> None:
        super().__init__(MemoryStore(), "r")
        self.saved: list[dict[str, Any]] = []
        self.news = asyncio.Event()
        self.fails = False

    async def save_room(self, record: dict[str, Any]) -> None:
        self.news.set()
        if self.fails:
            raise StoreFailed("full")
        self.saved.append(record)

    async def until_saved(self) -> None:
        async with asyncio.timeout(LIMIT_S):
            await self.news.wait()
        self.news.clear()


async def test_at_the_beginning_after_changes_and_at_the_end() -> None:
    store, number = Watched(), 0
    saving = Saving(store, lambda: {"number": number})
    saving.soon()
    assert store.saved == []
    saving.begin()
    await store.until_saved()
    number = 1
    saving.soon()
    saving.soon()
    await store.until_saved()
    number = 2
    await saving.close()
    await saving.close()
    saving.soon()
    assert [one["number"] for one in store.saved] == [0, 1, 2]
    assert all(one["saved_at"] > 0 for one in store.saved)


async def test_a_room_in_which_nothing_happens_says_that_it_lives(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "ALIVE_S", 0.01)
    monkeypatch.setattr(module, "GAP_S", 0.0)
    store = Watched()
    saving = Saving(store, dict)
    saving.begin()
    for _ in range(3):
        await store.until_saved()
    await saving.close()


async def test_a_store_that_fails_is_counted_and_tried_again(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "GAP_S", 0.0)
    store = Watched()
    store.fails = True
    saving = Saving(store, dict)
    saving.begin()
    await store.until_saved()
    store.fails = False
    saving.soon()
    await store.until_saved()
    await saving.close()
    assert saving.failures == 1
    assert store.saved


async def test_a_room_that_never_began_saves_nothing_and_can_be_forgotten() -> None:
    store = Watched()
    saving = Saving(store, dict)
    await saving.close()
    await saving.forget()
    assert store.saved == []
