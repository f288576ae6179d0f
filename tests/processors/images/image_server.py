"""An image model of our own, for answers that no other would give, or not give in time."""

import base64
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
    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    async with TestServer(app) as listening:
        endpoint = Endpoint(str(listening.make_url("/")), "for-tests")
        client = make_client(endpoint, vertex=False)
        yield client
        await client.aio.aclose()


def image_part(data: bytes, **more: Any) -> dict[str, Any]:
    blob = {"mimeType": "image/png", "data": base64.b64encode(data).decode()}
    return {"inlineData": blob, **more}


def candidate(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP", **more}
