"""A room's story to take along, sent as it is put together: one image in memory at a time."""

import asyncio
import base64
import logging
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from typing import Final

from aiohttp import web

from pipeline.doors import DOORS
from pipeline.errors import ExportsBusy
from pipeline.room import Room
from pipeline.story import (
    END_HTML,
    Item,
    Said,
    Shown,
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
WAIT_LIMIT_S: Final = 5.0  # for a place among them
STALL_LIMIT_S: Final = 30.0  # who takes no more in so long gives its place to others
CHUNK_BYTES: Final = 1 << 16  # what is written at once is copied, and tens of megabytes take long
HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'",
}

logger = logging.getLogger(__name__)

Piece = bytes | bytearray

EXPORTS: Final = web.AppKey("exports", asyncio.Semaphore)


async def export_html(request: web.Request, room: Room) -> web.StreamResponse:
    """One page that needs nothing else. Raises `ExportsBusy`."""
    return await _sent(request, _html(request, room), "text/html", "html")


async def export_zip(request: web.Request, room: Room) -> web.StreamResponse:
    """The images, what was edited of cameras and uploads, the same page, and all of it as JSON.
    Raises `ExportsBusy`."""
    return await _sent(request, _zip(room), "application/zip", "zip")


async def _sent(
    request: web.Request, pieces: AsyncGenerator[Piece], content_type: str, ending: str
) -> web.StreamResponse:
    disposition = f'attachment; filename="easel-story.{ending}"'
    response = web.StreamResponse(headers={**HEADERS, "Content-Disposition": disposition})
    response.content_type = content_type
    if ending == "html":
        response.charset = "utf-8"
    async with _place(request), aclosing(pieces):
        await response.prepare(request)
        if request.method != "HEAD":
            await _pass_on(request, pieces, response)
    return response


@asynccontextmanager
async def _place(request: web.Request) -> AsyncIterator[None]:
    """Among the exports at a time. Raises `ExportsBusy`."""
    exports = request.app[EXPORTS]
    try:
        async with asyncio.timeout(WAIT_LIMIT_S):
            await exports.acquire()
    except TimeoutError:
        raise ExportsBusy("Too many stories are fetched at once. Try again.") from None
    try:
        yield
    finally:
        exports.release()


async def _pass_on(
    request: web.Request, pieces: AsyncIterator[Piece], response: web.StreamResponse
) -> None:
    """What goes wrong now cannot be told any more, but by an answer that ends too early."""
    try:
        async for piece in pieces:
            for at in range(0, len(piece), CHUNK_BYTES):
                async with asyncio.timeout(STALL_LIMIT_S):
                    await response.write(memoryview(piece)[at : at + CHUNK_BYTES])
        await response.write_eof()
        return
    except (ConnectionError, TimeoutError):
        request.app[DOORS].metrics.count("export_broken_off")
    except Exception:
        logger.exception("a story could not be told to its end")
        request.app[DOORS].metrics.count("internal_error")
    if request.transport is not None:
        request.transport.abort()


def _items(room: Room) -> list[Item]:
    images = list(room.parts.studio.tree.images.values())
    return story(room.parts.conversation.transcript(), images)


async def _html(request: web.Request, room: Room) -> AsyncGenerator[Piece]:
    yield _utf8(head_html(room.created_at))
    for item in _items(room):
        if isinstance(item, Said):
            yield _utf8(said_html(item))
            continue
        screen = await _screen(request, room, item.image.image_id)
        if screen is not None:
            source = "data:image/webp;base64," + base64.b64encode(screen).decode()
            yield _utf8(shown_html(item, source))
    yield _utf8(END_HTML)


async def _screen(request: web.Request, room: Room, image_id: str) -> bytes | None:
    store = room.parts.studio.store
    with suppress(StoreFailed):
        kept = await store.get_size(image_id, "screen")
        data = await store.get(image_id) if kept is None else None
        if data is None:
            return kept
        shrink = partial(resized, data, "screen")
        executor = request.app[DOORS].executor
        return (await asyncio.get_running_loop().run_in_executor(executor, shrink)).data
    return None


class _Sink:
    """What `zipfile` writes, until it is taken."""

    def __init__(self) -> None:
        self._pieces = bytearray()

    def write(self, data: bytes) -> int:
        self._pieces += data
        return len(data)

    def flush(self) -> None:
        pass

    def taken(self) -> bytearray:
        taken, self._pieces = self._pieces, bytearray()
        return taken


async def _zip(room: Room) -> AsyncGenerator[Piece]:
    """Its parts are put together in threads: an image may have tens of megabytes."""
    sink = _Sink()
    items = _items(room)
    there = set()
    # A stream without a way back; images are compressed already.
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]  # it asks for `write` and `flush` only, its type for a whole file
        for item in items:
            data = None if isinstance(item, Said) else await _bytes(room, item.image.image_id)
            if isinstance(item, Shown) and data is not None:
                await asyncio.to_thread(archive.writestr, item.file_name, data)
                there.add(item.number)
                yield sink.taken()
        for original in [*room.parts.studio.tree.originals.values()]:
            data = await _bytes(room, original.original_id)
            if data is not None:
                await asyncio.to_thread(archive.writestr, original_name(original), data)
                yield sink.taken()
        await asyncio.to_thread(_write_pages, archive, items, there, room.created_at)
    yield sink.taken()


def _write_pages(
    archive: zipfile.ZipFile, items: Sequence[Item], there: set[int], created_at: float
) -> None:
    page = [head_html(created_at)]
    for item in items:
        if isinstance(item, Said):
            page.append(said_html(item))
        elif item.number in there:
            page.append(shown_html(item, item.file_name))
    archive.writestr("story.html", _utf8("".join([*page, END_HTML])))
    archive.writestr("story.json", _utf8(story_json(items, created_at)))


async def _bytes(room: Room, image_id: str) -> bytes | None:
    try:
        return await room.parts.studio.store.get(image_id)
    except StoreFailed:
        return None


def _utf8(text: str) -> bytes:
    """Half a character, which a stranger may have written, must not break off the rest."""
    return text.encode(errors="replace")
