"""Who cannot see pictures in the room is handed a link."""

import asyncio

import pytest

from pipeline.picture_links import PictureLink, PictureLinks
from pipeline.room import Room
from pipeline.room_settings import RoomSettings
from pipeline.shares import Shares
from processors.images.memory_store import MemoryStore
from processors.images.store import StoreFailed
from tests.pipeline.room_parts import shared_parts
from tests.processors.images.studio_bench import PNG
from tests.processors.images.test_tree import tree_of

LIMIT_S = 10.0


class Phone:
    """A bridge that keeps what it would send as text messages."""

    def __init__(self, *, breaks: bool = False) -> None:
        self.sent: list[PictureLink] = []
        self.told = asyncio.Event()
        self._breaks = breaks

    async def picture_ready(self, link: PictureLink) -> None:
        self.sent.append(link)
        self.told.set()
        if self._breaks:
            raise ConnectionError


async def test_each_picture_that_becomes_current_is_sent_as_a_link() -> None:
    with shared_parts() as shared:
        room = Room("secret-room", RoomSettings(), shared)
        phone = Phone()
        detach = room.pictures.links.attach(phone)
        await room.parts.studio.given(PNG, "gemini-x")
        async with asyncio.timeout(LIMIT_S):
            await phone.told.wait()
        (link,) = phone.sent
        assert link.url.startswith("https://easel.example.org/pictures/")
        assert "secret-room" not in link.url
        share_id = link.url.rpartition("/")[2]
        found = await Shares(shared.blobs).find_untrusted(share_id, 0.0)
        assert found is not None
        assert (found.room_id, found.image_id) == ("secret-room", link.image_id)
        detach()
        detach()
        await room.parts.studio.given(PNG, "gemini-x")
        await room.pictures.close()
        assert len(phone.sent) == 1


async def test_a_bridge_that_fails_keeps_nobody_from_theirs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    links = PictureLinks("r", Shares(MemoryStore()), "")
    broken, phone = Phone(breaks=True), Phone()
    links.attach(broken)
    links.attach(phone)
    links.current(None)
    links.current(tree_of("a").current)
    async with asyncio.timeout(LIMIT_S):
        await phone.told.wait()
    assert phone.sent[0].url.startswith("/pictures/")
    assert "a bridge failed with ConnectionError" in caplog.text
    await links.close()


async def test_without_a_store_there_is_no_link(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def full(self: MemoryStore, folder: str, name: str, data: bytes) -> None:
        raise StoreFailed("full")

    monkeypatch.setattr(MemoryStore, "put", full)
    links = PictureLinks("r", Shares(MemoryStore()), "")
    phone = Phone()
    links.attach(phone)
    links.current(tree_of("a").current)
    async with asyncio.timeout(LIMIT_S):
        while "a bridge gets no link" not in caplog.text:  # noqa: ASYNC110  # a log has no event
            await asyncio.sleep(0)
    assert phone.sent == []
    await links.close()
