"""The HTTP application: the doors of design section 4 behind one set of manners."""

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Final

from aiohttp import web

from pipeline import image_doors, session_doors, upload_doors
from pipeline.doors import DOORS, Doors
from pipeline.errors import ServiceError, ServiceFull
from pipeline.export import EXPORTS, MAX_EXPORTS
from pipeline.image_bytes import SIZING
from pipeline.metrics import CONTENT_TYPE
from pipeline.room_overrides import RoomSettingsRefused
from processors.errors import ImageRefused, UploadsBusy
from transports.errors import NoAddressLeft, SignallingRefused

logger = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 4 << 20  # a history to begin with may be 2 MiB
PREFLIGHT_AGE_S: Final = 600
UPLOAD_RETRY_S: Final = 1

PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
ALLOWED_METHODS: Final = "GET, POST, PATCH, DELETE, OPTIONS"
ALLOWED_HEADERS: Final = "Content-Type, Authorization"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(doors: Doors) -> web.Application:
    app = web.Application(middlewares=[_origins, _errors], client_max_size=MAX_BODY_BYTES)
    app[DOORS] = doors
    app.add_routes(session_doors.routes)
    app[SIZING] = {}
    app[EXPORTS] = asyncio.Semaphore(MAX_EXPORTS)
    app.add_routes(image_doors.routes)
    app.add_routes(upload_doors.routes)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/", page)
    app.router.add_get("/{file:[a-z_]+[.](?:js|css|svg|png|ico|webmanifest)}", page_file)
    return app


@web.middleware
async def _origins(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Pages of other origins only where the settings name them (CORS, and no blind posts)."""
    doors = request.app[DOORS]
    if doors.on_loopback and not _names_loopback(request):
        return _refuse(request, 403, "host_refused", "This service is for its own machine only.")
    origin = request.headers.get("Origin")
    if origin in (None, doors.public_origin) or _same_origin(request, str(origin)):
        return await handler(request)
    assert origin is not None  # None went on above
    allowed = doors.allowed_origins
    if origin not in allowed and "*" not in allowed:
        return _refuse(request, 403, "origin_refused", "Pages of this origin may not come here.")
    preflight = request.method == "OPTIONS"
    response = web.Response(status=204) if preflight else await handler(request)
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Vary"] = "Origin"
    if preflight:
        response.headers["Access-Control-Allow-Methods"] = ALLOWED_METHODS
        response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_AGE_S)
    return response


def _names_loopback(request: web.Request) -> bool:
    """False for a name that somebody's DNS makes point here: their page would be same-origin."""
    try:
        host = request.url.host or ""
    except ValueError:  # a port that is none
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return True


def _same_origin(request: web.Request, origin: str) -> bool:
    return origin.partition("://")[2] == request.host


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal is JSON with `detail`; the web SDK reads nothing else."""
    try:
        return await handler(request)
    except SignallingRefused as refusal:
        return _refuse(request, refusal.status, refusal.counter, str(refusal))
    except NoAddressLeft:
        return _refuse(request, 503, "no_address_left", "The service has no port left.", 5)
    except RoomSettingsRefused as refusal:
        return _refuse(request, 422, "settings_refused", str(refusal))
    except UploadsBusy as refusal:
        return _refuse(request, 503, refusal.counter, str(refusal), UPLOAD_RETRY_S)
    except ImageRefused as refusal:
        return _refuse(request, 422, refusal.counter, str(refusal))
    except ServiceError as error:
        return _refuse(request, error.status, error.counter, str(error), error.retry_after_s)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = _refuse(request, error.status, f"http_{error.status}", error.reason)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Exception:
        logger.exception("a request failed")
        return _refuse(request, 500, "internal_error", "The service made a mistake.")


def _refuse(
    request: web.Request, status: int, counter: str, sentence: str, retry_after_s: int | None = None
) -> web.Response:
    request.app[DOORS].metrics.count(counter)
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return web.json_response({"detail": sentence}, status=status, headers=headers)


async def healthz(request: web.Request) -> web.Response:
    """Liveness: the event loop turns."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """Readiness: a new room would be let in."""
    registry = request.app[DOORS].registry
    if registry.accepting:
        return web.json_response({"status": "ready", "rooms": len(registry)})
    return web.json_response(
        {"detail": "The service is full or shutting down."},
        status=503,
        headers={"Retry-After": str(ServiceFull.retry_after_s)},
    )


async def metrics(request: web.Request) -> web.Response:
    text = request.app[DOORS].metrics.text()
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})


async def page(request: web.Request) -> web.FileResponse:
    return web.FileResponse(request.app[DOORS].web_root / "index.html", headers=PAGE_HEADERS)


async def page_file(request: web.Request) -> web.FileResponse:
    path = request.app[DOORS].web_root / request.match_info["file"]
    if not path.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(path, headers={**PAGE_HEADERS, "Cache-Control": "no-cache"})


def web_root() -> Path:
    """The page's folder: beside the package in a checkout, inside it when installed."""
    installed = Path(str(files("pipeline"))) / "web"
    return installed if installed.is_dir() else Path(str(files("pipeline"))).parent / "web"
