"""One TLS port for everything: Live websockets and HTTP, whatever the prefix of the path."""

from __future__ import annotations

import asyncio
import json
import random
import time
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from emulator.admission import Doorkeeper, door_of_untrusted
from emulator.auth import credential_refusal, read_credential_untrusted
from emulator.certificate import make_certificate
from emulator.closes import INVALID_KEY, NO_CREDENTIAL, QUOTA
from emulator.ephemeral import TokenError, TokenStore
from emulator.image_endpoint import add_image_routes
from emulator.image_replies import error_body
from emulator.journal import Journal
from emulator.json_types import JSON, JsonObject
from emulator.live_socket import LiveSocket
from emulator.memory import Memory
from emulator.options import Options
from emulator.replay import Replay
from emulator.replay_socket import ReplaySocket
from emulator.resumption import HandleStore
from emulator.senses import Senses

# Room for several large pictures in one request.
MAX_BODY_BYTES: Final = 64 * 1024 * 1024
SHUTDOWN_TIME_LIMIT_S: Final = 3.0


class EmulatorServer:
    """Owns the listening socket, the senses and all connections. start(), then close()."""

    def __init__(self, options: Options, senses: Senses) -> None:
        numbers = random.Random(options.seed)
        self._options = options
        self._senses = senses
        self._handles: HandleStore[Memory] = HandleStore(numbers, options.handle_ttl_s)
        self._tokens = TokenStore(numbers)
        self._doorkeeper = Doorkeeper(
            options, self._tokens, self._handles, numbers, senses.new_mind, senses.new_eyes
        )
        self._journal = Journal()
        self._replay = Replay(options.recording) if options.recording else None
        self._sockets: dict[LiveSocket | ReplaySocket, asyncio.Task[object]] = {}
        self._runner: web.AppRunner | None = None

    async def start(
        self, host: str, port: int, directory: Path, *, keep_certificate: bool = False
    ) -> tuple[int, Path]:
        """Listen; returns the port (asked for as 0: a free one) and the certificate's path.

        `keep_certificate`: see `make_certificate`.

        Raises:
            OSError: the address cannot be bound or the directory not written.
        """
        certificate = make_certificate(directory, (host,), keep=keep_certificate)
        await self._senses.start()
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=SHUTDOWN_TIME_LIMIT_S)
        try:
            await runner.setup()
            site = web.TCPSite(runner, host, port, ssl_context=certificate.context)
            await site.start()
        except BaseException:
            await runner.cleanup()
            await self._senses.close()
            raise
        self._runner = runner
        return int(runner.addresses[0][1]), certificate.path

    async def close(self) -> None:
        """Say goodbye to every connection, then stop the senses; idempotent and bounded."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        try:
            await self._say_goodbye(runner)
        finally:
            try:
                await runner.cleanup()
            finally:
                await self._senses.close()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._authenticate])
        self._journal.add_routes(app)
        add_image_routes(app, self._options.images)
        app.router.add_post(r"/{prefix:.*}auth_tokens", self._create_token)
        app.router.add_get("/{path:.*}", self._live)
        return app

    async def _live(self, request: web.Request) -> web.StreamResponse:
        door = door_of_untrusted(request.path)
        if door is None or request.headers.get("upgrade", "").lower() != "websocket":
            return _error(404, "NOT_FOUND", "The requested URL was not found.")
        if self._doorkeeper.turns_away():
            return _error(429, "RESOURCE_EXHAUSTED", QUOTA.reason)
        credential = read_credential_untrusted(_headers(request), request.query)
        record = self._journal.open(time.monotonic())
        task = asyncio.current_task()
        assert task is not None, "a handler is a task"
        if self._replay is not None:
            replayed = ReplaySocket(self._replay, self._options.replay_speed, record)
            self._sockets[replayed] = task
            try:
                return await replayed.run(request)
            finally:
                del self._sockets[replayed]
        socket = LiveSocket(self._doorkeeper, self._handles, self._options, self._senses, record)
        self._sockets[socket] = task
        try:
            return await socket.run(request, door, credential)
        finally:
            del self._sockets[socket]

    async def _say_goodbye(self, runner: web.AppRunner) -> None:
        """Before the runner's cleanup, which reads nothing more: a close would lack its echo."""
        for site in list(runner.sites):
            await site.stop()
        for socket in self._sockets:
            socket.stop()
        if self._sockets:
            await asyncio.wait(self._sockets.values(), timeout=SHUTDOWN_TIME_LIMIT_S)

    async def _create_token(self, request: web.Request) -> web.StreamResponse:
        try:
            name = self._tokens.create_untrusted(json.loads(await request.read()), time.time())
        except (TokenError, ValueError) as error:
            return _error(400, "INVALID_ARGUMENT", str(error))
        return web.json_response({"name": name})

    @web.middleware
    async def _authenticate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """HTTP calls need a valid key; websockets are told so by a close, not by a status."""
        if request.method == "POST":
            credential = read_credential_untrusted(_headers(request), request.query)
            close = credential_refusal(credential, self._options.api_keys)
            if close == INVALID_KEY:
                return _error(400, "INVALID_ARGUMENT", close.reason, "API_KEY_INVALID")
            if close is not None or credential.token:
                return _error(403, "PERMISSION_DENIED", NO_CREDENTIAL.reason)
        return await handler(request)


def _error(status: int, name: str, message: str, reason: str = "") -> web.Response:
    """An error in Google's form; `reason` adds an `ErrorInfo`."""
    info: JsonObject = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
    }
    details: list[JSON] | None = [info] if reason else None
    return web.json_response(error_body(status, name, message, details), status=status)


def _headers(request: web.Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}
