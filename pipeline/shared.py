"""What all rooms of the process use together, made once by `service.py`."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Literal

from google import genai

from pipeline.signed_urls import UrlSigner
from processors.billing.prices import PriceTable
from processors.images.model_thread import ModelThread
from processors.images.places import Places
from processors.images.store import BlobStore
from processors.ticker import Ticker
from processors.tools import Tool
from transports.peer_config import PeerConfig


@dataclass(frozen=True, slots=True)
class Shared:
    """`count` takes the name of something refused. `image_client` is for the image model, in
    `image_thread` if there is one. `link_base` goes before the paths of links that leave the room.
    """

    client: genai.Client
    image_client: genai.Client
    image_thread: ModelThread | None
    partner: Literal["emulator", "gemini"]
    vertex: bool
    executor: Executor
    ticker: Ticker
    peer_config: PeerConfig
    count: Callable[[str], None]
    max_peers: int
    max_message_bytes: int
    max_upload_bytes: int
    idle_limit_s: float
    signer: UrlSigner
    blobs: BlobStore
    link_base: str
    places: Places
    tools: Sequence[Tool]
    prices: PriceTable
