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

MAX_CANDIDATE_CHARS: Final = 512


@dataclass(frozen=True, slots=True)
class CandidatePolicy:
    """`allow_loopback` only where the service itself binds loopback: tests, `make run`."""

    allow_loopback: bool


def candidate_untrusted(
    line: str, mid: str | None, index: int | None, policy: CandidatePolicy
) -> RTCIceCandidate | None:
    """A trickled candidate line as aiortc takes it.

    None when it is one to drop in silence: end-of-candidates (given to aioice, it would
    refuse later ones), mDNS names, TCP, addresses outside the policy. Raises
    `SignallingRefused` when the line is not a candidate at all (RFC 8839 section 5.1).
    """
    text = line.removeprefix("a=").removeprefix("candidate:").strip()
    if not text:
        return None
    if len(text) > MAX_CANDIDATE_CHARS:
        raise SignallingRefused("A candidate is too long.", counter="candidate_malformed")
    try:
        candidate = candidate_from_sdp(text)
    except (AssertionError, ValueError, IndexError):
        raise SignallingRefused(
            "A candidate is not an ICE candidate line.", counter="candidate_malformed"
        ) from None
    if not _reachable(candidate, policy):
        return None
    candidate.sdpMid = mid
    candidate.sdpMLineIndex = index
    return candidate


def _reachable(candidate: RTCIceCandidate, policy: CandidatePolicy) -> bool:
    if candidate.protocol.lower() != "udp" or not 0 < candidate.port < 65536:
        return False
    return address_allowed(candidate.ip, policy)


def address_allowed(text: str, policy: CandidatePolicy) -> bool:
    """False for names (`.local`), loopback unless allowed, link-local, multicast, unspecified."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.is_loopback:
        return policy.allow_loopback
    return not (address.is_link_local or address.is_multicast or address.is_unspecified)
