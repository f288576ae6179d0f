"""An image's bytes as an HTTP answer: in the size asked for, whole or in part, or not again."""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

from aiohttp import web

from pipeline.doors import DOORS
from pipeline.errors import ImageUnknown, RequestRefused, StoreAway
from processors.images.room_store import RoomStore
from processors.images.sizes import LONG_SIDES, Size, resized
from processors.images.store import StoreFailed

EXTENSIONS: Final = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
# A picture that is opened by itself is a document of this origin: it may do nothing.
HEADERS: Final = {
    "Cache-Control": "private, max-age=86400, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-site",
    "Referrer-Policy": "no-referrer",
    "Accept-Ranges": "bytes",
}
_RANGE: Final = re.compile(r"bytes=(\d{0,12})-(\d{0,12})", re.ASCII)


def size_untrusted(request: web.Request) -> Size:
    """Raises `RequestRefused`."""
    size = request.query.get("size", "original")
    if size not in (*LONG_SIDES, "original"):
        raise RequestRefused("The size is thumbnail, screen or original.")
    return cast(Size, size)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One image in one size. A size is made when it is first asked for, by one at a time."""

    room_id: str
    image_id: str
    mime_type: str
    sha256: str
    size: Size

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Raises `ImageUnknown`, `StoreAway`."""
        original = self.size == "original"
        etag = self.sha256 if original else f"{self.sha256[:32]}-{self.size}"
        mime_type = self.mime_type if original else "image/webp"
        if _has_it(request, etag):
            return web.Response(status=304, headers={**HEADERS, "ETag": f'"{etag}"'})
        store = RoomStore(request.app[DOORS].blobs, self.room_id)
        try:
            data = await (store.get(self.image_id) if original else self._sized(request, store))
        except StoreFailed:
            raise StoreAway("The image cannot be read now. Try again.") from None
        if data is None:
            raise ImageUnknown("The image is not kept any more.")
        return answer(request, data, mime_type, etag)

    async def _sized(self, request: web.Request, store: RoomStore) -> bytes | None:
        assert self.size != "original"
        kept = await store.get_size(self.image_id, self.size)
        if kept is not None:
            return kept
        sizing = request.app[SIZING]
        async with sizing.setdefault((self.image_id, self.size), asyncio.Lock()):
            try:
                kept = await store.get_size(self.image_id, self.size)
                data = await store.get(self.image_id) if kept is None else None
                if kept is not None or data is None:
                    return kept
                make = partial(resized, data, self.size)
                executor = request.app[DOORS].executor
                made = await asyncio.get_running_loop().run_in_executor(executor, make)
                with suppress(StoreFailed):  # a full disk hides no image: it is made again
                    await store.put_size(self.image_id, self.size, made.data)
                    if await store.get(self.image_id) is None:  # it was deleted meanwhile
                        await store.delete(self.image_id)
                return made.data
            finally:
                sizing.pop((self.image_id, self.size), None)


SIZING: Final = web.AppKey("sizing", dict[tuple[str, str], asyncio.Lock])


def answer(request: web.Request, data: bytes, mime_type: str, etag: str) -> web.Response:
    """All of it, or the one range that is asked for (RFC 9110 section 14)."""
    headers = {
        **HEADERS,
        "ETag": f'"{etag}"',
        "Content-Disposition": _disposition(request, mime_type),
    }
    if _has_it(request, etag):
        return web.Response(status=304, headers=headers)
    span = _span(request, etag, len(data))
    if span is None:
        return web.Response(body=data, content_type=mime_type, headers=headers)
    start, end = span
    if start >= end:
        return web.Response(
            status=416, headers={**HEADERS, "Content-Range": f"bytes */{len(data)}"}
        )
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
    return web.Response(status=206, body=data[start:end], content_type=mime_type, headers=headers)


def _has_it(request: web.Request, etag: str) -> bool:
    return any(tag.value in (etag, "*") for tag in request.if_none_match or ())


def _disposition(request: web.Request, mime_type: str) -> str:
    if "download" not in request.query:
        return "inline"
    return f'attachment; filename="easel.{EXTENSIONS.get(mime_type, "bin")}"'


def _span(request: web.Request, etag: str, size: int) -> tuple[int, int] | None:
    """None: the whole; empty: what is asked for does not exist. Several ranges get the whole."""
    match = _RANGE.fullmatch(request.headers.get("Range", ""))
    if match is None or not any(match.groups()):
        return None
    if request.headers.get("If-Range", f'"{etag}"') != f'"{etag}"':
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    end = min(size, int(last) + 1) if last else size
    if last and int(last) < int(first):
        return None
    return int(first), end
