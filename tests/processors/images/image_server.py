"""An image model of our own, for answers that no other would give, or not give in time."""

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from google import genai

from processors.gemini.client import Endpoint, make_client

Answer = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[genai.Client]:
    """A client of a server of our own."""
    app = web.Application(middlewares=[_as_events])
    app.router.add_post("/{path:.*}", answer)
    async with TestServer(app) as listening:
        endpoint = Endpoint(str(listening.make_url("/")), "for-tests")
        client = make_client(endpoint, vertex=False)
        yield client
        await client.aio.aclose()


@web.middleware
async def _as_events(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """A list is the events of a streamed answer, anything else its only one."""
    response = await handler(request)
    is_json = isinstance(response, web.Response) and response.content_type == "application/json"
    if not is_json or response.status != 200 or "streamGenerateContent" not in request.path:
        return response
    assert isinstance(response, web.Response) and isinstance(response.body, bytes)
    try:
        told = json.loads(response.body)
    except ValueError:  # as it is meant to be
        return response
    events = told if isinstance(told, list) else [told]
    body = b"".join(b"data: " + json.dumps(one).encode() + b"\r\n\r\n" for one in events)
    return web.Response(body=body, content_type="text/event-stream")


def image_part(data: bytes, **more: Any) -> dict[str, Any]:
    blob = {"mimeType": "image/png", "data": base64.b64encode(data).decode()}
    return {"inlineData": blob, **more}


def candidate(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP", **more}
