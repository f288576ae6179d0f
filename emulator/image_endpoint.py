"""`generateContent` and `streamGenerateContent` for image models: the aiohttp shell.

Any path prefix, any version, double slashes; whoever adds the routes asks for credentials. CPU work
runs in a bounded executor; a request above the bounds is answered with an error in Google's form,
never with an exception.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from aiohttp import web

from emulator import image_work
from emulator.image_models import MODELS, ImageModel
from emulator.image_options import ImageOptions
from emulator.image_replies import (
    Reply,
    error_body,
    failing_reply,
    failing_status,
    missing_signature,
    streamed,
    whole,
)
from emulator.image_requests import ImageRequest, ImageRequestError, parse_untrusted
from emulator.image_triggers import Trigger, delay_s, trigger_in
from emulator.json_types import JsonObject

MAX_BODY_BYTES: Final = 20 * 1024 * 1024
WORKERS: Final = 2
MAX_WAITING: Final = 16
GARBLED: Final = b"this is not a picture"
_A = TypeVar("_A")
_B = TypeVar("_B")
_Done = TypeVar("_Done")
_PATH: Final = r"/{prefix:.*}models/{model:[^/:]+}:"


@dataclass
class ImageCounts:
    """What happened so far; `refused` counts requests turned away because too many waited."""

    drawn: int = 0
    failed: int = 0
    refused: int = 0


COUNTS: Final = web.AppKey("image_counts", ImageCounts)


def add_image_routes(app: web.Application, options: ImageOptions | None = None) -> None:
    """Add the two methods to an application. Its counters are then under COUNTS."""
    endpoint = _Endpoint(options or ImageOptions())
    app[COUNTS] = endpoint.counts
    app.cleanup_ctx.append(endpoint.run)
    app.router.add_post(f"{_PATH}generateContent", endpoint.generate)
    app.router.add_post(f"{_PATH}streamGenerateContent", endpoint.stream)


class _Refused(Exception):
    """Carries the error answer."""

    def __init__(self, status: int, body: JsonObject) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class _Endpoint:
    def __init__(self, options: ImageOptions) -> None:
        self._options = options
        self._models = {**MODELS, **options.models}
        self._executor: ThreadPoolExecutor | None = None
        self._waiting = 0
        self._numbers = itertools.count(1)
        self.counts = ImageCounts()

    async def run(self, _app: web.Application) -> AsyncIterator[None]:
        """The executor's life, as long as the application's."""
        self._executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="emulator-image")
        yield
        executor, self._executor = self._executor, None
        # Waits for at most WORKERS running pictures, without stopping the loop.
        await asyncio.to_thread(executor.shutdown, wait=True, cancel_futures=True)

    async def generate(self, request: web.Request) -> web.StreamResponse:
        """One answer as one JSON body."""
        try:
            wish, reply, model = await self._answer(request)
        except _Refused as refused:
            return self._refuse(refused)
        return web.json_response(whole(wish, reply, model, next(self._numbers)))

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """One answer part by part: server-sent events, or a JSON array without `alt=sse`."""
        try:
            wish, reply, model = await self._answer(request)
        except _Refused as refused:
            return self._refuse(refused)
        events = streamed(wish, reply, model, next(self._numbers))
        if request.query.get("alt") != "sse":
            return web.json_response(events)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for index, event in enumerate(events):
            if index and wish.include_thoughts:
                await asyncio.sleep(self._options.draft_gap_s)
            await response.write(b"data: " + json.dumps(event).encode() + b"\r\n\r\n")
        await response.write_eof()
        return response

    def _refuse(self, refused: _Refused) -> web.Response:
        self.counts.failed += 1
        return web.json_response(refused.body, status=refused.status)

    async def _answer(self, request: web.Request) -> tuple[ImageRequest, Reply, str]:
        name = request.match_info["model"]
        model = self._models.get(name)
        if model is None:
            raise _Refused(404, error_body(404, "NOT_FOUND", _not_found(name, request.path)))
        body = await _read_body_untrusted(request)
        try:
            wish = await self._in_executor(self._read, body, model)
            reply = await self._reply(wish, self._options.output or model.mime_type)
        except ImageRequestError as error:
            raise _Refused(error.status, error_body(error.status, error.name, str(error))) from None
        return wish, reply, name

    def _read(self, body: bytes, model: ImageModel) -> ImageRequest:
        wish = parse_untrusted(body, model)
        where = missing_signature(wish) if self._options.strict_signatures else ""
        if where:
            raise ImageRequestError(f"The part at {where} is missing its thought_signature.")
        return wish

    async def _reply(self, wish: ImageRequest, mime_type: str) -> Reply:
        delay = delay_s(wish.prompt) * self._options.delay_scale + self._options.latency_s
        if delay:
            await asyncio.sleep(delay)
        trigger = trigger_in(wish.prompt)
        if trigger is None:
            return await self._draw(wish, mime_type)
        failed = failing_status(trigger)
        if failed is not None:
            raise _Refused(*failed)
        if trigger is Trigger.GARBLED:
            return Reply(image=GARBLED, mime_type=mime_type)
        failing = failing_reply(trigger)
        assert failing is not None, "every other trigger has an answer with status 200"
        return failing

    async def _draw(self, wish: ImageRequest, mime_type: str) -> Reply:
        reply = await self._in_executor(image_work.answer, wish, mime_type)
        self.counts.drawn += 1
        return reply

    async def _in_executor(self, work: Callable[[_A, _B], _Done], first: _A, second: _B) -> _Done:
        """Run CPU work; at most MAX_WAITING wait or run, the next is refused."""
        if self._executor is None or self._waiting >= MAX_WAITING:
            self.counts.refused += 1
            raise _Refused(503, error_body(503, "UNAVAILABLE", "The model is overloaded."))
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, work, first, second)
        finally:
            self._waiting -= 1


async def _read_body_untrusted(request: web.Request) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in request.content.iter_any():
        size += len(piece)
        if size > MAX_BODY_BYTES:
            message = f"Request payload size exceeds the limit: {MAX_BODY_BYTES} bytes."
            raise _Refused(400, error_body(400, "INVALID_ARGUMENT", message))
        pieces.append(piece)
    return b"".join(pieces)


def _not_found(model: str, path: str) -> str:
    version = next((part for part in path.split("/") if part[:2] == "v1"), "v1beta")
    return (
        f"models/{model} is not found for API version {version}, or is not supported for "
        "generateContent. Call ListModels to see the list of available models and their "
        "supported methods."
    )
