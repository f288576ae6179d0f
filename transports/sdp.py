"""SDP at the door: limits before parsing, candidates filtered, public addresses written in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiortc.sdp import SessionDescription

from transports.errors import SignallingRefused
from transports.ice import CandidatePolicy, address_allowed

END_OF_CANDIDATES: Final = "a=end-of-candidates"


@dataclass(frozen=True, slots=True)
class SdpLimits:
    """What an offer may hold at most."""

    max_bytes: int = 64 * 1024
    max_media: int = 8
    max_candidates: int = 64


def offer_untrusted(sdp: str, limits: SdpLimits, policy: CandidatePolicy) -> str:
    """The offer as aiortc may see it, without candidates we would not send to.

    End-of-candidates is dropped too: Chromium without microphone permission offers nothing
    but mDNS names and connects as peer-reflexive, which aioice gives up once it believes
    that no candidate will come. Raises `SignallingRefused`, with 413 for too much of anything.
    """
    if len(sdp.encode()) > limits.max_bytes:
        raise _too_large(f"The SDP is larger than {limits.max_bytes} bytes.")
    lines = sdp.splitlines()
    if sum(line.startswith("m=") for line in lines) > limits.max_media:
        raise _too_large(f"The SDP has more than {limits.max_media} media sections.")
    if sum(line.startswith("a=candidate:") for line in lines) > limits.max_candidates:
        raise _too_large(f"The SDP has more than {limits.max_candidates} candidates.")
    kept = "\r\n".join(line for line in lines if _keeps(line, policy)) + "\r\n"
    _check_parses_untrusted(kept)
    return kept


def _too_large(sentence: str) -> SignallingRefused:
    return SignallingRefused(sentence, counter="sdp_too_large", status=413)


def _keeps(line: str, policy: CandidatePolicy) -> bool:
    if line.startswith(END_OF_CANDIDATES):
        return False
    if not line.startswith("a=candidate:"):
        return True
    fields = line.split()
    return len(fields) >= 8 and fields[2].lower() == "udp" and address_allowed(fields[4], policy)


def _check_parses_untrusted(sdp: str) -> None:
    malformed = SignallingRefused("The SDP offer cannot be read.", counter="sdp_malformed")
    try:
        description = SessionDescription.parse(sdp)
    except Exception:  # aiortc's parser raises whatever Python does on a bad line
        raise malformed from None
    if not description.media:
        raise malformed
    for media in description.media:
        if media.ice is None or not media.ice.usernameFragment or not media.ice.password:
            raise SignallingRefused(
                "The SDP offer holds no ICE credentials.", counter="sdp_malformed"
            )
        if media.dtls is None or not media.dtls.fingerprints:
            raise SignallingRefused(
                "The SDP offer holds no DTLS fingerprint.", counter="sdp_malformed"
            )


def answer_with_public_hosts(sdp: str, public: Mapping[str, str]) -> str:
    """Our answer with each bound address replaced by the one peers reach it at (1:1 NAT)."""
    out = []
    for line in sdp.splitlines():
        fields = line.split(" ")
        if line.startswith("a=candidate:") and fields[4] in public:
            fields[4] = public[fields[4]]
        elif line.startswith("c=") and fields[-1] in public:
            fields[-1] = public[fields[-1]]
        out.append(" ".join(fields))
    return "\r\n".join(out) + "\r\n"
