"""The service as a whole: from settings to a listening server, and back down."""

import asyncio
import logging
import os
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import TypeAdapter

from pipeline.app import make_app, web_root
from pipeline.connectivity import (
    browser_ice_servers,
    candidate_policy,
    on_loopback,
    peer_config,
    public_origin,
    sdp_limits,
)
from pipeline.doors import Doors
from pipeline.emulator_process import emulator_process
from pipeline.image_stores import open_blobs, signing_key
from pipeline.metrics import Metrics
from pipeline.registry import Registry
from pipeline.revival import Revival
from pipeline.room_settings import check_prices
from pipeline.server_log import ServerLog
from pipeline.service_settings import ServiceSettings
from pipeline.settings import Settings
from pipeline.shared import Shared
from pipeline.shares import Shares
from pipeline.signed_urls import UrlSigner
from processors.billing.prices import PUBLISHED, PriceList, PriceTable
from processors.gemini.client import Endpoint, make_client
from processors.gemini.errors import ConfigurationFault
from processors.gemini.wire_log import WireLog
from processors.images.client import warm_up
from processors.images.image_tools import TOOL_NAMES
from processors.images.model_thread import ModelThread
from processors.images.places import Places
from processors.images.store import BlobStore, StoreFailed
from processors.ticker import Ticker
from processors.tools import Tool, installed_tools

logger = logging.getLogger(__name__)

WORKERS: Final = 3  # threads for pictures
NICER: Final = 10  # they than the main thread, in which the voice is
NICEST: Final = 19
HTTP_CLOSE_S: Final = 0.5  # for requests that are under way when all rooms have ended
ANY_HOST: Final = ("0.0.0.0", "::")


class StartFailed(RuntimeError):
    """The service cannot start as it is set up: the operator's to mend. `str()` says why."""


@dataclass(frozen=True, slots=True)
class Running:
    """A service that listens on `port`; `url` is what to open, which may be a proxy's.

    `talks_to` says in words what it talks to.
    """

    url: str
    port: int
    talks_to: str
    registry: Registry
    metrics: Metrics


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Running]:
    """Everything between the settings and an open port; on the way out, calls end politely.

    Raises `StartFailed`, `EmulatorFailed`, `ToolUnusable`.
    """
    service = settings.service
    async with AsyncExitStack() as stack:
        tools = installed_tools(service.tools_module, taken=TOOL_NAMES)
        tls = _tls(service)
        prices = _prices(settings)
        metrics = Metrics()
        blobs, key = await _images(service, stack, metrics)
        signer = UrlSigner(urlsplit(service.public_url or "").path.rstrip("/"), key)
        shared = await _shared(settings, stack, metrics, signer, blobs, tools, prices)
        revival = Revival(blobs, service.idle_timeout_s)
        metrics.watch("image_places", shared.places.counters)
        registry = Registry(shared, metrics, max_rooms=service.max_rooms, revival=revival)
        app = make_app(_doors(settings, registry, shared, metrics))
        log = ServerLog(metrics.count)
        runner = web.AppRunner(app, access_log=None, logger=log, shutdown_timeout=HTTP_CLOSE_S)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        stack.push_async_callback(registry.close, service.shutdown_s)
        warm_up()
        url = await _listen(runner, service, tls)
        port = int(runner.addresses[0][1])
        yield Running(url, port, talks_to(settings), registry, metrics)


async def _shared(
    settings: Settings,
    stack: AsyncExitStack,
    metrics: Metrics,
    signer: UrlSigner,
    blobs: BlobStore,
    tools: list[Tool],
    prices: PriceTable,
) -> Shared:
    """What the rooms use together; `stack` releases it. Raises `StartFailed`."""
    service, endpoint = settings.service, Endpoint()
    if settings.backend is None:
        endpoint = await stack.enter_async_context(emulator_process(service.emulator_port))
    wire_log = _wire_log(settings, stack, metrics)
    make = partial(make_client, endpoint, vertex=settings.vertex)
    try:
        # In threads, since it may look for a login to Google Cloud.
        client = await asyncio.to_thread(make, tap=wire_log)
        stack.push_async_callback(client.aio.aclose)
        image_client = await asyncio.to_thread(make, location=service.vertex_image_location)
    except ConfigurationFault as fault:
        raise StartFailed(f"Gemini cannot be reached: {fault.reason}") from fault
    image_thread = await _image_thread(stack, image_client.aio.aclose)
    metrics.watch("image_thread", image_thread.counters)
    executor = _executor(stack)
    ticker = Ticker()
    stack.push_async_callback(ticker.close)
    return Shared(
        client=client,
        image_client=image_client,
        image_thread=image_thread,
        partner="emulator" if settings.backend is None else "gemini",
        vertex=settings.vertex,
        executor=executor,
        ticker=ticker,
        peer_config=peer_config(service, pictures_per_s=settings.room.video.max_per_second),
        count=metrics.count,
        max_peers=service.max_peers_per_room,
        max_message_bytes=service.max_data_channel_message_bytes,
        max_upload_bytes=service.max_upload_bytes,
        idle_limit_s=service.idle_timeout_s,
        signer=signer,
        blobs=blobs,
        link_base=service.public_url or signer.prefix,
        places=Places(service.max_images_at_once),
        tools=tools,
        prices=prices,
    )


