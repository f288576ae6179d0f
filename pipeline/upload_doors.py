"""The door for uploads into a session."""

from typing import Final

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from pipeline.doors import BODY_FAULTS, DOORS, room_of
from pipeline.errors import RequestRefused

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
    room = await room_of(request)
    with room.uploads.coming_in():
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
