"""The HTTP doors (design: "The doors"). Handlers translate; rooms and the registry decide."""

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from pipeline.errors import RequestRefused, ServiceError, TokenRefused
from pipeline.registry import Registry
from pipeline.room import Room
from pipeline.room_overrides import room_settings_untrusted
from pipeline.room_settings import RoomSettings
from transports.errors import SignallingRefused
from transports.ice import CandidatePolicy
from transports.sdp import SdpLimits
from transports.signalling import (
    decode_candidates_untrusted,
    decode_offer_untrusted,
    start_untrusted,
)

logger = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 4 << 20  # a history to begin with may be 2 MiB

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Doors:
    """What the handlers need."""

    registry: Registry
    defaults: RoomSettings
    vertex: bool
    sdp_limits: SdpLimits
    candidate_policy: CandidatePolicy
    ice_servers: list[dict[str, Any]]
    count: Callable[[str], None]
    web_root: Path


DOORS: Final = web.AppKey("doors", Doors)


def make_app(doors: Doors) -> web.Application:
    app = web.Application(middlewares=[_errors], client_max_size=MAX_BODY_BYTES)
    app[DOORS] = doors
    app.router.add_post("/start", start)
    app.router.add_post("/sessions/{id}/api/offer", offer)
    app.router.add_patch("/sessions/{id}/api/offer", candidates)
    app.router.add_delete("/sessions/{id}/api/offer", leave)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/", page)
    app.router.add_static("/", doors.web_root)
    return app


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal is JSON with `detail`; the web SDK reads nothing else."""
    try:
        return await handler(request)
    except SignallingRefused as refusal:
        return _refuse(request, refusal.status, refusal.counter, str(refusal))
    except ServiceError as error:
        return _refuse(request, error.status, error.counter, str(error), error.retry_after_s)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _refuse(request, error.status, f"http_{error.status}", error.reason)
    except Exception:
        logger.exception("a request failed")
        return _refuse(request, 500, "internal_error", "The service made a mistake.")


def _refuse(
    request: web.Request, status: int, counter: str, sentence: str, retry_after_s: int | None = None
) -> web.Response:
    request.app[DOORS].count(counter)
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return web.json_response({"detail": sentence}, status=status, headers=headers)


async def _json_untrusted(request: web.Request) -> object:
    try:
        body = await request.read()
        return json.loads(body) if body else None
    except web.HTTPRequestEntityTooLarge:
        raise RequestRefused("The body is too large.", status=413) from None
    except (ValueError, RecursionError):
        raise RequestRefused("The body is not JSON.") from None


async def start(request: web.Request) -> web.Response:
    doors = request.app[DOORS]
    wish = start_untrusted(await _json_untrusted(request))
    if wish.session_id is not None:
        room = doors.registry.find(wish.session_id)
        if wish.token != room.token:
            raise TokenRefused("The token is not this session's.")
    else:
        settings = doors.defaults
        if wish.room is not None:
            settings = room_settings_untrusted(settings, wish.room, vertex=doors.vertex)
        room = doors.registry.open(settings)
    return web.json_response(
        {
            "sessionId": room.room_id,
            "token": room.token,
            "iceConfig": {"iceServers": doors.ice_servers},
        }
    )


async def offer(request: web.Request) -> web.Response:
    doors = request.app[DOORS]
    room = doors.registry.find(request.match_info["id"])
    wish = decode_offer_untrusted(
        await _json_untrusted(request), doors.sdp_limits, doors.candidate_policy
    )
    answer, peer_id = await room.offer(wish.sdp, wish.pc_id, restart=wish.restart)
    return web.json_response({"sdp": answer, "type": "answer", "pc_id": peer_id})


async def candidates(request: web.Request) -> web.Response:
    doors = request.app[DOORS]
    room = doors.registry.find(request.match_info["id"])
    wish = decode_candidates_untrusted(
        await _json_untrusted(request), doors.sdp_limits, doors.candidate_policy
    )
    participant = room.participants.get(wish.pc_id)
    if participant is not None:
        for candidate in wish.candidates:
            await participant.add_candidate(candidate)
    return web.json_response({"status": "success"})


async def leave(request: web.Request) -> web.Response:
    room: Room = request.app[DOORS].registry.find(request.match_info["id"])
    body = await _json_untrusted(request)
    peer_id = body.get("pc_id") if isinstance(body, dict) else None
    participant = room.participants.get(peer_id) if isinstance(peer_id, str) else None
    if participant is not None:
        await participant.close("the client left")
    return web.json_response({"status": "success"})


async def healthz(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def page(request: web.Request) -> web.FileResponse:
    return web.FileResponse(request.app[DOORS].web_root / "index.html")


def web_root() -> Path:
    """The page's folder: beside the package in a checkout, inside it when installed."""
    installed = Path(str(files("pipeline"))) / "web"
    return installed if installed.is_dir() else Path(str(files("pipeline"))).parent / "web"