async def _image_thread(
    stack: AsyncExitStack, close_client: Callable[[], Coroutine[None, None, None]]
) -> ModelThread:
    """In which the client for images is used from now on, and closed."""
    thread = ModelThread()
    await thread.open()
    stack.push_async_callback(thread.close)
    stack.push_async_callback(thread.run, close_client)
    return thread


def _executor(stack: AsyncExitStack) -> ThreadPoolExecutor:
    executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="work", initializer=give_way)
    # Nobody is left who waits for a picture, so neither do we.
    stack.callback(executor.shutdown, wait=False, cancel_futures=True)
    return executor


def give_way() -> None:
    """Lets this thread run behind the others. On Linux a thread has a niceness of its own
    (setpriority(2)); elsewhere the process has but one."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        niceness = os.getpriority(os.PRIO_PROCESS, thread) + NICER
        os.setpriority(os.PRIO_PROCESS, thread, min(niceness, NICEST))


async def _images(
    service: ServiceSettings, stack: AsyncExitStack, metrics: Metrics
) -> tuple[BlobStore, bytes]:
    """Where images are kept, and the key that their addresses are signed with. Raises
    `StartFailed`."""
    try:
        blobs = await open_blobs(service, stack, metrics)
        return blobs, await signing_key(service, blobs)
    except StoreFailed as error:
        raise StartFailed(str(error)) from error


def _wire_log(settings: Settings, stack: AsyncExitStack, metrics: Metrics) -> WireLog | None:
    """Raises `StartFailed`."""
    path = settings.service.wire_log
    if path is None:
        return None
    try:
        log = WireLog(
            Path(path),
            texts=settings.service.wire_log_texts,
            vertex=settings.vertex,
            on_drop=lambda: metrics.count("wire_log_records"),
        )
    except OSError as error:
        raise StartFailed(f"EASEL_WIRE_LOG cannot be written: {error.strerror}") from error
    stack.callback(log.close)
    if settings.service.wire_log_texts:
        logger.warning("the wire log keeps what people say: EASEL_WIRE_LOG_TEXTS is on")
    return log


def _doors(
    settings: Settings,
    registry: Registry,
    shared: Shared,
    metrics: Metrics,
) -> Doors:
    service = settings.service
    return Doors(
        registry=registry,
        defaults=settings.room,
        vertex=settings.vertex,
        prices=shared.prices,
        sdp_limits=sdp_limits(service),
        candidate_policy=candidate_policy(service),
        ice_servers=browser_ice_servers(service),
        allowed_origins=frozenset(service.allowed_origins),
        public_origin=public_origin(service),
        on_loopback=on_loopback(service),
        max_upload_bytes=service.max_upload_bytes,
        signer=shared.signer,
        shares=Shares(shared.blobs),
        blobs=shared.blobs,
        executor=shared.executor,
        metrics=metrics,
        web_root=web_root(),
    )


def _prices(settings: Settings) -> PriceTable:
    """Raises `StartFailed`."""
    service = settings.service
    from_file: PriceList = {}
    if service.prices_file is not None:
        try:
            text = Path(service.prices_file).read_text(encoding="utf-8")
            from_file = TypeAdapter(PriceList).validate_json(text)
        except OSError as error:
            raise StartFailed(f"EASEL_PRICES_FILE cannot be read: {error.strerror}") from error
        except ValueError as error:  # of the encoding, of JSON, of what it says
            raise StartFailed(f"EASEL_PRICES_FILE cannot be used: {error}") from error
    prices = PriceTable(service.prices, from_file, PUBLISHED)
    for refusal in check_prices(settings.room, prices):
        raise StartFailed(refusal.sentence)
    return prices


async def _listen(
    runner: web.AppRunner, service: ServiceSettings, tls: ssl.SSLContext | None
) -> str:
    """The address to open. Raises `StartFailed`."""
    site = web.TCPSite(runner, service.host, service.port, ssl_context=tls)
    try:
        await site.start()
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise StartFailed(f"cannot listen on {service.host}, port {service.port}: {why}") from error
    if service.public_url is not None:
        return service.public_url
    scheme, port = "http" if tls is None else "https", runner.addresses[0][1]
    return f"{scheme}://{_host_in_url(service.host)}:{port}"


def _host_in_url(host: str) -> str:
    if host in ANY_HOST:
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _tls(service: ServiceSettings) -> ssl.SSLContext | None:
    """Raises `StartFailed`."""
    if service.tls_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # Without a password given, OpenSSL would ask for one on the terminal.
        context.load_cert_chain(service.tls_cert, service.tls_key, password="")
    except (OSError, ValueError) as error:
        raise StartFailed(
            f"the certificate of EASEL_TLS_CERT and EASEL_TLS_KEY cannot be used: {error}"
        ) from error
    return context


def talks_to(settings: Settings) -> str:
    """What answers, in words that follow "Easel talks to"."""
    if settings.backend == "vertex":
        return "Gemini on Vertex AI"
    if settings.backend == "mldev":
        return "the Gemini API"
    if settings.service.gemini == "emulator":
        return "its own emulator, not to Gemini, as it was told to"
    return "its own emulator, not to Gemini: no API key is set"
