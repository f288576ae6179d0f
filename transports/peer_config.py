"""How peers are connected: addresses, servers and limits, the same for all of a service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from transports.aiortc_seam import IceBinding
from transports.presence import SilenceLimits


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server. `credential` is kept out of `repr`."""

    url: str
    username: str | None = None
    credential: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """`public_hosts` maps a bound address to the one that peers reach it at."""

    connect_limit_s: float = 15.0
    silence: SilenceLimits = SilenceLimits()
    picture_interval_s: float = 1.0
    video_bits_per_s: int = 1_500_000
    binding: IceBinding = IceBinding()
    public_hosts: Mapping[str, str] = field(default_factory=dict)
    ice_servers: Sequence[IceServer] = ()
