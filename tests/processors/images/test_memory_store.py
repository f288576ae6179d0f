"""A store in memory, and one in front of another."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from processors.images.memory_store import CachedStore, MemoryStore


async def test_everything_that_a_store_does() -> None:
    store = MemoryStore()
    await store.put("r", "a", b"1")
    await store.put("s", "a", b"22")
    assert (await store.get("r", "a"), await store.get("r", "b")) == (b"1", None)
    assert (await store.names("r"), sorted(await store.folders())) == (["a"], ["r", "s"])
    await store.delete("r", "a")
    await store.delete("r", "a")
    await store.delete_folder("s")
    assert (await store.folders(), store.kept_bytes) == ([], 0)
    await store.put("r", "a", b"1")
    await store.close()
    assert store.kept_bytes == 0


async def test_the_one_unused_for_longest_goes_first_and_the_newest_stays() -> None:
    store = MemoryStore(limit_bytes=30)
    for name in "abc":
        await store.put("r", name, bytes(10))
    await store.get("r", "a")
    await store.put("r", "d", bytes(10))
    assert [name for name in "abcd" if await store.get("r", name)] == ["a", "c", "d"]
    await store.put("r", "huge", bytes(99))
    assert await store.names("r") == ["huge"]
    assert store.counters.evicted == 4


async def test_a_cache_saves_the_way_and_forgets_what_is_deleted() -> None:
    behind = MemoryStore()
    store = CachedStore(behind, MemoryStore(1000))
    await store.put("r", "a", b"1")
    await behind.delete("r", "a")
    assert await store.get("r", "a") == b"1"
    await behind.put("r", "b", b"2")
    assert await store.get("r", "b") == b"2"
    assert await store.get("r", "c") is None
    assert (await store.names("r"), await store.folders()) == (["b"], ["r"])
    await store.delete("r", "b")
    assert await store.get("r", "b") is None
    await store.put("r", "d", b"4")
    await store.delete_folder("r")
    assert await store.get("r", "d") is None
    await store.close()


class OnTheWay(MemoryStore):
    """What is got is on its way until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.let_go = asyncio.Event(), asyncio.Event()

    async def get(self, folder: str, name: str) -> bytes | None:
        data = await super().get(folder, name)
        self.begun.set()
        await self.let_go.wait()
        return data


async def test_what_is_deleted_on_its_way_does_not_live_on_in_the_cache() -> None:
    behind = OnTheWay()
    await behind.put("r", "a", b"1")
    store = CachedStore(behind, MemoryStore(1000))
    getting = asyncio.create_task(store.get("r", "a"))
    await behind.begun.wait()
    await store.delete("r", "a")
    behind.let_go.set()
    assert await getting == b"1"
    assert await store.get("r", "a") is None


def test_memory_is_gone_with_the_process_and_a_cache_is_as_lasting_as_what_is_behind() -> None:
    assert not CachedStore(MemoryStore(), MemoryStore()).outlives_the_process


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 40)), max_size=30))
async def test_it_counts_its_bytes(puts: list[tuple[str, int]]) -> None:
    store = MemoryStore(limit_bytes=60)
    for name, size in puts:
        await store.put("r", name, bytes(size))
        kept = [await store.get("r", one) or b"" for one in await store.names("r")]
        assert store.kept_bytes == sum(map(len, kept))
        assert store.kept_bytes <= 60 or len(kept) == 1
