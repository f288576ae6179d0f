"""What the wire log keeps of a message: its shape and its measures, not what was said. Pure.

One JSON object a line. `t` is in seconds since the connection's start:

    {"log": 1, "texts": false, "at": 1767225600.0}                        first in each file
    {"connection": 1, "t": 0.0, "event": "open", "at": 1767225600.2}
    {"connection": 1, "t": 0.1, "from": "client", "model": …, "profile": …, "message": {"setup": …}}
    {"connection": 1, "t": 0.3, "from": "server", "frame": "binary", "message": {…}}
    {"connection": 1, "t": 9.9, "event": "close", "code": 1000, "reason": "", "by": "client"}
    {"event": "dropped", "count": 12}                   records that the log could not take in time

Of media stands what one needs to make some of the same length, in place of its data:
`{"mimeType": "audio/pcm;rate=24000", "data": {"bytes": 7680, "seconds": 0.16, "peak": 9104}}`.
Handles become names such as `handle-3`, the same for the same handle in all connections. Every
other text is redacted, letter by letter, unless its key is one of the wire's own words: what is
not known is taken for something that was said.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from processors.gemini.events import rate_of
from processors.gemini.profiles import base_name, profile_for

VERSION: Final = 1
MAX_HANDLES: Final = 4096  # the newest; an older one would get another name
MAX_CONNECTIONS: Final = 1024  # whose declared words are remembered
MAX_DEPTH: Final = 64
BYTES_PER_SAMPLE: Final = 2
TIME_DIGITS: Final = 4

Record = dict[str, Any]

# The wire's own words, in camel case: constants, names of models, voices, functions and languages.
_KEPT: Final = frozenset(
    "activityHandling aspectRatio audioOffset behavior endOffset endOfSpeechSensitivity format id "
    "imageSize interactionStatus languageCode languageCodes languageHints mediaResolution mimeType "
    "modality mode model name resolution responseModalities role scheduling serviceTier "
    "startOffset startOfSpeechSensitivity status targetLanguageCode thinkingLevel threshold "
    "timeLeft trafficType turnCompleteReason turnCoverage type vadSignalType voiceName".split()
)
_HANDLES: Final = frozenset({"handle", "newHandle", "sessionId"})
# Below these nothing is the wire's own: somebody's arguments, answers and labels.
_FOREIGN: Final = frozenset({"args", "response", "labels"})
_NUMBERED: Final = ("mimeType", "mime_type")
_LETTER: Final = re.compile(r"[^\W\d_]")
_DIGIT: Final = re.compile(r"\d")
_PROJECT: Final = re.compile(r"\bprojects/[^/\s]+")
_SECRET: Final = re.compile(
    r"\bAIza[\w-]{10,}|\bAQ\.[\w-]{10,}|\bya29\.[\w.-]+|auth_tokens/[\w.~+/=-]+"
    r"|(?i:\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}|(?i:\b(?:api[-_]?key|token)\s*[=:]\s*)[^\s\"',;&]+"
)
# `Invalid value at 'setup.labels' (TYPE_STRING), "what it was"`
_QUOTED: Final = re.compile(r"(\(TYPE_\w+\), )(.*)", re.DOTALL)
GONE: Final = "[redacted]"


class Redactor:
    """Makes the records of one log. `texts` keeps what was said and written, never media."""

    def __init__(self, *, texts: bool, vertex: bool) -> None:
        self._texts = texts
        self._vertex = vertex
        self._handles: OrderedDict[str, str] = OrderedDict()
        self._handle_count = 0
        self._declared: OrderedDict[int, frozenset[str]] = OrderedDict()

    def begin(self, at: float) -> Record:
        """The first record of a file; `at` in seconds since 1970."""
        return {"log": VERSION, "texts": self._texts, "at": round(at, 3)}

    def opened(self, connection: int, at: float) -> Record:
        return {"connection": connection, "t": 0.0, "event": "open", "at": round(at, 3)}

    def sent(self, connection: int, t: float, data: bytes) -> Record:
        """What the client wrote."""
        record = _head(connection, t) | {"from": "client"}
        message = _decoded(data)
        if isinstance(message, dict) and isinstance(setup := message.get("setup"), dict):
            model = base_name(str(setup.get("model", "")))
            record |= {"model": model, "profile": profile_for(model, vertex=self._vertex).family}
            self._declared[connection] = frozenset(_declared_words(setup.get("tools")))
            while len(self._declared) > MAX_CONNECTIONS:
                self._declared.popitem(last=False)
        return record | self._message(connection, message, len(data))

    def received(self, connection: int, t: float, data: bytes | str) -> Record:
        """What the server wrote, and in which kind of frame."""
        frame = "text" if isinstance(data, str) else "binary"
        record = _head(connection, t) | {"from": "server", "frame": frame}
        return record | self._message(connection, _decoded(data), len(data))

    def closed(self, connection: int, t: float, code: int, reason: str, by: str) -> Record:
        """`by` is "client", "server" or, without a close frame, "line"."""
        if not self._texts:
            reason = _QUOTED.sub(lambda match: match[1] + blotted(match[2]), reason)
        closing = {"event": "close", "code": code, "reason": _without_secrets(reason), "by": by}
        return _head(connection, t) | closing

    def _message(self, connection: int, message: Any, size: int) -> Record:
        if not isinstance(message, dict):
            return {"unreadable": size}
        declared = self._declared.get(connection, frozenset())
        return {"message": self._object(message, declared, 0, foreign=False)}

    def _object(
        self, value: Mapping[str, Any], declared: frozenset[str], depth: int, *, foreign: bool
    ) -> dict[str, Any]:
        mime = next((value[name] for name in _NUMBERED if isinstance(value.get(name), str)), None)
        out: dict[str, Any] = {}
        for key, inner in value.items():
            name = _camel(key)
            if mime is not None and name == "data" and isinstance(inner, str):
                out[key] = media(inner, mime)
            else:
                below = foreign or name in _FOREIGN
                out[key] = self._value(name, inner, declared, depth + 1, foreign=below)
        return out

    def _value(
        self, name: str, value: Any, declared: frozenset[str], depth: int, *, foreign: bool
    ) -> Any:
        if depth > MAX_DEPTH:
            return GONE
        match value:
            case dict():
                return self._object(value, declared, depth, foreign=foreign)
            case list():
                return [
                    self._value(name, each, declared, depth + 1, foreign=foreign) for each in value
                ]
            case str() if name in _HANDLES and not foreign:
                return self._handle(value)
            case str() if (name in _KEPT and not foreign) or value in declared or self._texts:
                return _without_secrets(value)
            case str():
                return blotted(value)
            case bool() | None:
                return value
            case _ if foreign and not self._texts:
                return 0
            case _:
                return value

    def _handle(self, handle: str) -> str:
        name = self._handles.get(handle)
        if name is None:
            self._handle_count += 1
            name = self._handles[handle] = f"handle-{self._handle_count}"
            while len(self._handles) > MAX_HANDLES:
                self._handles.popitem(last=False)
        return name


def blotted(text: str) -> str:
    """As many words and letters, and not one that was there."""
    return _DIGIT.sub("0", _LETTER.sub("x", text))


def media(data: str, mime_type: str) -> dict[str, Any]:
    """Size and, of PCM, duration and loudest sample, of base64 in either alphabet."""
    try:
        raw = b64decode(data.replace("-", "+").replace("_", "/") + "=" * (-len(data) % 4))
    except NotBase64:
        return {"bytes": 0}
    found: dict[str, Any] = {"bytes": len(raw)}
    if mime_type.startswith("audio/pcm"):
        samples = np.frombuffer(raw[: len(raw) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE], "<i2")
        found["seconds"] = round(samples.size / rate_of(mime_type), TIME_DIGITS)
        found["peak"] = int(np.abs(samples.astype(np.int32)).max()) if samples.size else 0
    return found


def line(record: Record) -> bytes:
    """A record as it stands in the file."""
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _head(connection: int, t: float) -> Record:
    return {"connection": connection, "t": round(t, TIME_DIGITS)}


def _decoded(data: bytes | str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _without_secrets(text: str) -> str:
    return _PROJECT.sub("projects/-", _SECRET.sub(GONE, text))


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def _declared_words(tools: Any, depth: int = 0) -> set[str]:
    """Values that the declarations of functions allow for: public words, which a call may hold."""
    if depth > MAX_DEPTH:
        return set()
    if isinstance(tools, list):
        return set().union(*(_declared_words(each, depth + 1) for each in tools))
    if not isinstance(tools, dict):
        return set()
    found = {word for word in tools.get("enum") or () if isinstance(word, str)}
    return found.union(*(_declared_words(each, depth + 1) for each in tools.values()))
