"""Takes out of a log line what should not be there. Pure.

A net, not a licence: our own lines hold nothing personal to begin with. Those of libraries do,
above all in errors: aiohttp names the caller's address, pydantic repeats its input.
"""

import ipaddress
import re
from typing import Final

SHOWN_ID_CHARS: Final = 8  # a whole session id opens the room
GONE: Final = "[redacted]"

_SECRETS: Final = re.compile(
    r"(?i)\b(api[-_]?key|key|(?:access[-_]?|auth[-_]?)?token|authorization|password|passwd|secret"
    r"|credential|ice-(?:pwd|ufrag)|fingerprint)(\"?'?\s*[=:]\s*\"?'?)"
    r"(?:(?:bearer|basic|sha-256)\s+)?[^\s\"',;&]+"
)
_BARE_SECRETS: Final = re.compile(r"\bAIza[\w-]{20,}|(?i:\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}")
_SDP: Final = re.compile(r"\b(?:a=)?candidate:\S.*|\bv=0(?:\\r|\\n|\r|\n).*", re.DOTALL)
_SESSION: Final = re.compile(rf"(/sessions/[\w-]{{{SHOWN_ID_CHARS}}})[\w-]+")
_INPUT: Final = re.compile(r"\binput_value=.*?(?=, input_type=|\]|$)", re.DOTALL)
_IPV4: Final = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)")
_IPV6: Final = re.compile(r"(?<![\w:.])(?=\w*:\w*:)[0-9A-Fa-f:.]{2,45}(?:%\w+)?(?![\w:])")


def redacted(text: str) -> str:
    """`text` without addresses, keys, tokens, SDP, whole session ids, and rejected input."""
    text = _SDP.sub(GONE, text)
    text = _INPUT.sub(f"input_value={GONE}", text)
    text = _SECRETS.sub(rf"\1\2{GONE}", text)
    text = _BARE_SECRETS.sub(GONE, text)
    text = _SESSION.sub(r"\1…", text)
    return _IPV4.sub(GONE, _IPV6.sub(_without_address, text))


def _without_address(match: re.Match[str]) -> str:
    """Much that has colons is no address: a time of day, a slice, a C++ name."""
    try:
        ipaddress.IPv6Address(match[0])
    except ValueError:
        return match[0]
    return GONE if match[0] != "::" else match[0]
