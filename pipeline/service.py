"""The service as a whole: from settings to a listening server, and back down."""

import ssl
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from pipeline.app import make_app, web_root
from pipeline.doors import Doors
from pipeline.emulator_process import emulator_process
from pipeline.metrics import Metrics
from pipeline.registry import Registry
from pipeline.service_settings import ServiceSettings
from pipeline.settings import Settings
from pipeline.shared import Shared
from pipeline.signed_urls import UrlSigner
from processors.gemini.client import Endpoint, make_client
from processors.ticker import Ticker
from processors.tools import installed_tools
from transports.aiortc_seam import IceBinding
from transports.ice import CandidatePolicy
from transports.sdp import SdpLimits
from transports.webrtc_peer import IceServer, PeerConfig

WORKERS: Final = 2  # threads for pictures and plain tools
SAMPLING_STRETCH: Final = 1.01  # a grid a little wider than the limit: never more than it
HTTP_CLOSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Running:
    """A service that listens. `talks_to` says in words what it talks to."""

    url: str
    talks_to: str
    registry: Registry
    metrics: Metrics


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Running]:
    """Everything between the settings and an open port; on the way out, calls end politely.

    Raises `EmulatorFailed`, `ToolUnusable`, and `OSError` when the port or a certificate
    cannot be had.
    """
    service = settings.service
    async with AsyncExitStack() as stack:
        tools = installed_tools(service.tools_module)
        tls = _tls(service)
        endpoint, talks_to = Endpoint(), _backend_in_words(settings)
        if settings.backend is None:
            endpoint = await stack.enter_async_context(emulator_process(service.emulator_port))
        executor = stack.enter_context(ThreadPoolExecutor(WORKERS, thread_name_prefix="work"))
        ticker = Ticker()
        stack.push_async_callback(ticker.close)
        metrics = Metrics()
        signer = UrlSigner(prefix=_path(service.public_url))
        shared = Shared(
            client=make_client(endpoint, vertex=settings.vertex),
            vertex=settings.vertex,
            executor=executor,
            ticker=ticker,
            peer_config=_peer_config(settings),
            count=metrics.count,
            max_peers=service.max_peers_per_room,
            max_message_bytes=service.max_data_channel_message_bytes,
            max_upload_bytes=service.max_upload_bytes,
            idle_limit_s=service.idle_timeout_s,
            signer=signer,
            tools=tools,
        )
        registry = Registry(shared, metrics, max_rooms=service.max_rooms)
        runner = web.AppRunner(
            make_app(_doors(settings, registry, signer, metrics)), access_log=None
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        stack.push_async_callback(registry.close, service.shutdown_s)
        yield Running(await _listen(runner, service, tls), talks_to, registry, metrics)


async def _listen(
    runner: web.AppRunner, service: ServiceSettings, tls: ssl.SSLContext | None
) -> str:
    site = web.TCPSite(
        runner, service.host, service.port, shutdown_timeout=HTTP_CLOSE_S, ssl_context=tls
    )
    await site.start()
    port = runner.addresses[0][1]
    scheme = "http" if tls is None else "https"
    return service.public_url or f"{scheme}://{service.host}:{port}"


def _tls(service: ServiceSettings) -> ssl.SSLContext | None:
    if service.tls_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(service.tls_cert, service.tls_key)
    return context


def _backend_in_words(settings: Settings) -> str:
    match settings.backend:
        case "vertex":
            return "Gemini on Vertex AI"
        case "mldev":
            return "the Gemini API"
        case _:
            return "its own emulator, not to Gemini: no API key is set"


def _path(public_url: str | None) -> str:
    return "" if public_url is None else urlsplit(public_url).path.rstrip("/")


def _doors(settings: Settings, registry: Registry, signer: UrlSigner, metrics: Metrics) -> Doors:
    service = settings.service
    return Doors(
        registry=registry,
        defaults=settings.room,
        vertex=settings.vertex,
        sdp_limits=SdpLimits(service.max_sdp_bytes, service.max_m_lines, service.max_candidates),
        candidate_policy=CandidatePolicy(allow_loopback=_on_loopback(service)),
        ice_servers=_browser_ice_servers(service),
        allowed_origins=frozenset(service.allowed_origins),
        max_upload_bytes=service.max_upload_bytes,
        signer=signer,
        metrics=metrics,
        web_root=web_root(),
    )


def _on_loopback(service: ServiceSettings) -> bool:
    """Loopback candidates make sense only where media is received on loopback."""
    hosts = service.ice_hosts
    return not hosts or any(host.bind.startswith("127.") or host.bind == "::1" for host in hosts)


def _peer_config(settings: Settings) -> PeerConfig:
    service = settings.service
    ports = service.ice_ports
    return PeerConfig(
        connect_limit_s=service.connect_timeout_s,
        picture_interval_s=SAMPLING_STRETCH / settings.room.video.max_per_second,
        binding=IceBinding(
            hosts=tuple(host.bind for host in service.ice_hosts),
            ports=None if ports is None else range(ports.first, ports.last + 1),
        ),
        public_hosts={h.bind: h.public for h in service.ice_hosts if h.public is not None},
        ice_servers=_own_ice_servers(service),
    )


def _own_ice_servers(service: ServiceSettings) -> list[IceServer]:
    username, credential = _turn_login(service)
    return [
        *(IceServer(url) for url in service.stun_urls),
        *(IceServer(url, username, credential) for url in service.turn_urls),
    ]


def _browser_ice_servers(service: ServiceSettings) -> tuple[Mapping[str, Any], ...]:
    """As the client SDKs want them: `urls` is always a list."""
    servers: list[Mapping[str, Any]] = []
    if service.stun_urls:
        servers.append({"urls": list(service.stun_urls)})
    if service.turn_urls:
        username, credential = _turn_login(service)
        login = {"username": username, "credential": credential} if username else {}
        servers.append({"urls": list(service.turn_urls), **login})
    return tuple(servers)


def _turn_login(service: ServiceSettings) -> tuple[str | None, str | None]:
    username, credential = service.turn_username, service.turn_credential
    return (
        None if username is None else username.get_secret_value(),
        None if credential is None else credential.get_secret_value(),
    )
