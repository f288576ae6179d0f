"""The room is saved soon after something changed, and once more at the end."""

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

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

    async def save_room(self, record: bytes) -> None:
        self.news.set()
        if self.fails:
            raise StoreFailed("full")
        self.saved.append(json.loads(record))

    async def until_saved(self) -> None:
        async with asyncio.timeout(LIMIT_S):
            await self.news.wait()
        self.news.clear()


def encoder(**record: Any) -> Callable[[float], bytes]:
    return lambda saved_at: json.dumps({**record, "saved_at": saved_at}).encode()


async def test_at_the_beginning_after_changes_and_at_the_end() -> None:
    store, number = Watched(), 0
    saving = Saving(store, lambda: encoder(number=number))
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
    saving = Saving(store, encoder)
    saving.begin()
    for _ in range(3):
        await store.until_saved()
    assert len(store.saved) >= 3, "without a change"
    await saving.close()


async def test_a_store_that_fails_is_counted_and_tried_again(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "GAP_S", 0.0)
    store = Watched()
    store.fails = True
    saving = Saving(store, encoder)
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
    saving = Saving(store, encoder)
    await saving.close()
    await saving.forget()
    assert store.saved == []


async def test_a_record_that_cannot_be_made_is_counted_and_made_again(
    monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "GAP_S", 0.0)
    store, broken = Watched(), True

    def record() -> Callable[[float], bytes]:
        store.news.set()
        if broken:
            raise RuntimeError("broken")
        return encoder()

    saving = Saving(store, record)
    saving.begin()
    await store.until_saved()
    broken = False
    saving.soon()
    await store.until_saved()
    await saving.close()
    assert saving.failures == 1
    assert store.saved
    assert "not saved" in caplog.text


class Slow(MemoryStore):
    """Writes in threads, as a folder does; the first write waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.let_go = threading.Event()
        self.kept: list[bytes] = []

    async def put(self, folder: str, name: str, data: bytes) -> None:
        first = not self.begun.is_set()
        self.begun.set()
        await asyncio.to_thread(self._write, data, first)

    def _write(self, data: bytes, first: bool) -> None:
        if first:
            assert self.let_go.wait(LIMIT_S)
        self.kept.append(data)


async def test_what_was_being_written_does_not_come_after_the_last_word() -> None:
    blobs, number = Slow(), 0
    saving = Saving(RoomStore(blobs, "r"), lambda: encoder(number=number))
    saving.begin()
    await asyncio.wait_for(blobs.begun.wait(), LIMIT_S)
    number = 1
    closing = asyncio.create_task(saving.close())
    await asyncio.wait({closing}, timeout=0.1)  # it must not end before
    blobs.let_go.set()
    await closing
    assert [json.loads(one)["number"] for one in blobs.kept] == [0, 1]


async def test_a_store_that_hangs_holds_nobody_up(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "CLOSE_LIMIT_S", 0.05)
    blobs = Slow()
    saving = Saving(RoomStore(blobs, "r"), encoder)
    saving.begin()
    await asyncio.wait_for(blobs.begun.wait(), LIMIT_S)
    await saving.close()
    assert saving.failures == 1
    blobs.let_go.set()
