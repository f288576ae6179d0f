"""Doors to a session's connection: start, offer, candidates, leave; and its state."""

from typing import Any

from aiohttp import web

from pipeline.doors import (
    DOORS,
    bearer,
    check_token,
    images_of,
    json_untrusted,
    long_answer,
    room_of,
)
from pipeline.history_images import with_clean_history
from pipeline.in_force import shown
from pipeline.log import log_context
from pipeline.room import Room
from pipeline.room_overrides import refused, room_settings_untrusted
from pipeline.room_settings import check_prices
from transports.signalling import (
    Candidates,
    Offer,
    decode_candidates_untrusted,
    decode_leave_untrusted,
    decode_offer_untrusted,
    start_untrusted,
)

routes = web.RouteTableDef()


@routes.post("/start")
async def start(request: web.Request) -> web.Response:
    """Opens a room, or joins the one that the body names, there in the place of `peer`."""
    wish = start_untrusted(await json_untrusted(request))
    place: dict[str, str | None] = {}
    if wish.session_id is not None:
        room = await request.app[DOORS].registry.find_or_revive(wish.session_id)
        check_token(room, wish.token or bearer(request))
        if wish.peer is not None:
            place = {"peer": wish.peer if room.peers.knows(wish.peer) else None}
    else:
        room = await _open(request, wish.room)
    return web.json_response(
        {
            "sessionId": room.room_id,
            "token": room.token,
            "iceConfig": {"iceServers": list(request.app[DOORS].ice_servers)},
            "fileUploadUrl": f"{request.app[DOORS].signer.prefix}/sessions/{room.room_id}/files",
            **place,
        }
    )


async def _open(request: web.Request, overrides: object) -> Room:
    doors = request.app[DOORS]
    settings = doors.defaults
    if overrides is not None:
        settings = room_settings_untrusted(settings, overrides, vertex=doors.vertex)
        for refusal in check_prices(settings, doors.prices):
            raise refused(refusal)
        settings = await with_clean_history(settings, doors.executor)
    return doors.registry.open(settings)


@routes.post("/sessions/{id}/api/offer")
async def offer(request: web.Request) -> web.Response:
    room = await room_of(request)
    return await _answer(room, _offer_untrusted(request, await json_untrusted(request)))


@routes.post("/api/offer")
async def short_offer(request: web.Request) -> web.Response:
    """The shorter protocol: no start; the first offer opens a room, `pc_id` names it later."""
    wish = _offer_untrusted(request, await json_untrusted(request))
    if wish.pc_id is not None:
        return await _answer(request.app[DOORS].registry.find_by_peer(wish.pc_id), wish)
    room = await _open(request, wish.room)
    try:
        return await _answer(room, wish)
    except BaseException:
        room.close("its first offer failed")
        raise


def _offer_untrusted(request: web.Request, body: object) -> Offer:
    doors = request.app[DOORS]
    return decode_offer_untrusted(body, doors.sdp_limits, doors.candidate_policy)


async def _answer(room: Room, wish: Offer) -> web.Response:
    if wish.token is not None:
        check_token(room, wish.token)
    with log_context(room=room.room_id):
        sdp, peer_id = await room.offer(wish.sdp, wish.pc_id, restart=wish.restart)
    return web.json_response({"sdp": sdp, "type": "answer", "pc_id": peer_id})


@routes.patch("/sessions/{id}/api/offer")
async def candidates(request: web.Request) -> web.Response:
    room = await room_of(request)
    wish = _candidates_untrusted(request, await json_untrusted(request))
    return await _add_candidates(room, wish)


@routes.patch("/api/offer")
async def short_candidates(request: web.Request) -> web.Response:
    wish = _candidates_untrusted(request, await json_untrusted(request))
    return await _add_candidates(request.app[DOORS].registry.find_by_peer(wish.pc_id), wish)


def _candidates_untrusted(request: web.Request, body: object) -> Candidates:
    doors = request.app[DOORS]
    return decode_candidates_untrusted(body, doors.sdp_limits, doors.candidate_policy)


async def _add_candidates(room: Room, wish: Candidates) -> web.Response:
    participant = room.peers.by_id.get(wish.pc_id)
    if participant is not None:
        for candidate in wish.candidates:
            await participant.add_candidate(candidate)
    return web.json_response({"status": "success"})


@routes.delete("/sessions/{id}/api/offer")
async def leave(request: web.Request) -> web.Response:
    """Ends the connection that is meant; one that is gone or replaced already is no mistake."""
    room = await room_of(request)
    wish = decode_leave_untrusted(await json_untrusted(request))
    participant = room.peers.by_id.get(wish.pc_id)
    if participant is not None and participant.is_by(wish.fingerprint):
        await participant.close("the client left")
    return web.json_response({"status": "success"})


@routes.get("/sessions/{id}")
async def state(request: web.Request) -> web.Response:
    room = await room_of(request)
    return await long_answer(state_of(room, await images_of(room)))


def state_of(room: Room, images: list[dict[str, Any]]) -> dict[str, Any]:
    """What `GET /sessions/{id}` tells: peers, turns, what was said, images, usage."""
    return {
        "sessionId": room.room_id,
        "state": room.lifecycle.state.name.lower(),
        "createdAt": room.created_at,
        "link": room.link_status.value,
        "model": room.settings.live.model,
        "settings": shown(room.settings),
        "peers": [
            {
                "id": p.peer_id,
                "state": p.state,
                "presence": p.presence.name.lower(),
                "ready": p.is_ready,
                "joinedAt": p.joined_at,
            }
            for p in room.peers
        ],
        "turns": room.parts.conversation.turn,
        "history": room.parts.conversation.contents(),
        "transcript": room.parts.conversation.transcript(),
        "images": images,
        "currentImage": room.parts.studio.tree.current_id,
        "usage": room.usage_summary(),
    }
