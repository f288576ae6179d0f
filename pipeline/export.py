"""A room's story to take along, sent as it is put together: one image in memory at a time."""

import asyncio
import base64
import zipfile
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

from aiohttp import web

from pipeline.doors import DOORS
from pipeline.room import Room
from pipeline.story import (
    END_HTML,
    Item,
    Said,
    head_html,
    original_name,
    said_html,
    shown_html,
    story,
    story_json,
)
from processors.images.sizes import resized
from processors.images.store import StoreFailed

MAX_EXPORTS: Final = 4  # at a time, of the whole service
HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'",
}
EXPORTS: Final = web.AppKey("exports", asyncio.Semaphore)


async def export_html(request: web.Request, room: Room) -> web.StreamResponse:
    """One page that needs nothing else."""
    async with request.app[EXPORTS]:
        return await _sent(request, _html(request, room), "text/html", "html")


async def export_zip(request: web.Request, room: Room) -> web.StreamResponse:
    """The images, what was edited of cameras and uploads, the same page, and all of it as JSON."""
    async with request.app[EXPORTS]:
        return await _sent(request, _zip(room), "application/zip", "zip")


async def _sent(
    request: web.Request, pieces: AsyncIterator[bytes], content_type: str, ending: str
) -> web.StreamResponse:
    disposition = f'attachment; filename="easel-story.{ending}"'
    response = web.StreamResponse(headers={**HEADERS, "Content-Disposition": disposition})
    response.content_type = content_type
    if ending == "html":
        response.charset = "utf-8"
    await response.prepare(request)
    async for piece in pieces:
        await response.write(piece)
    await response.write_eof()
    return response


def _items(room: Room) -> list[Item]:
    images = list(room.parts.studio.tree.images.values())
    return story(room.parts.conversation.transcript(), images)


async def _html(request: web.Request, room: Room) -> AsyncIterator[bytes]:
    store, executor = room.parts.studio.store, request.app[DOORS].executor
    yield head_html(room.created_at).encode()
    for item in _items(room):
        if isinstance(item, Said):
            yield said_html(item).encode()
            continue
        data = await _bytes(room, item.image.image_id)
        if data is None:
            continue
        screen = await store.get_size(item.image.image_id, "screen")
        if screen is None:
            shrink = partial(resized, data, "screen")
            screen = (await asyncio.get_running_loop().run_in_executor(executor, shrink)).data
        source = "data:image/webp;base64," + base64.b64encode(screen).decode()
        yield shown_html(item, source).encode()
    yield END_HTML.encode()


class _Sink:
    """What `zipfile` writes, until it is taken."""

    def __init__(self) -> None:
        self._pieces = bytearray()

    def write(self, data: bytes) -> int:
        self._pieces += data
        return len(data)

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        taken = bytes(self._pieces)
        self._pieces.clear()
        return taken


async def _zip(room: Room) -> AsyncIterator[bytes]:
    sink = _Sink()
    items = _items(room)
    page = [head_html(room.created_at)]
    # A stream without a way back; images are compressed already.
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]  # it asks for `write` and `flush` only, its type for a whole file
        for item in items:
            if isinstance(item, Said):
                page.append(said_html(item))
                continue
            data = await _bytes(room, item.image.image_id)
            if data is not None:
                archive.writestr(item.file_name, data)
                page.append(shown_html(item, item.file_name))
                yield sink.taken()
        for original in room.parts.studio.tree.originals.values():
            data = await _bytes(room, original.original_id)
            if data is not None:
                archive.writestr(original_name(original), data)
                yield sink.taken()
        archive.writestr("story.html", "".join([*page, END_HTML]))
        archive.writestr("story.json", story_json(items, room.created_at))
    yield sink.taken()


async def _bytes(room: Room, image_id: str) -> bytes | None:
    try:
        return await room.parts.studio.store.get(image_id)
    except StoreFailed:
        return None
