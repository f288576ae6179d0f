"""SDP offers for tests: a real one, and small ones made to measure."""

from importlib.resources import files
from typing import Final

CHROMIUM: Final = "\r\n".join(
    files("tests.transports").joinpath("data/chromium_156_offer.sdp").read_text().splitlines()
) + "\r\n"  # fmt: skip  # microphone, camera, screen and a data channel, as the web SDK offers

SESSION: Final = ("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0")
TRANSPORT: Final = (
    "a=ice-ufrag:abcd",
    "a=ice-pwd:0123456789abcdefghijkl",
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
    "a=setup:actpass",
)
OPUS: Final = "a=rtpmap:111 opus/48000/2"
VP8: Final = "a=rtpmap:96 VP8/90000"
H264: Final = "a=rtpmap:97 H264/90000"


def audio(mid: str = "0", *lines: str, codec: str = OPUS, port: int = 9) -> list[str]:
    return _media(f"m=audio {port} UDP/TLS/RTP/SAVPF 111", mid, codec, *lines)


def video(mid: str = "1", *lines: str, codec: str = VP8, port: int = 9) -> list[str]:
    return _media(f"m=video {port} UDP/TLS/RTP/SAVPF 96", mid, codec, *lines)


def data(mid: str = "2", *lines: str, port: int | None = 5000) -> list[str]:
    sctp = [] if port is None else [f"a=sctp-port:{port}"]
    head = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"
    return [head, "c=IN IP4 0.0.0.0", f"a=mid:{mid}", *TRANSPORT, *sctp, *lines]


def _media(head: str, mid: str, codec: str, *lines: str) -> list[str]:
    direction = [] if any(line[2:] in DIRECTIONS for line in lines) else ["a=sendrecv"]
    mux = ["a=rtcp-mux", *direction, codec]
    return [head, "c=IN IP4 0.0.0.0", f"a=mid:{mid}", *TRANSPORT, *mux, *lines]


DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")


def offer(*sections: list[str], session: tuple[str, ...] = (), bundle: str | None = None) -> str:
    """The sections as one offer, bundled (as `bundle` says, if it is given)."""
    mids = [line[6:] for section in sections for line in section if line.startswith("a=mid:")]
    group = f"a=group:BUNDLE {' '.join(mids) if bundle is None else bundle}"
    lines = [*SESSION, group, *session, *(line for section in sections for line in section)]
    return "\r\n".join(lines) + "\r\n"


def without(sdp: str, prefix: str) -> str:
    lines = [line for line in sdp.splitlines() if not line.startswith(prefix)]
    return "\r\n".join(lines) + "\r\n"
