"""What every HTTP handler needs, and how each reads its request."""

import asyncio
import hmac
import json
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from pipeline.errors import RequestRefused, TokenRefused
from pipeline.long_json import encoded
from pipeline.metrics import Metrics
from pipeline.registry import Registry
from pipeline.room import Room
from pipeline.room_settings import RoomSettings
from pipeline.shares import Shares
from pipeline.signed_urls import UrlSigner
from processors.billing.prices import PriceTable
from processors.images.store import BlobStore
from transports.ice import CandidatePolicy
from transports.sdp import SdpLimits


@dataclass(frozen=True, slots=True)
class Doors:
    """`on_loopback`: only this machine can reach the service, and it has no public address."""

    registry: Registry
    defaults: RoomSettings
    vertex: bool
    prices: PriceTable
    sdp_limits: SdpLimits
    candidate_policy: CandidatePolicy
    ice_servers: tuple[Mapping[str, Any], ...]
    allowed_origins: frozenset[str]
    public_origin: str | None
    on_loopback: bool
    max_upload_bytes: int
    signer: UrlSigner
    shares: Shares
    blobs: BlobStore
    executor: Executor
    metrics: Metrics
    web_root: Path


DOORS: Final = web.AppKey("doors", Doors)

# A caller that hangs up in the middle, or does not compress as it says.
BODY_FAULTS: Final = (web.RequestPayloadError, ConnectionError)


async def json_untrusted(request: web.Request) -> object:
    """The body as JSON; None for an empty one. Raises `RequestRefused`."""
    try:
        body = await request.read()
        return json.loads(body) if body else None
    except web.HTTPRequestEntityTooLarge:
        raise RequestRefused(
            "The body is too large.", counter="request_too_large", status=413
        ) from None
    except BODY_FAULTS:
        raise RequestRefused("The body ends early or cannot be decoded.") from None
    except (ValueError, RecursionError):
        raise RequestRefused("The body is not JSON.") from None


async def images_of(room: Room) -> list[dict[str, Any]]:
    """As `Gallery.listing` tells them; a thousand take their time."""
    return await asyncio.to_thread(room.gallery.listing)


async def long_answer(fields: Mapping[str, Any]) -> web.Response:
    """JSON that may have megabytes."""
    body = await asyncio.to_thread(encoded, fields)
    return web.Response(body=body, content_type="application/json", charset="utf-8")


async def room_of(request: web.Request) -> Room:
    """The session in the path. Its id is a capability; a token that is given must be right.

    Raises `RoomUnknown`, `ServiceFull`, `TokenRefused`.
    """
    room = await request.app[DOORS].registry.find_or_revive(request.match_info["id"])
    token = bearer(request)
    if token is not None:
        check_token(room, token)
    return room


def bearer(request: web.Request) -> str | None:
    """The token of an `Authorization: Bearer` header. An app may have other uses for others."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def check_token(room: Room, token: str | None) -> None:
    """Raises `TokenRefused`."""
    # A header that is not UTF-8 comes with surrogates.
    given = (token or "").encode(errors="surrogateescape")
    if not hmac.compare_digest(given, room.token.encode()):
        raise TokenRefused("The token is not this session's.")
