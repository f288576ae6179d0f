"""Doors to a session's pictures: uploads in, the image tree and its bytes out."""

import time
from typing import Final

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from pipeline.doors import BODY_FAULTS, DOORS, bearer, room_of
from pipeline.errors import ImageUnknown, RequestRefused, TokenRefused
from pipeline.room import Room

routes = web.RouteTableDef()

CHUNK_BYTES: Final = 64 * 1024
MAX_PARTS: Final = 8

# What aiohttp raises on a form, and on the header of a part, that is none.
FORM_FAULTS: Final = (
    ValueError,
    AssertionError,
    HttpProcessingError,
    web.HTTPException,
    *BODY_FAULTS,
)


@routes.post("/sessions/{id}/files")
async def upload(request: web.Request) -> web.Response:
    """A multipart form with one `file`: kept for a `send-file`, and for edits of "upload"."""
    room = room_of(request)
    data = await _file_untrusted(request)
    url, picture = await room.uploads.add_untrusted(data)
    return web.json_response(
        {
            "name": url.partition(":")[2],
            "source": {"type": "url", "url": url},
            "format": picture.mime_type,
            "width": picture.width,
            "height": picture.height,
        }
    )


async def _file_untrusted(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        raise RequestRefused("The upload is not a multipart form.", counter="upload_malformed")
    limit = request.app[DOORS].max_upload_bytes
    try:
        form = await request.multipart()
        for _ in range(MAX_PARTS):
            part = await form.next()
            if part is None:
                break
            if isinstance(part, BodyPartReader) and part.name == "file":
                return await _read_untrusted(part, limit)
    except FORM_FAULTS:
        raise RequestRefused("The form cannot be read.", counter="upload_malformed") from None
    raise RequestRefused("The form has no part called file.", counter="upload_malformed")


async def _read_untrusted(part: BodyPartReader, limit: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(CHUNK_BYTES):
        data += chunk
        if len(data) > limit:
            raise RequestRefused(
                f"The file is larger than {limit} bytes.", counter="upload_too_large", status=413
            )
    return bytes(data)


@routes.get("/sessions/{id}/images")
async def listing(request: web.Request) -> web.Response:
    room = room_of(request)
    tree = room.parts.studio.tree
    return web.json_response(
        {"images": room.gallery.listing(tree), "currentImage": tree.current_id}
    )


@routes.get("/sessions/{id}/images/{image_id}")
async def image(request: web.Request) -> web.Response:
    """The bytes, for those who have the address from an event, or the session's token."""
    room = _room_with_right(request)
    picture = room.parts.studio.store.get(request.match_info["image_id"])
    known = room.parts.studio.tree.images.get(request.match_info["image_id"])
    if picture is None or known is None or known.stored is None:
        raise ImageUnknown("There is no such image in this session.")
    headers = {
        "ETag": f'"{known.stored.sha256}"',
        "Cache-Control": "private, max-age=86400, immutable",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": "inline",
    }
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    return web.Response(body=picture.data, content_type=picture.mime_type, headers=headers)


def _room_with_right(request: web.Request) -> Room:
    doors = request.app[DOORS]
    room = room_of(request)
    if bearer(request) is not None:
        return room  # room_of has checked it
    image_id, token = request.match_info["image_id"], request.query.get("token", "")
    if not doors.signer.allows(room.room_id, image_id, token, time.time()):
        raise TokenRefused("This address is not valid, or not any more.")
    return room
