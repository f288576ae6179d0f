"""One TLS port for everything: Live websockets and HTTP, whatever the prefix of the path."""

from __future__ import annotations

import importlib
import importlib.util
import re
import ssl
from pathlib import Path

from aiohttp import web

from emulator.certificate import make_certificate
from emulator.live_socket import LiveSocket

LIVE_PATH = re.compile(
    r"/ws/google\.(?:ai\.generativelanguage\.v1(?:alpha|beta)?\.GenerativeService\."
    r"BidiGenerateContent(?:Constrained)?"
    r"|cloud\.aiplatform\.v1(?:beta1)?\.LlmBidiService/BidiGenerateContent)$"
)
MAX_MESSAGE_BYTES = 32 * 1024 * 1024


class EmulatorServer:
    """Owns the listening socket and the senses; `close()` may be called more than once."""

    def __init__(self) -> None:
        self._runner: web.AppRunner | None = None
        self._voice = importlib.import_module("emulator.voice").Voice() if _has("voice") else None
        self._ears = importlib.import_module("emulator.ears").Ears() if _has("ears") else None

    async def start(self, host: str, port: int, directory: Path) -> tuple[int, Path]:
        """Listen, and return the port and the path of the certificate."""
        certificate = make_certificate(directory)
        app = web.Application(client_max_size=MAX_MESSAGE_BYTES)
        if _has("image_endpoint"):
            importlib.import_module("emulator.image_endpoint").add_image_routes(app)
        app.router.add_route("*", "/{tail:.*}", self._handle)
        for sense in (self._voice, self._ears):
            if sense is not None:
                await sense.start()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await self._runner.setup()
        context: ssl.SSLContext = certificate.context
        site = web.TCPSite(self._runner, host, port, ssl_context=context)
        await site.start()
        return self._runner.addresses[0][1], certificate.path

    async def close(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
        for sense in (self._voice, self._ears):
            if sense is not None:
                await sense.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = re.sub(r"/{2,}", "/", request.path)
        if LIVE_PATH.search(path):
            return await LiveSocket(self._voice, self._ears).run(request)
        raise web.HTTPNotFound


def _has(name: str) -> bool:
    return importlib.util.find_spec(f"emulator.{name}") is not None
