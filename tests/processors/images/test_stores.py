"""Every store keeps its promises; each is the real one, S3 with a server on this machine."""

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import boto3  # type: ignore[import-untyped]  # it ships no types
import pytest
import pytest_asyncio
from moto.server import ThreadedMotoServer

from processors.images.folder_store import FolderStore
from processors.images.memory_store import CachedStore, MemoryStore
from processors.images.s3_store import S3Store
from processors.images.store import BlobStore, StoreFailed

DAY_S = 86_400.0


@pytest.fixture(scope="module")
def s3_url() -> object:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def of_folder(root: Path, max_bytes: int = 1 << 30) -> FolderStore:
    return FolderStore(root, max_bytes=max_bytes, max_age_s=DAY_S)


async def of_s3(url: str, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "for-tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "for-tests")
    store = S3Store("pictures", prefix="easel", endpoint_url=url, region="eu-west-1")
    s3 = boto3.client("s3", endpoint_url=url, region_name="eu-west-1")
    if not s3.list_buckets()["Buckets"]:
        place = {"LocationConstraint": "eu-west-1"}
        s3.create_bucket(Bucket="pictures", CreateBucketConfiguration=place)
    await store.open()
    return store


@pytest_asyncio.fixture(params=["memory", "folder", "s3", "cached"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[BlobStore]:
    made: BlobStore
    match request.param:
        case "memory":
            made = MemoryStore()
        case "folder":
            made = folder = of_folder(tmp_path)
            await folder.open()
        case "s3":
            made = await of_s3(request.getfixturevalue("s3_url"), monkeypatch)
        case _:
            folder = of_folder(tmp_path)
            await folder.open()
            made = CachedStore(folder, MemoryStore(1000))
    yield made
    for folder_name in await made.folders():
        await made.delete_folder(folder_name)
    await made.close()
    await made.close()


async def test_what_was_put_can_be_got_until_it_is_deleted(store: BlobStore) -> None:
    await store.put("room", "a.image", b"one")
    await store.put("room", "b.image", b"two")
    await store.put("other", "a.image", b"three")
    assert await store.get("room", "a.image") == b"one"
    assert await store.get("other", "a.image") == b"three"
    assert await store.get("room", "c.image") is None
    assert sorted(await store.names("room")) == ["a.image", "b.image"]
    assert sorted(await store.folders()) == ["other", "room"]
    await store.put("room", "a.image", b"another")
    assert await store.get("room", "a.image") == b"another"
    await store.delete("room", "a.image")
    await store.delete("room", "a.image")
    assert await store.get("room", "a.image") is None
    await store.delete_folder("room")
    assert await store.names("room") == []
    assert await store.get("room", "b.image") is None
    assert await store.names("nobody") == []


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "a\0b", "x" * 200, "~"])
async def test_no_name_leads_out_of_its_folder(store: BlobStore, name: str) -> None:
    for call in (
        store.put("room", name, b""), store.get(name, "a"), store.delete("room", name),
        store.names(name), store.delete_folder(name),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            await call


async def test_memory_keeps_what_was_used_last() -> None:
    store = MemoryStore(limit_bytes=30)
    for name in "abc":
        await store.put("r", name, bytes(10))
    await store.get("r", "a")
    await store.put("r", "d", bytes(10))
    assert [name for name in "abcd" if await store.get("r", name)] == ["a", "c", "d"]
    assert (store.counters.evicted, store.counters.misses, store.kept_bytes) == (1, 1, 30)
    await store.put("r", "huge", bytes(99))
    assert (await store.names("r"), store.kept_bytes) == (["huge"], 99)


async def test_a_folder_is_private_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    store = of_folder(tmp_path / "new" / "folder")
    await store.open()
    await store.put("r", "a", b"1")
    place = tmp_path / "new" / "folder" / "r"
    assert place.stat().st_mode & 0o777 == 0o700
    assert (place / "a").stat().st_mode & 0o777 == 0o600
    (place / "b").mkdir()
    with pytest.raises(StoreFailed, match="folder of images"):
        await store.put("r", "b", b"2")
    assert sorted(path.name for path in place.iterdir()) == ["a", "b"]
    assert store.counters.failed == 1
    await store.close()


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreFailed):
        await of_folder(tmp_path / "file").open()


async def test_a_folder_that_is_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    with pytest.raises(StoreFailed, match="not Easel's"):
        await of_folder(tmp_path).open()
    (tmp_path / "documents").rmdir()
    for _ in range(2):
        store = of_folder(tmp_path)
        await store.open()
        await store.put("r", "a", b"1")
        await store.close()


async def test_what_is_old_or_too_much_is_swept(tmp_path: Path) -> None:
    store = of_folder(tmp_path, max_bytes=100)
    now = time.time()
    for number in range(5):
        await store.put(f"r{number}", "a", bytes(30))
        os.utime(tmp_path / f"r{number}" / "a", (now, now - 100 + number))
    os.utime(tmp_path / "r4" / "a", (now, now - 2 * DAY_S))
    await store.sweep(now)
    # One was too old, and of the other 120 bytes the oldest went.
    assert sorted(await store.folders()) == ["r1", "r2", "r3"]
    assert store.counters.swept == 2
    await store.sweep(now)
    assert store.counters.swept == 2


async def test_a_room_keeps_all_its_images_as_long_as_something_happens_in_it(
    tmp_path: Path,
) -> None:
    store = of_folder(tmp_path)
    now = time.time()
    for folder, name, age_s in (("r", "first", 2), ("r", "last", 0.5), ("over", "only", 2)):
        await store.put(folder, name, b"1")
        os.utime(tmp_path / folder / name, (now, now - age_s * DAY_S))
    await store.sweep(now)
    assert await store.folders() == ["r"]
    assert sorted(await store.names("r")) == ["first", "last"]


async def test_of_too_much_the_images_of_rooms_that_are_over_go_first(tmp_path: Path) -> None:
    store = of_folder(tmp_path, max_bytes=100)
    now = time.time()
    for folder, name, age_s in (("here", "first", 50), ("here", "last", 1), ("over", "only", 20)):
        await store.put(folder, name, bytes(40))
        os.utime(tmp_path / folder / name, (now, now - age_s))
    await store.sweep(now)
    assert sorted(await store.names("here")) == ["first", "last"]
    assert await store.names("over") == []


async def test_what_stands_apart_grows_old_by_itself(tmp_path: Path) -> None:
    store = FolderStore(tmp_path, max_bytes=1 << 30, max_age_s=DAY_S, apart=frozenset({"shares"}))
    now = time.time()
    for name, age_s in (("old", 2 * DAY_S), ("new", 1)):
        await store.put("shares", name, b"1")
        os.utime(tmp_path / "shares" / name, (now, now - age_s))
    await store.sweep(now)
    assert await store.names("shares") == ["new"]


async def test_what_a_crash_left_half_written_is_swept(tmp_path: Path) -> None:
    store = of_folder(tmp_path)
    now = time.time()
    places = [tmp_path / "over", tmp_path / "here", tmp_path]
    for place in places:
        place.mkdir(exist_ok=True)
        (place / ".0123456789abcdef").write_bytes(b"half of")
        os.utime(place / ".0123456789abcdef", (now, now - 2 * 3600))
    (tmp_path / "here" / ".fedcba9876543210").write_bytes(b"being written")
    (tmp_path / "here" / ".not-ours").write_bytes(b"")
    os.utime(tmp_path / "here" / ".not-ours", (1.0, 1.0))
    await store.sweep(now)
    kept = sorted(path.name for path in (tmp_path / "here").iterdir())
    assert kept == [".fedcba9876543210", ".not-ours"]
    assert os.listdir(tmp_path) == ["here"]


async def test_a_folder_that_is_swept_away_under_a_file_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, opened = of_folder(tmp_path), os.open

    def swept_before(path: Path, *how: int) -> int:
        monkeypatch.setattr(os, "open", opened)
        store.sweep_now(time.time())
        return opened(path, *how)

    monkeypatch.setattr(os, "open", swept_before)
    await store.put("r", "a", b"1")
    assert await store.get("r", "a") == b"1"


async def test_what_is_spared_does_not_grow_old(tmp_path: Path) -> None:
    store = FolderStore(tmp_path, max_bytes=1, max_age_s=DAY_S, spared=frozenset({"service"}))
    for folder in ("service", "room"):
        await store.put(folder, "a", b"12")
        os.utime(tmp_path / folder / "a", (1.0, 1.0))
    await store.sweep(time.time())
    assert await store.folders() == ["service"]


async def test_what_is_used_is_not_old(tmp_path: Path) -> None:
    store = of_folder(tmp_path)
    await store.put("r", "a", b"1")
    before = time.time() - 3600
    os.utime(tmp_path / "r" / "a", (before, before))
    assert await store.get("r", "a") == b"1"
    assert (tmp_path / "r" / "a").stat().st_mtime > before + 1800


async def test_a_cache_saves_the_way(tmp_path: Path) -> None:
    behind = of_folder(tmp_path)
    store = CachedStore(behind, MemoryStore(1000))
    await store.put("r", "a", b"1")
    (tmp_path / "r" / "a").unlink()
    assert await store.get("r", "a") == b"1"
    await behind.put("r", "b", b"2")
    assert await store.get("r", "b") == b"2"
    (tmp_path / "r" / "b").unlink()
    assert await store.get("r", "b") == b"2"
    assert store.memory.counters.hits == 2


async def test_a_bucket_that_is_not_there_is_told(
    s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "for-tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "for-tests")
    store = S3Store("nowhere", endpoint_url=s3_url, region=None)
    with pytest.raises(StoreFailed, match="ClientError"):
        await store.open()
    await store.close()
