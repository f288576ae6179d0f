"""A story is sent to its end, or visibly not; nobody keeps others from theirs for long."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from pipeline import app, export
from pipeline.room import Room
from processors.frames import Role
from processors.images.store import StoreFailed
from tests.pipeline.in_process import Easel, easel, until
from tests.processors.images.hostile import jpeg

LIMIT_S = 10.0
MORE_THAN_BUFFERS = 32 << 20


@pytest_asyncio.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Easel]:
    monkeypatch.setattr(app, "MAX_EXPORTS", 1)
    async with easel(monkeypatch) as one:
        yield one


async def a_room(served: Easel) -> tuple[Room, str]:
    """With an image; and where its story is."""
    told = await served.start()
    room = served.room(told["sessionId"])
    room.parts.conversation.append(Role.USER, "Draw a house")
    room.parts.conversation.complete()
    await room.parts.studio.given(jpeg(40, 30), "gemini-x")
    return room, f"/sessions/{room.room_id}/export"


async def fetched(served: Easel, path: str) -> bytes:
    async with served.http.get(path) as response:
        assert response.status == 200
        return await response.read()


async def test_half_a_character_does_not_break_off_the_rest(served: Easel) -> None:
    """JSON's escapes can write it, UTF-8 cannot."""
    room, path = await a_room(served)
    (image,) = room.parts.studio.tree.images.values()
    image.prompt = "half \ud83d a face"
    room.parts.conversation.append(Role.USER, "and \ud83d said")
    room.parts.conversation.complete()
    page = (await fetched(served, f"{path}.html")).decode()
    assert "half ? a face" in page and page.endswith("</main></html>\n")
    archive = zipfile.ZipFile(io.BytesIO(await fetched(served, f"{path}.zip")))
    assert "half ? a face" in archive.read("story.html").decode()
    assert "half ? a face" in archive.read("story.json").decode()


async def test_images_that_cannot_be_read_are_left_out(
    served: Easel, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, path = await a_room(served)

    async def fail(*name: str) -> bytes:
        raise StoreFailed("away")

    monkeypatch.setattr(type(room.parts.studio.store), "get", fail)
    monkeypatch.setattr(type(room.parts.studio.store), "get_size", fail)
    page = (await fetched(served, f"{path}.html")).decode()
    assert "<figure>" not in page and page.endswith("</main></html>\n")
    archive = zipfile.ZipFile(io.BytesIO(await fetched(served, f"{path}.zip")))
    assert archive.namelist() == ["story.html", "story.json"]
    assert "Draw a house" in archive.read("story.html").decode()


async def test_a_size_that_is_there_is_used(served: Easel) -> None:
    room, path = await a_room(served)
    (image_id,) = room.parts.studio.tree.images
    await room.parts.studio.store.put_size(image_id, "screen", b"small")
    assert b"data:image/webp;base64,c21hbGw=" in await fetched(served, f"{path}.html")


async def test_what_a_story_is_can_be_asked_without_fetching_it(served: Easel) -> None:
    room, path = await a_room(served)
    for kind in ("zip", "html"):
        async with served.http.head(f"{path}.{kind}") as response:
            assert (response.status, await response.read()) == (200, b"")
            assert f"easel-story.{kind}" in response.headers["Content-Disposition"]
        assert (await served.asked("GET", f"/sessions/{room.room_id}"))[0] == 200


@asynccontextmanager
async def somebody_who_does_not_read(served: Easel, path: str) -> AsyncIterator[None]:
    host, _, port = served.url.rpartition("//")[2].partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        yield
    finally:
        writer.close()


async def a_long_story(served: Easel, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Any]:
    room, path = await a_room(served)
    (image_id,) = room.parts.studio.tree.images
    await room.parts.studio.store.put(image_id, bytes(MORE_THAN_BUFFERS))
    begun, get = asyncio.Event(), type(room.parts.studio.store).get

    async def noted(*name: Any) -> bytes | None:
        begun.set()
        return await get(*name)

    monkeypatch.setattr(type(room.parts.studio.store), "get", noted)
    return f"{path}.zip", begun


async def test_who_does_not_read_gives_its_place_to_others(
    served: Easel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "STALL_LIMIT_S", 0.2)
    path, _ = await a_long_story(served, monkeypatch)
    async with somebody_who_does_not_read(served, path):
        await until(lambda: served.refusals.get("export_broken_off") == 1)
        assert len(await fetched(served, path)) > MORE_THAN_BUFFERS


async def test_too_many_at_once_are_refused(served: Easel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "WAIT_LIMIT_S", 0.05)
    path, begun = await a_long_story(served, monkeypatch)
    async with somebody_who_does_not_read(served, path):
        await asyncio.wait_for(begun.wait(), LIMIT_S)
        assert await served.refused("GET", path) == (
            503, "Too many stories are fetched at once. Try again.", "export_too_many",
        )  # fmt: skip
    await until(lambda: served.refusals.get("export_broken_off") == 1)


async def test_a_mistake_of_ours_ends_the_answer_too_early(
    served: Easel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _, path = await a_room(served)

    def broken(*anything: Any) -> str:
        raise RuntimeError("broken")

    monkeypatch.setattr(export, "said_html", broken)
    with pytest.raises(Exception, match="payload|disconnected"):
        await fetched(served, f"{path}.html")
    assert "could not be told to its end" in caplog.text
    assert served.refusals == {"internal_error": 1}
    monkeypatch.undo()
