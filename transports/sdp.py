"""SDP at the door: limits before parsing, candidates filtered, public addresses written in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiortc.sdp import DIRECTIONS, MediaDescription, SessionDescription

from transports.errors import SignallingRefused
from transports.ice import CandidatePolicy, candidate_untrusted

CANDIDATE: Final = "a=candidate:"
END_OF_CANDIDATES: Final = "a=end-of-candidates"
FINGERPRINT: Final = "a=fingerprint:"
RTPMAP: Final = "a=rtpmap:"
WILDCARD_FEEDBACK: Final = "a=rtcp-fb:*"
KINDS: Final = ("audio", "video", "application")

MAX_CODECS: Final = 128  # in one section, which has room for no more payload types
MAX_WILDCARD_FEEDBACK: Final = 16

_DIRECTION_LINES: Final = frozenset(f"a={direction}" for direction in DIRECTIONS)


@dataclass(frozen=True, slots=True)
class SdpLimits:
    """What an offer may hold at most. A browser's has some 150 lines for each section."""

    max_bytes: int = 64 * 1024
    max_media: int = 8
    max_candidates: int = 64
    max_lines: int = 2000


def offer_untrusted(sdp: str, limits: SdpLimits, policy: CandidatePolicy) -> str:
    """The offer as aiortc may see it.

    Without candidates that we would not send to, and with the direction written out where it
    is the default. End-of-candidates is dropped too: Chromium without microphone permission
    offers nothing but mDNS names and connects as peer-reflexive, which aioice gives up once it
    believes that no candidate will come. Raises `SignallingRefused`, with 413 for too much of
    anything.
    """
    session, *media = _sections(_lines_untrusted(sdp, limits))
    default = next((line for line in session if line in _DIRECTION_LINES), "a=sendrecv")
    kept = [line for line in session if _keeps_untrusted(line, policy)]
    for section in media:
        _check_section_untrusted(section)
        kept += (line for line in section if _keeps_untrusted(line, policy))
        if section[0].startswith(("m=audio", "m=video")) and _DIRECTION_LINES.isdisjoint(section):
            kept.append(default)  # RFC 8866 section 6.7; aiortc fails without
    offer = "\r\n".join(kept) + "\r\n"
    _check_description_untrusted(offer)
    return offer


def _lines_untrusted(sdp: str, limits: SdpLimits) -> list[str]:
    try:
        size = len(sdp.encode())
    except UnicodeEncodeError:
        raise _malformed("The SDP offer is not text.") from None
    if size > limits.max_bytes:
        raise _too_large(f"The SDP is larger than {limits.max_bytes} bytes.")
    lines = [line for line in sdp.splitlines() if line]
    if len(lines) > limits.max_lines:
        raise _too_large(f"The SDP has more than {limits.max_lines} lines.")
    if sum(line.startswith("m=") for line in lines) > limits.max_media:
        raise _too_large(f"The SDP has more than {limits.max_media} media sections.")
    if sum(line.startswith(CANDIDATE) for line in lines) > limits.max_candidates:
        raise _too_large(f"The SDP has more than {limits.max_candidates} candidates.")
    return lines


def _sections(lines: list[str]) -> list[list[str]]:
    """The session's lines, then those of each media section."""
    sections: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("m="):
            sections.append([])
        sections[-1].append(line)
    return sections


def _keeps_untrusted(line: str, policy: CandidatePolicy) -> bool:
    if line.startswith(CANDIDATE):
        return candidate_untrusted(line, None, 0, policy) is not None
    return not line.startswith(END_OF_CANDIDATES)


def _check_section_untrusted(section: list[str]) -> None:
    """Codecs that repeat make aiortc's parser slow: each line for one is matched with all."""
    types = [line.removeprefix(RTPMAP).split(" ")[0] for line in section if line.startswith(RTPMAP)]
    if len(types) > MAX_CODECS:
        raise _too_large(f"A media section has more than {MAX_CODECS} codecs.")
    if sum(line.startswith(WILDCARD_FEEDBACK) for line in section) > MAX_WILDCARD_FEEDBACK:
        raise _too_large(f"A media section has more than {MAX_WILDCARD_FEEDBACK} rtcp-fb:* lines.")
    if not all(text.isdecimal() and len(text) <= 3 for text in types):
        raise _malformed("The SDP offer has a payload type that is not a number.")
    if len({int(text) for text in types}) < len(types):
        raise _malformed("The SDP offer has a payload type twice in one section.")
    fields = section[0].split(" ")
    if fields[1:2] == ["0"] and "a=bundle-only" not in section:
        raise _malformed("The SDP offer has a rejected section: make a new connection instead.")


def _check_description_untrusted(sdp: str) -> None:
    """What aiortc would fail at later, or answer wrongly, is refused here, in words."""
    try:
        description = SessionDescription.parse(sdp)
    except Exception:  # aiortc's parser raises whatever Python does on a bad line
        raise _malformed("The SDP offer cannot be read.") from None
    if not description.media:
        raise _malformed("The SDP offer has no media section.")
    mids = [media.rtp.muxId for media in description.media]
    if "" in mids or len(set(mids)) < len(mids):
        raise _malformed("Each media section of the SDP offer needs a mid of its own.")
    for group in description.group:
        if group.semantic == "BUNDLE" and not set(mids).issuperset(group.items):
            raise _malformed("The SDP offer bundles a mid that it has not.")
    if sum(media.kind == "application" for media in description.media) > 1:
        raise _malformed("The SDP offer has more than one section for data channels.")
    for section in description.media:
        _check_media(section)


def _check_media(media: MediaDescription) -> None:
    if media.kind not in KINDS:
        raise _malformed("The SDP offer has a section that is not audio, video or application.")
    if media.ice is None or not media.ice.usernameFragment or not media.ice.password:
        raise _malformed("The SDP offer holds no ICE credentials.")
    if media.dtls is None or not media.dtls.fingerprints:
        raise _malformed("The SDP offer holds no DTLS fingerprint or no setup role.")
    if media.kind != "application":
        if not media.rtcp_mux:
            raise _malformed("The SDP offer must multiplex RTCP (rtcp-mux).")
    elif media.profile != "DTLS/SCTP" and not 0 < (media.sctp_port or 0) < 65536:
        raise _malformed("The SDP offer's data channel section needs an sctp-port.")


def _malformed(sentence: str) -> SignallingRefused:
    return SignallingRefused(sentence, counter="sdp_malformed")


def _too_large(sentence: str) -> SignallingRefused:
    return SignallingRefused(sentence, counter="sdp_too_large", status=413)


def fingerprints(sdp: str) -> frozenset[str]:
    """Of the certificates in an SDP. A client has others for each connection it makes."""
    lines = (line.casefold() for line in sdp.splitlines() if line.startswith(FINGERPRINT))
    return frozenset(line.removeprefix(FINGERPRINT).strip() for line in lines)


def answer_with_public_hosts(sdp: str, public: Mapping[str, str]) -> str:
    """Our answer with each bound address replaced by the one peers reach it at (1:1 NAT)."""
    out = []
    for line in sdp.splitlines():
        fields = line.split(" ")
        if line.startswith(CANDIDATE) and fields[4] in public:
            fields[4] = public[fields[4]]
        elif line.startswith("c=") and fields[-1] in public:
            fields[-1] = public[fields[-1]]
        out.append(" ".join(fields))
    return "\r\n".join(out) + "\r\n"
