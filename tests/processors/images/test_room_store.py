"""One room's part of a store."""

import json

import pytest

from processors.images.memory_store import MemoryStore
from processors.images.records import RecordDamaged, image_record, tree_record
from processors.images.room_store import RoomStore
from tests.processors.images.test_tree import tree_of


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
    assert await store.load() is None
    tree = tree_of("a", "b")
    for image in tree.images.values():
        await store.save_image(image.image_id, image_record(image))
    await store.save_room({"token": "t", "tree": tree_record(tree)})
    saved = await store.load()
    assert saved is not None
    assert (saved.room["token"], saved.tree) == ("t", tree)
    await store.forget_room()
    assert await store.load() is None


@pytest.mark.parametrize("data", [b"{", b"[]", json.dumps({"tree": {"order": 1}}).encode()])
async def test_damage_is_told(data: bytes) -> None:
    blobs = MemoryStore()
    await blobs.put("r", "room.json", data)
    with pytest.raises(RecordDamaged):
        await RoomStore(blobs, "r").load()
