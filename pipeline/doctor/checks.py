"""Each assumption by its name: what is expected, and where Easel relies on it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

INSTALLATION: Final = "Installation"
LIVE: Final = "Live API"
IMAGES: Final = "Image model"


class Verdict(Enum):
    OK = "ok"
    DIFFERS = "differs"
    FAILED = "failed"
    """The check itself could not be made."""
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """`page` is a page of docs/, and the words to look for there."""

    topic: str
    name: str
    expected: str
    page: str


@dataclass(frozen=True, slots=True)
class Finding:
    check: Check
    verdict: Verdict
    seen: str


_WIRE: Final = "docs/emulator.md, What it does on the Live wire"
_IMAGES: Final = "docs/lifecycle.md, An image"
_LINK: Final = "docs/lifecycle.md, The link to Gemini"
_CONFIGURATION: Final = "docs/configuration.md"
_NETWORK: Final = "docs/operations.md, Network"

_LISTED: Final = (
    Check(INSTALLATION, "python", "Python 3.11 or later", "README.md, Start"),
    Check(INSTALLATION, "packages", "the pinned versions of what the service imports",
          "docs/licences.md, What the service imports"),
    Check(INSTALLATION, "settings", "every EASEL_ variable is known and valid", _CONFIGURATION),
    Check(INSTALLATION, "port", "the port of the HTTP server is free", _NETWORK),
    Check(INSTALLATION, "certificate", "the certificate and its key can be loaded", _NETWORK),
    Check(INSTALLATION, "media addresses", "each address for media is one of this machine's",
          _NETWORK),
    Check(INSTALLATION, "media ports", "UDP ports are free for media", _NETWORK),
    Check(INSTALLATION, "open files", "4,096 open files at least: a peer takes several",
          _NETWORK),
    Check(INSTALLATION, "emulator", "the emulator's mouth and ears are there (not for the API)",
          "docs/emulator.md"),
    Check(LIVE, "setup", "the first message is setupComplete", _WIRE),
    Check(LIVE, "framing", "JSON in binary frames, with keys that the SDK knows, below 1 MiB",
          _WIRE),
    Check(LIVE, "text turn", "a realtime text is answered by voice", _WIRE),
    Check(LIVE, "turn order", "an answer ends with generationComplete, then turnComplete", _WIRE),
    Check(LIVE, "sound format", "an answer is PCM of 24 kHz", "docs/media.md, To the peer"),
    Check(LIVE, "pace", "sound comes at least as fast as it is played",
          "docs/media.md, To the peer"),
    Check(LIVE, "output transcript", "what is said comes in letters before the turn is complete",
          _WIRE),
    Check(LIVE, "usage", "each turn tells its tokens, until turnComplete",
          "docs/emulator.md, Profiles"),
    Check(LIVE, "turn end", "turnComplete is held until the sound should have been played", _WIRE),
    Check(LIVE, "handles", "a resumption handle comes at the end of a turn at the latest", _LINK),
    Check(LIVE, "handles while answering", "no handle comes within an answer", _LINK),
    Check(LIVE, "speech turn", "silence after an utterance ends it, and it is answered", _WIRE),
    Check(LIVE, "input transcript", "what was spoken comes back in letters", _WIRE),
    Check(LIVE, "barge-in",
          "speech into an answer gives interrupted, then turnComplete, no generationComplete "
          "between", _WIRE),
    Check(LIVE, "silent content", "clientContent whose turn is not complete is not answered",
          _WIRE),
    Check(LIVE, "content then text", "a text after it is answered", _WIRE),
    Check(LIVE, "picture", "a picture is taken, and the next text answered", _WIRE),
    Check(LIVE, "tool call", "a declared function is called, with an id",
          "docs/emulator.md, Tools"),
    Check(LIVE, "tool behaviour", "the turn goes on or waits as the model's profile says",
          "docs/configuration.md, the models"),
    Check(LIVE, "tool result", "the result is accepted and spoken of", "docs/emulator.md, Tools"),
    Check(LIVE, "context update", "instruction and tools can be changed in a session", _WIRE),
    Check(LIVE, "resume while open", "a handle is refused while its connection is open", _LINK),
    Check(LIVE, "resume", "a handle brings the session back once its connection is closed", _LINK),
    Check(LIVE, "memory", "a session that was resumed knows what was said before", _LINK),
    Check(LIVE, "unknown handle", "an unknown handle ends the session, and a fresh one is tried",
          _LINK),
    Check(LIVE, "wrong key", "a wrong key is told from other failures, and final", _LINK),
    Check(LIVE, "wrong model", "an unknown model is told from other failures, and final", _LINK),
    Check(LIVE, "history", "turns that a session begins with are not answered", _WIRE),
    Check(LIVE, "history then text", "a text after them is answered", _WIRE),
    Check(LIVE, "go away", "goAway comes before the connection is closed, with time left", _LINK),
    Check(IMAGES, "image", "a wish is answered with one image", _IMAGES),
    Check(IMAGES, "image format", "the image is a JPEG, PNG or WEBP and says so", _IMAGES),
    Check(IMAGES, "image signature", "the image has a thought signature",
          "docs/emulator.md, Options"),
    Check(IMAGES, "image usage", "the answer tells its tokens, those of the image too", _IMAGES),
    Check(IMAGES, "edit", "an image that is sent along is edited", _IMAGES),
    Check(IMAGES, "edit in a chat", "the model's own turn, sent back as it came, is accepted",
          _IMAGES),
    Check(IMAGES, "words only", "an answer without an image ends without an error", _IMAGES),
    Check(IMAGES, "blocked", "a refused wish has no image and gives a reason", _IMAGES),
    Check(IMAGES, "image key", "a wrong key is refused with an HTTP status from 400 to 403",
          _IMAGES),
)  # fmt: skip

CHECKS: Final[Mapping[str, Check]] = MappingProxyType({check.name: check for check in _LISTED})


def finding(name: str, verdict: Verdict, seen: str) -> Finding:
    """Of the check of that name. Raises KeyError for one that does not exist."""
    return Finding(CHECKS[name], verdict, seen)


def judged(name: str, holds: bool, seen: str) -> Finding:
    """OK when it holds, else DIFFERS."""
    return finding(name, Verdict.OK if holds else Verdict.DIFFERS, seen)


def skipped(names: Iterable[str], why: str) -> list[Finding]:
    return [finding(name, Verdict.SKIPPED, why) for name in names]


def failed(names: Iterable[str], why: str) -> list[Finding]:
    return [finding(name, Verdict.FAILED, why) for name in names]


def exit_status(findings: Iterable[Finding]) -> int:
    """0 when nothing differs, 1 when something does, 2 when something could not be checked."""
    verdicts = {found.verdict for found in findings}
    if Verdict.FAILED in verdicts:
        return 2
    return 1 if Verdict.DIFFERS in verdicts else 0
