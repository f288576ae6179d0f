"""One room's part of a store."""

import json

import pytest

from processors.images.memory_store import MemoryStore
from processors.images.records import RecordDamaged, image_record, tree_record
from processors.images.room_store import RoomStore, SavedRoom, saved_untrusted
from processors.images.store import StoreFailed
from tests.processors.images.test_tree import tree_of


async def load(store: RoomStore) -> SavedRoom | None:
    kept = await store.fetch()
    return None if kept is None else saved_untrusted(kept)


async def test_images_and_their_sizes() -> None:
    blobs = MemoryStore()
    one, other = RoomStore(blobs, "r1"), RoomStore(blobs, "r2")
    await one.put("a", b"original")
    await one.put_size("a", "screen", b"small")
    assert (await one.get("a"), await one.get_size("a", "screen")) == (b"original", b"small")
    assert await other.get("a") is None
    await one.save_image("a", {"x": 1})
    await one.delete("a")
    assert await blobs.names("r1") == []


async def test_a_room_comes_back_with_its_tree() -> None:
    store = RoomStore(MemoryStore(), "r")
    assert await load(store) is None
    tree = tree_of("a", "b")
    for image in tree.images.values():
        await store.put(image.image_id, b"its bytes")
        await store.save_image(image.image_id, image_record(image))
    await store.save_room(json.dumps({"token": "t", "tree": tree_record(tree)}).encode())
    saved = await load(store)
    assert saved is not None
    assert (saved.room["token"], saved.tree) == ("t", tree)
    await store.forget_room()
    assert await load(store) is None


@pytest.mark.parametrize("data", [b"{", b"[]", json.dumps({"tree": {"order": 1}}).encode()])
async def test_damage_is_told(data: bytes) -> None:
    blobs = MemoryStore()
    await blobs.put("r", "room.json", data)
    with pytest.raises(RecordDamaged):
        await load(RoomStore(blobs, "r"))


class Dying(MemoryStore):
    """The process dies with the second deletion."""

    left: int = 1

    async def delete(self, folder: str, name: str) -> None:
        if self.left == 0:
            raise StoreFailed("died")
        self.left -= 1
        await super().delete(folder, name)


async def kept_in(blobs: MemoryStore) -> RoomStore:
    """A room of two images, b made from a, and b current."""
    store, tree = RoomStore(blobs, "r"), tree_of("a", "b")
    for image in tree.images.values():
        await store.put(image.image_id, b"its bytes")
        await store.save_image(image.image_id, image_record(image))
    await store.save_room(json.dumps({"tree": tree_record(tree)}).encode())
    return store


async def test_an_image_that_was_being_deleted_does_not_come_back_empty() -> None:
    store = await kept_in(Dying())
    with pytest.raises(StoreFailed):
        await store.delete("b")
    saved = await load(store)
    assert saved is not None
    assert (list(saved.tree.images), saved.tree.current_id) == (["a"], "a")


async def test_an_image_without_bytes_is_left_out() -> None:
    blobs = MemoryStore()
    store = await kept_in(blobs)
    await blobs.delete("r", "b.image")  # there was too much
    saved = await load(store)
    assert saved is not None
    assert (list(saved.tree.images), saved.tree.current_id) == (["a"], "a")


@pytest.mark.parametrize("record", [b"", b"{", b"{}", b"[]"])
async def test_an_image_that_is_damaged_does_not_take_the_room_with_it(
    record: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    blobs = MemoryStore()
    store = await kept_in(blobs)
    await blobs.put("r", "b.json", record)
    saved = await load(store)
    assert saved is not None
    assert list(saved.tree.images) == ["a"]
    assert "an image is lost" in caplog.text


class Swept(MemoryStore):
    """What is named is gone when it is asked for."""

    async def get(self, folder: str, name: str) -> bytes | None:
        return None if name == "b.json" else await super().get(folder, name)


async def test_what_is_deleted_meanwhile_is_left_out() -> None:
    saved = await load(await kept_in(Swept()))
    assert saved is not None
    assert list(saved.tree.images) == ["a"]
