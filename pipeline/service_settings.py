"""Settings of the service itself: where it listens, whom it lets in, and its limits.

Pure: nothing is opened or looked up, so a certificate that does not exist is found at start.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from processors.billing.prices import PriceList
from processors.gemini.generation import Real, SettingsModel, Text, Whole, constant, setting

EXIT_LIMIT_S: Final = 10.0
"""SIGTERM ends the process within this time."""

_ICE_URL: Final = re.compile(
    r"(stuns?|turns?):(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?(\?transport=(udp|tcp))?"
)
_MODULE: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_LOCATION: Final = re.compile(r"[a-z][a-z0-9-]{1,38}")
_PORTS: Final = re.compile(r"(\d{1,5}) ?- ?(\d{1,5})")
MIN_KEY_CHARS: Final = 16
HIGHEST_PORT: Final = 65_535


@dataclass(frozen=True, slots=True)
class IceHost:
    """A local address to receive media on, and the address peers are told instead, if any."""

    bind: str
    public: str | None = None


@dataclass(frozen=True, slots=True)
class PortRange:
    """UDP ports from `first` to `last`, both included."""

    first: int
    last: int


def _ice_host(value: object) -> IceHost:
    if isinstance(value, IceHost):
        return value
    bind, equals, public = str(value).partition("=")
    try:
        local = str(ipaddress.ip_address(bind.strip()))
        outside = str(ipaddress.ip_address(public.strip())) if equals else None
    except ValueError:
        raise ValueError("must be an IP address or two of them as bind=public") from None
    return IceHost(local, outside)


def _port_range(value: object) -> PortRange:
    if isinstance(value, PortRange):
        return value
    match = _PORTS.fullmatch(str(value).strip())
    if match:
        first, last = int(match[1]), int(match[2])
        if 0 < first <= last <= HIGHEST_PORT:
            return PortRange(first, last)
    raise ValueError("must be a range of ports such as 40000-40100")


def _stun(url: str) -> str:
    if not url.startswith(("stun:", "stuns:")) or not _ICE_URL.fullmatch(url):
        raise ValueError("must be an address such as stun:stun.example.org:3478")
    return url


def _turn(url: str) -> str:
    if not url.startswith(("turn:", "turns:")) or not _ICE_URL.fullmatch(url):
        raise ValueError("must be an address such as turn:turn.example.org:3478?transport=udp")
    return url


def _web_address(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        valid_port = parts.port is None or parts.port > 0
    except ValueError:
        return None
    plain = parts.hostname and valid_port and "@" not in parts.netloc
    return parts if plain and parts.scheme in ("http", "https") else None


def _origin(origin: str) -> str:
    parts = _web_address(origin)
    if origin != "*" and (parts is None or f"{parts.scheme}://{parts.netloc}" != origin):
        raise ValueError("must be an origin such as https://example.org, or *")
    return origin


def _public_url(url: str) -> str:
    parts = _web_address(url)
    if parts is None or parts.query or parts.fragment:
        raise ValueError("must be an address such as https://easel.example.org")
    return url.rstrip("/")


def _module(name: str) -> str:
    if not _MODULE.fullmatch(name):
        raise ValueError("must be the dotted name of a Python module")
    return name


def _location(name: str) -> str:
    if not _LOCATION.fullmatch(name):
        raise ValueError("must be a location of Google Cloud such as global")
    return name


FreePort = Annotated[Whole, Field(ge=0, le=HIGHEST_PORT)]
IceHosts = tuple[Annotated[IceHost, PlainValidator(_ice_host)], ...]
StunUrls = tuple[Annotated[str, AfterValidator(_stun)], ...]
TurnUrls = tuple[Annotated[str, AfterValidator(_turn)], ...]
Origins = tuple[Annotated[str, AfterValidator(_origin)], ...]


class ServiceSettings(SettingsModel):
    """What the operator decides for the whole service. Sizes are bytes, times seconds."""

    host: Annotated[Text, Field(min_length=1, max_length=253)] = setting(
        "127.0.0.1", "Address the HTTP server listens on.", span="address or host name"
    )
    port: FreePort = setting(7860, "Port of the HTTP server; 0 takes a free one.")
    public_url: Annotated[Text, AfterValidator(_public_url)] | None = setting(
        None, "Address of the service behind a proxy.", span="http or https address"
    )
    tls_cert: Annotated[Text, Field(min_length=1)] | None = setting(
        None, "Certificate chain in PEM; serves HTTPS.", span="path of a file"
    )
    tls_key: Annotated[Text, Field(min_length=1)] | None = setting(
        None, "Private key of the certificate.", span="path of a file", validate_default=True
    )
    allowed_origins: Origins = setting(
        (),
        "Web pages of other origins that may use the service.",
        span="origins such as https://example.org, or *",
        max_length=100,
    )
    gemini: Annotated[Literal["auto", "api", "emulator"], constant()] = setting(
        "auto",
        "What the service talks to. `auto`: the API when a key or Vertex AI is configured, else "
        "the emulator.",
    )
    vertex_image_location: Annotated[Text, AfterValidator(_location)] | None = setting(
        None,
        "Location of the image model on Vertex AI, where it is not that of the Live model.",
        span="such as global",
    )
    emulator_port: FreePort = setting(0, "Port of the service's own emulator; 0 takes a free one.")
    tools_module: Annotated[Text, AfterValidator(_module)] | None = setting(
        None, "Module whose functions become tools.", span="dotted name"
    )
    ice_hosts: IceHosts = setting(
        (),
        "Addresses for media, as `bind` or `bind=public`. Empty: every interface and 127.0.0.1.",
        span="list of addresses",
        max_length=32,
    )
    ice_ports: Annotated[PortRange, PlainValidator(_port_range)] | None = setting(
        None, "UDP ports for media. Unset: any.", span="range such as 40000-40100"
    )
    stun_urls: StunUrls = setting((), "STUN servers.", span="stun: addresses", max_length=8)
    turn_urls: TurnUrls = setting((), "TURN servers.", span="turn: addresses", max_length=8)
    turn_username: SecretStr | None = setting(None, "User at the TURN servers.", span="text")
    turn_credential: SecretStr | None = setting(
        None, "Password at the TURN servers.", span="text", validate_default=True
    )
    max_rooms: Whole = setting(100, "Rooms at a time.", unit="rooms", ge=1, le=100_000)
    max_peers_per_room: Whole = setting(20, "Peers in a room.", unit="peers", ge=1, le=1000)
    max_upload_bytes: Whole = setting(
        8 * 1024 * 1024, "Largest upload.", unit="bytes", ge=1024, le=64 * 1024 * 1024
    )
    max_sdp_bytes: Whole = setting(
        64 * 1024, "Largest offer.", unit="bytes", ge=1024, le=1024 * 1024
    )
    max_m_lines: Whole = setting(8, "Media sections of an offer.", unit="m-lines", ge=1, le=64)
    max_candidates: Whole = setting(
        64, "ICE candidates of a peer.", unit="candidates", ge=1, le=1024
    )
    max_data_channel_message_bytes: Whole = setting(
        256 * 1024,
        "Largest message on the data channel.",
        unit="bytes",
        ge=16 * 1024,
        le=512 * 1024,
    )
    connect_timeout_s: Real = setting(15.0, "Time a peer has to connect.", unit="s", ge=1, le=120)
    idle_timeout_s: Real = setting(
        60.0,
        "Time a room waits while nobody is in it: for the first peer, or for one to come back.",
        unit="s",
        ge=0,
        le=86_400,
    )
    shutdown_s: Real = setting(
        8.0, "Time to end calls politely after SIGTERM.", unit="s", ge=0, lt=EXIT_LIMIT_S
    )
    prices: PriceList = setting(
        {},
        "What models cost: objects by name or pattern, see below. They go before the file's, and "
        "both before Easel's own.",
        span="object in JSON",
    )
    prices_file: Annotated[Text, Field(min_length=1)] | None = setting(
        None, "The same in a file of JSON.", span="path of a file"
    )
    storage: Annotated[Literal["folder", "memory", "s3"], constant()] = setting(
        "folder", "Where images are kept, and what is needed to open rooms again after a restart."
    )
    storage_folder: Annotated[Text, Field(min_length=1)] | None = setting(
        None,
        "The folder, empty or Easel's own. Unset: `easel/images` where the user's programs keep "
        "their state.",
        span="path of a folder",
    )
    storage_max_bytes: Whole = setting(
        2 * 1024**3,
        "Images in the folder or in memory; beyond it the oldest are deleted.",
        unit="bytes",
        ge=1024**2,
        le=2**50,
    )
    storage_max_age_h: Real = setting(
        24.0, "Age at which an image is deleted from the folder.", unit="h", ge=0.1, le=87_600
    )
    storage_cache_bytes: Whole = setting(
        64 * 1024**2,
        "Images in memory, in front of the folder or of S3, of all rooms together.",
        unit="bytes",
        ge=1024**2,
        le=2**40,
    )
    max_images_at_once: Whole = setting(
        8, "Images all rooms together make at the same time.", unit="images", ge=1, le=1000
    )
    s3_bucket: Annotated[Text, Field(min_length=3, max_length=63)] | None = setting(
        None,
        "The bucket, for `s3`. Credentials come from where boto3 finds them.",
        span="name",
        validate_default=True,
    )
    s3_prefix: Annotated[Text, Field(max_length=200)] = setting(
        "easel", "What all names in the bucket begin with.", span="text"
    )
    s3_endpoint_url: Annotated[Text, AfterValidator(_public_url)] | None = setting(
        None, "Where the bucket is, unless at AWS.", span="http or https address"
    )
    s3_region: Annotated[Text, Field(max_length=60)] | None = setting(
        None, "The bucket's region.", span="name"
    )
    signing_key: SecretStr | None = setting(
        None,
        "What the addresses of images are signed with; several services behind one address need "
        "the same. Unset: a key of its own, kept in the folder.",
        span="text of at least 16 characters",
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], constant()] = setting(
        "info", "Least level that is logged."
    )
    log_format: Annotated[Literal["text", "json"], constant()] = setting(
        "text", "Lines for people or for machines."
    )
    wire_log: Annotated[Text, Field(min_length=1)] | None = setting(
        None,
        "Where to write what passes between the service and the Live API, for `easel emulator "
        "--replay`: without sound, pictures, keys and words.",
        span="path of a folder, or of a file ending in .jsonl",
    )
    wire_log_texts: bool = setting(
        False,
        "Whether the wire log keeps what people and the model say. For a developer's own machine: "
        "the file then holds whole conversations.",
    )

    @field_validator("tls_key")
    @classmethod
    def _with_certificate(cls, key: str | None, info: ValidationInfo) -> str | None:
        if (key is None) != (info.data.get("tls_cert") is None):
            raise ValueError("and tlsCert must be given together")
        return key

    @field_validator("signing_key")
    @classmethod
    def _long_enough(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and len(key.get_secret_value()) < MIN_KEY_CHARS:
            raise ValueError(f"must have at least {MIN_KEY_CHARS} characters")
        return key

    @field_validator("s3_bucket")
    @classmethod
    def _with_s3(cls, bucket: str | None, info: ValidationInfo) -> str | None:
        if (bucket is None) == (info.data.get("storage") == "s3"):
            raise ValueError("and storage s3 must be given together")
        return bucket

    @field_validator("turn_credential")
    @classmethod
    def _with_turn_user(cls, password: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        given = {bool(info.data.get("turn_urls")), bool(info.data.get("turn_username"))}
        if given != {password is not None}:
            raise ValueError("must be given together with turnUrls and turnUsername")
        return password
