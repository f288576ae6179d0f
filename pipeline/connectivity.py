"""From settings to what connects peers: candidates, ports, STUN and TURN."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from pipeline.service_settings import ServiceSettings
from transports.aiortc_seam import IceBinding
from transports.ice import CandidatePolicy
from transports.peer_config import IceServer, PeerConfig
from transports.sdp import SdpLimits

SAMPLING_STRETCH: Final = 1.005  # a grid a little wider than the limit: never more than it


def peer_config(service: ServiceSettings, *, pictures_per_s: float) -> PeerConfig:
    """How a peer's connection is made. `pictures_per_s`: at most so many of its camera."""
    ports = service.ice_ports
    return PeerConfig(
        connect_limit_s=service.connect_timeout_s,
        picture_interval_s=SAMPLING_STRETCH / pictures_per_s,
        binding=IceBinding(
            hosts=tuple(host.bind for host in service.ice_hosts),
            ports=None if ports is None else range(ports.first, ports.last + 1),
        ),
        public_hosts={h.bind: h.public for h in service.ice_hosts if h.public is not None},
        ice_servers=_own_ice_servers(service),
    )


def on_loopback(service: ServiceSettings) -> bool:
    """Only this machine can reach the HTTP server, and no proxy is said to stand before it."""
    host = service.host
    local = host in ("localhost", "::1") or host.startswith("127.")
    return local and service.public_url is None


def public_origin(service: ServiceSettings) -> str | None:
    """The origin of our own page behind a proxy, which may change the Host header."""
    if service.public_url is None:
        return None
    parts = urlsplit(service.public_url)
    return f"{parts.scheme}://{parts.netloc}"


def sdp_limits(service: ServiceSettings) -> SdpLimits:
    return SdpLimits(service.max_sdp_bytes, service.max_m_lines, service.max_candidates)


def candidate_policy(service: ServiceSettings) -> CandidatePolicy:
    """Loopback candidates make sense only where media is received on loopback."""
    hosts = service.ice_hosts
    on_loopback = any(host.bind.startswith("127.") or host.bind == "::1" for host in hosts)
    return CandidatePolicy(allow_loopback=not hosts or on_loopback)


def browser_ice_servers(service: ServiceSettings) -> tuple[Mapping[str, Any], ...]:
    """As the client SDKs want them: `urls` is always a list."""
    servers: list[Mapping[str, Any]] = []
    if service.stun_urls:
        servers.append({"urls": list(service.stun_urls)})
    if service.turn_urls:
        username, credential = _turn_login(service)
        login = {"username": username, "credential": credential}
        servers.append({"urls": list(service.turn_urls), **login})
    return tuple(servers)


def _own_ice_servers(service: ServiceSettings) -> list[IceServer]:
    username, credential = _turn_login(service)
    return [
        *(IceServer(url) for url in service.stun_urls),
        *(IceServer(url, username, credential) for url in service.turn_urls),
    ]


def _turn_login(service: ServiceSettings) -> tuple[str | None, str | None]:
    """The settings hold both or neither, and both when there is a TURN server."""
    username, credential = service.turn_username, service.turn_credential
    if username is None or credential is None:
        return None, None
    return username.get_secret_value(), credential.get_secret_value()
