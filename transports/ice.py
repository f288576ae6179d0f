"""Remote ICE candidates: which of a stranger's addresses we are willing to send STUN to.

A candidate is an instruction to send packets somewhere. Unfiltered, a peer can point the
service at its own loopback services or at a cloud's metadata address.
"""

import ipaddress
from dataclasses import dataclass
from typing import Final

from aiortc import RTCIceCandidate
from aiortc.sdp import candidate_from_sdp

from transports.errors import SignallingRefused

IceCandidate = RTCIceCandidate  # for those who only pass it on

MAX_CANDIDATE_CHARS: Final = 512
MIN_PORT: Final = 1024  # browsers send from none below; well-known services listen there
MAX_PRIORITY: Final = 2**31 - 1  # RFC 8839 section 5.1
RTP_COMPONENT: Final = 1  # with RTCP multiplexed there is no other

# The clouds' metadata services that are not link-local: AWS (IPv6), Alibaba, Oracle, Azure.
_METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in ("fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16")
)
# "This network", and the tunnels 6to4 and Teredo, whose addresses hide an IPv4 one.
_NEVER: Final = tuple(ipaddress.ip_network(n) for n in ("0.0.0.0/8", "2002::/16", "2001::/32"))


@dataclass(frozen=True, slots=True)
class CandidatePolicy:
    """`allow_loopback` only where the service itself binds loopback: tests, `make run`.

    `allow_private`: the service and its peers share a network behind a NAT.
    """

    allow_loopback: bool
    allow_private: bool = True


def candidate_untrusted(
    line: str, mid: str | None, index: int | None, policy: CandidatePolicy
) -> RTCIceCandidate | None:
    """A trickled candidate line as aiortc takes it.

    None when it is one to drop in silence: end-of-candidates (given to aioice, it would
    refuse later ones), mDNS names, TCP, addresses outside the policy. Raises
    `SignallingRefused` when the line is not a candidate at all (RFC 8839 section 5.1).
    """
    text = line.strip().removeprefix("a=").removeprefix("candidate:").strip()
    if not text or text == "end-of-candidates":
        return None
    if len(text) > MAX_CANDIDATE_CHARS:
        raise _malformed("An ICE candidate is too long.")
    try:
        candidate = candidate_from_sdp(text)
    except (AssertionError, ValueError):
        raise _malformed("A candidate is not an ICE candidate line.") from None
    if not 0 < candidate.priority <= MAX_PRIORITY:
        raise _malformed("An ICE candidate's priority is out of range.")
    if not _usable(candidate, policy):
        return None
    candidate.sdpMid = mid
    candidate.sdpMLineIndex = index
    return candidate


def _malformed(sentence: str) -> SignallingRefused:
    return SignallingRefused(sentence, counter="candidate_malformed")


def _usable(candidate: RTCIceCandidate, policy: CandidatePolicy) -> bool:
    return (
        candidate.protocol.lower() == "udp"
        and candidate.component == RTP_COMPONENT
        and MIN_PORT <= candidate.port < 65536
        and address_allowed(candidate.ip, policy)
    )


def address_allowed(text: str, policy: CandidatePolicy) -> bool:
    """False for names (`.local`), and for addresses where no peer can be.

    Those are loopback and private ones unless allowed, and link-local, multicast, reserved
    (which includes IPv4 written as IPv6), tunnel and metadata addresses.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.is_loopback:
        return policy.allow_loopback
    if (
        address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address in _METADATA
        or any(address in network for network in _NEVER)
    ):
        return False
    return policy.allow_private or not address.is_private
