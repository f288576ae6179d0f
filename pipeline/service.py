"""The service as a whole: from settings to a listening server, and back down."""

import logging
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from pipeline.app import Doors, make_app, web_root
from pipeline.emulator_process import emulator_process
from pipeline.registry import Registry
from pipeline.room import Shared
from pipeline.settings import Settings
from processors.gemini.client import Endpoint, make_client
from processors.ticker import Ticker
from transports.aiortc_seam import IceBinding
from transports.ice import CandidatePolicy
from transports.sdp import SdpLimits
from transports.webrtc_peer import IceServer, PeerConfig

logger = logging.getLogger(__name__)

PICTURE_WORKERS: Final = 2


@dataclass(frozen=True, slots=True)
class Running:
    """A service that listens. `talks_to` says in words what it talks to."""

    url: str
    talks_to: str
    registry: Registry
    counts: Counter[str]


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Running]:
    """Everything between the settings and an open port; on the way out, calls end politely."""
    service = settings.service
    async with AsyncExitStack() as stack:
        endpoint, talks_to = Endpoint(), "Gemini"
        if settings.backend is None:
            endpoint = await stack.enter_async_context(emulator_process())
            talks_to = "the emulator (no API key is set)"
        executor = stack.enter_context(
            ThreadPoolExecutor(PICTURE_WORKERS, thread_name_prefix="picture")
        )
        ticker = Ticker()
        stack.push_async_callback(ticker.close)
        counts: Counter[str] = Counter()
        registry = Registry(
            Shared(
                client=make_client(endpoint),
                vertex=settings.vertex,
                executor=executor,
                ticker=ticker,
                peer_config=_peer_config(settings),
                count=lambda name: counts.update((name,)),
                max_peers=service.max_peers_per_room,
                max_message_bytes=service.max_data_channel_message_bytes,
                idle_limit_s=service.idle_timeout_s,
            ),
            max_rooms=service.max_rooms,
        )
        stack.push_async_callback(registry.close, service.shutdown_s / 2)
        url = await _listen(stack, settings, registry, counts)
        yield Running(url, talks_to, registry, counts)


async def _listen(
    stack: AsyncExitStack, settings: Settings, registry: Registry, counts: Counter[str]
) -> str:
    service = settings.service
    doors = Doors(
        registry=registry,
        defaults=settings.room,
        vertex=settings.vertex,
        sdp_limits=SdpLimits(service.max_sdp_bytes, service.max_m_lines, service.max_candidates),
        candidate_policy=CandidatePolicy(allow_loopback=_on_loopback(settings)),
        ice_servers=_ice_servers(settings),
        count=lambda name: counts.update((name,)),
        web_root=web_root(),
    )
    runner = web.AppRunner(make_app(doors), access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, service.host, service.port, shutdown_timeout=1.0)
    await site.start()
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"


def _on_loopback(settings: Settings) -> bool:
    hosts = settings.service.ice_hosts
    return not hosts or any(host.bind.startswith("127.") for host in hosts)


def _peer_config(settings: Settings) -> PeerConfig:
    service = settings.service
    ports = service.ice_ports
    return PeerConfig(
        connect_limit_s=service.connect_timeout_s,
        picture_interval_s=1.01 / settings.room.video.max_per_second,
        binding=IceBinding(
            hosts=tuple(host.bind for host in service.ice_hosts),
            ports=None if ports is None else range(ports.first, ports.last + 1),
        ),
        public_hosts={h.bind: h.public for h in service.ice_hosts if h.public is not None},
        ice_servers=[IceServer(url) for url in service.stun_urls],
    )


def _ice_servers(settings: Settings) -> list[dict[str, object]]:
    urls = settings.service.stun_urls
    return [{"urls": list(urls)}] if urls else []
