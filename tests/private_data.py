"""Finds in text what no log may hold. Its patterns are its own, not those of the code it checks.

assert private_data_in(stderr, said=["blue wall"]) == []
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import Final

# Where the tests themselves live; anything else is somebody's address.
HARMLESS: Final = frozenset({"0.0.0.0", "::", "::1", "127.0.0.1"})

_PATTERNS: Final = {
    "Google API key": re.compile(r"AIza[0-9A-Za-z_-]{10,}"),
    "bearer token": re.compile(r"(?i)\bbearer\s+[\w.~+/-]{8,}"),
    "token in a URL": re.compile(r"(?i)[?&](?:token|key|access_token|sig)=[\w.%-]{8,}"),
    "JSON web token": re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}"),
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "SDP": re.compile(r"(?:^|\\n|\\r|\n)(?:v=0\b|[mac]=(?:audio|video|application|IN |\w+:))"),
    "ICE candidate": re.compile(r"\bcandidate:\d*\w*\s+\d\s+(?i:udp|tcp)\b"),
    "ICE password": re.compile(r"(?i)\bice-(?:pwd|ufrag):\s*\S{4,}"),
    "DTLS fingerprint": re.compile(r"\b(?:[0-9A-F]{2}:){15,}[0-9A-F]{2}\b"),
    "phone number": re.compile(r"(?<![\w.:-])\+\d[\d ]{7,14}\d(?!\w)"),
    "e-mail address": re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]+\b"),
    "data URL": re.compile(r"\bdata:[a-z]+/[\w.+-]+;base64,"),
    "base64 of some length": re.compile(r"(?<![\w/+-])[A-Za-z0-9+/_-]{160,}={0,2}"),
}
_ADDRESS: Final = re.compile(
    r"(?<![\w.:])(?:\d+(?:\.\d+){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)"
)


def private_data_in(text: str, *, said: Iterable[str] = (), ids: Iterable[str] = ()) -> list[str]:
    """What was found, each as "kind: text". `said` are words of people or models, `ids` whole
    session ids, tokens or keys that the test knows."""
    found = [f"{kind}: {hit}" for kind, hit in _hits(text)]
    folded = text.casefold()
    found += [f"something said: {words}" for words in said if words.casefold() in folded]
    found += [f"id in full: {each}" for each in ids if each in text]
    return found


def _hits(text: str) -> Iterator[tuple[str, str]]:
    for kind, pattern in _PATTERNS.items():
        for match in pattern.finditer(text):
            yield kind, match[0].strip()
    for match in _ADDRESS.finditer(text):
        if _is_address(match[0]) and match[0] not in HARMLESS:
            yield "IP address", match[0]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
