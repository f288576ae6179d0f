"""A TLS websocket that answers one Live setup and keeps what it was sent."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google import genai
from google.genai import types
from websockets.asyncio.server import ServerConnection, serve

SETUP_LIMIT_S = 10.0


@dataclass(frozen=True)
class Certificate:
    """A certificate for 127.0.0.1, for the server and for those who trust it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def make_certificate(folder: Path) -> Certificate:
    """Writes a new certificate to `folder` and loads it for both sides."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(pem))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    client = ssl.create_default_context(cadata=certificate.public_bytes(pem).decode())
    return Certificate(server, client)


@dataclass(frozen=True)
class LiveServer:
    """Where it listens, and the path and the message of each connection."""

    port: int
    certificate: Certificate
    received: asyncio.Queue[tuple[str, dict[str, Any]]]

    async def setup_of(
        self, config: types.LiveConnectConfig, *, model: str = "gemini-3.8-live", vertex: bool
    ) -> tuple[str, dict[str, Any]]:
        """The path and the `setup` that google-genai really sends for `config`."""
        options = types.HttpOptions(
            base_url=f"https://127.0.0.1:{self.port}",
            async_client_args={"ssl": self.certificate.client},
        )
        client = genai.Client(vertexai=vertex, api_key="key", http_options=options)
        try:
            async with client.aio.live.connect(model=model, config=config):
                pass
        finally:
            await client.aio.aclose()
            client.close()
        path, message = await asyncio.wait_for(self.received.get(), SETUP_LIMIT_S)
        setup: dict[str, Any] = message["setup"]
        return path, setup


@asynccontextmanager
async def live_server(certificate: Certificate) -> AsyncIterator[LiveServer]:
    """Listens on a free port of the loopback interface."""
    received: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()

    async def answer(connection: ServerConnection) -> None:
        message = json.loads(await connection.recv())
        path = connection.request.path if connection.request else ""
        received.put_nowait((path, message))
        await connection.send(b'{"setupComplete":{}}')
        await connection.wait_closed()

    async with serve(answer, "127.0.0.1", 0, ssl=certificate.server) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield LiveServer(port, certificate, received)
