"""Doors to a session's images: the tree, their bytes in several sizes, links for others, export."""

import time
from typing import Final

from aiohttp import web

from pipeline.doors import DOORS, bearer, images_of, long_answer, room_of
from pipeline.errors import ImageUnknown, StoreAway, TokenRefused
from pipeline.export import export_html, export_zip
from pipeline.image_bytes import Wanted, answer, size_untrusted
from pipeline.room import Room
from processors.images.store import StoreFailed
from processors.images.tree import Stored

routes = web.RouteTableDef()

NO_SUCH: Final = "There is no such image in this session."


@routes.get("/sessions/{id}/images")
async def listing(request: web.Request) -> web.Response:
    room = await room_of(request)
    images = await images_of(room)
    return await long_answer({"images": images, "currentImage": room.parts.studio.tree.current_id})


@routes.get("/sessions/{id}/images/{image_id}")
async def image(request: web.Request) -> web.StreamResponse:
    """The bytes, for those who have the address from an event, or the session's token."""
    room = await _room_with_right(request)
    image_id = request.match_info["image_id"]
    if "preview" in request.query:
        picture = room.parts.studio.workshop.previews.get(image_id)
        known = room.parts.studio.tree.images.get(image_id)
        if picture is not None and known is not None and known.preview is not None:
            return answer(request, picture.data, picture.mime_type, known.preview.sha256)
    stored = _stored(room, image_id)
    if stored is None:
        raise ImageUnknown(NO_SUCH)
    size = size_untrusted(request)
    wanted = Wanted(room.room_id, image_id, stored.mime_type, stored.sha256, size)
    return await wanted.answer(request)


def _stored(room: Room, image_id: str) -> Stored | None:
    """Also that of a picture that was edited and is no image of the tree."""
    tree = room.parts.studio.tree
    known = tree.images.get(image_id) or tree.originals.get(image_id)
    return None if known is None else known.stored


@routes.post("/sessions/{id}/images/{image_id}/link")
async def link(request: web.Request) -> web.Response:
    """A link to this image alone, to hand to people who are not in the room."""
    room = await room_of(request)
    image_id = request.match_info["image_id"]
    stored = _stored(room, image_id)
    if stored is None:
        raise ImageUnknown(NO_SUCH)
    doors = request.app[DOORS]
    try:
        share_id, share = await doors.shares.make(
            room.room_id, image_id, stored.mime_type, stored.sha256, time.time()
        )
    except StoreFailed:
        raise StoreAway("The link could not be stored. Try again.") from None
    path = f"{doors.signer.prefix}/pictures/{share_id}"
    return web.json_response({"url": path, "expiresAt": int(share.expires_at)})


@routes.get("/pictures/{share_id}")
async def shared_picture(request: web.Request) -> web.StreamResponse:
    doors = request.app[DOORS]
    try:
        share = await doors.shares.find_untrusted(request.match_info["share_id"], time.time())
    except StoreFailed:
        raise StoreAway("The picture cannot be read now. Try again.") from None
    if share is None:
        raise ImageUnknown("This link leads nowhere, or not any more.")
    size = size_untrusted(request)
    wanted = Wanted(share.room_id, share.image_id, share.mime_type, share.sha256, size)
    return await wanted.answer(request)


@routes.get("/sessions/{id}/export.{kind:html|zip}")
async def export(request: web.Request) -> web.StreamResponse:
    """The whole story, transcript and images in order. The session's id is the key to it."""
    room = await room_of(request)
    if request.match_info["kind"] == "html":
        return await export_html(request, room)
    return await export_zip(request, room)


async def _room_with_right(request: web.Request) -> Room:
    doors = request.app[DOORS]
    room = await room_of(request)
    if bearer(request) is not None:
        return room  # room_of has checked it
    image_id, token = request.match_info["image_id"], request.query.get("token", "")
    if not doors.signer.allows(room.room_id, image_id, token, time.time()):
        raise TokenRefused("This address is not valid, or not any more.")
    return room
