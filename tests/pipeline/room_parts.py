"""What rooms and doors are made of, without a service around them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from google import genai
from google.genai.types import HttpOptions

from pipeline.app import web_root
from pipeline.doors import Doors
from pipeline.metrics import Metrics
from pipeline.registry import Registry
from pipeline.room_settings import RoomSettings
from pipeline.shared import Shared
from pipeline.shares import Shares
from pipeline.signed_urls import UrlSigner
from processors.billing.prices import PUBLISHED, PriceTable
from processors.images.memory_store import MemoryStore
from processors.images.places import Places
from processors.ticker import Ticker
from transports.aiortc_seam import IceBinding
from transports.ice import CandidatePolicy
from transports.peer_config import PeerConfig
from transports.sdp import SdpLimits

NOWHERE: Final = HttpOptions(base_url="https://127.0.0.1:9")


@contextmanager
def shared_parts(
    count: Callable[[str], None] = lambda name: None, **changes: Any
) -> Iterator[Shared]:
    with ThreadPoolExecutor(1) as executor:
        client = genai.Client(api_key="never used", http_options=NOWHERE)
        parts: dict[str, Any] = {
            "client": changes.get("client", client),
            "image_client": changes.get("client", client),
            "image_thread": None,
            "partner": "emulator",
            "vertex": False,
            "executor": executor,
            "ticker": Ticker(),
            "peer_config": PeerConfig(binding=IceBinding(("127.0.0.1",))),
            "count": count,
            "max_peers": 2,
            "max_message_bytes": 65_536,
            "max_upload_bytes": 65_536,
            "idle_limit_s": 60.0,
            "signer": UrlSigner(),
            "blobs": MemoryStore(),
            "link_base": "https://easel.example.org",
            "places": Places(8),
            "tools": (),
            "prices": PriceTable(PUBLISHED),
        }
        yield Shared(**{**parts, **changes})


def doors_of(shared: Shared) -> Doors:
    metrics = Metrics()
    return Doors(
        registry=Registry(shared, metrics, max_rooms=1),
        defaults=RoomSettings(),
        vertex=False,
        prices=shared.prices,
        sdp_limits=SdpLimits(65_536, 8, 64),
        candidate_policy=CandidatePolicy(allow_loopback=True),
        ice_servers=(),
        allowed_origins=frozenset(),
        public_origin=None,
        on_loopback=True,
        max_upload_bytes=65_536,
        signer=shared.signer,
        shares=Shares(shared.blobs),
        blobs=shared.blobs,
        executor=shared.executor,
        metrics=metrics,
        web_root=web_root(),
    )
