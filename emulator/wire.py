"""From a client's frame to a typed message.

What arrives is proto JSON: both spellings of a name at every level of the schema (the Python SDK
mixes them in one message), both base64 alphabets, 64-bit integers as strings, null for "absent".
Keys inside the user's own JSON stay as they are.

Errors:

    WireError      the client's frame breaks the wire; carries the close that answers it
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from emulator.closes import INVALID_ARGUMENT, Close, unknown_field_reason
from emulator.json_types import JSON, JsonObject, list_of, object_of, text_of
from emulator.live_setup import text_of_content
from emulator.schema import FIELDS, SCALARS, Field

MAX_DEPTH: Final = 64
INT64_DIGITS: Final = 19
_STANDARD_ALPHABET: Final = bytes.maketrans(b"-_", b"+/")


class WireError(Exception):
    """The client broke the wire; `close` is what the real service answers."""

    def __init__(self, close: Close) -> None:
        super().__init__(close.reason)
        self.close = close


@dataclass(frozen=True, slots=True)
class Setup:
    """The first message. `raw` has canonical keys, `received` is what the client wrote."""

    raw: JsonObject
    received: JsonObject


@dataclass(frozen=True, slots=True)
class Blob:
    """Decoded media bytes."""

    data: bytes
    mime_type: str


@dataclass(frozen=True, slots=True)
class Content:
    """One turn of written history: its texts joined, and its media."""

    role: str
    text: str
    media: tuple[Blob, ...]


@dataclass(frozen=True, slots=True)
class ClientContent:
    turns: tuple[Content, ...]
    turn_complete: bool


@dataclass(frozen=True, slots=True)
class Audio:
    blob: Blob


@dataclass(frozen=True, slots=True)
class Video:
    blob: Blob


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class ActivityStart:
    pass


@dataclass(frozen=True, slots=True)
class ActivityEnd:
    pass


@dataclass(frozen=True, slots=True)
class AudioStreamEnd:
    pass


@dataclass(frozen=True, slots=True)
class FunctionResponse:
    """`response` is the client's own JSON; `scheduling` is empty when it was not sent."""

    id: str
    name: str
    response: JsonObject
    scheduling: str
    will_continue: bool


@dataclass(frozen=True, slots=True)
class ToolResponse:
    responses: tuple[FunctionResponse, ...]


@dataclass(frozen=True, slots=True)
class ContextUpdate:
    """Each is None when the update leaves it alone; `tools` have canonical keys."""

    tools: list[JSON] | None
    instruction: str | None = None


Realtime: TypeAlias = Audio | Video | Text | ActivityStart | ActivityEnd | AudioStreamEnd
ClientMessage: TypeAlias = Setup | ClientContent | Realtime | ToolResponse | ContextUpdate


def parse_untrusted(frame: str | bytes) -> tuple[ClientMessage, ...]:
    """The messages of one frame, in the order in which they take effect.

    One frame is one message, except that a realtime input may hold several kinds of input.

    Raises:
        WireError: not JSON, not exactly one known top-level key, unknown or ill-typed fields.
    """
    try:
        decoded: JSON = json.loads(frame)
    except (ValueError, RecursionError):
        raise WireError(INVALID_ARGUMENT) from None
    if not isinstance(decoded, dict):
        raise WireError(INVALID_ARGUMENT)
    body = canonical_untrusted(decoded, "ClientMessage")
    if len(body) != 1:
        raise WireError(INVALID_ARGUMENT)
    [(kind, value)] = body.items()
    content = object_of(value)
    match kind:
        case "setup":
            return (Setup(content, object_of(decoded[kind])),)
        case "clientContent":
            turns = tuple(_content(turn) for turn in list_of(content.get("turns")))
            return (ClientContent(turns, content.get("turnComplete") is True),)
        case "realtimeInput":
            return _realtime(content)
        case "toolResponse":
            responses = list_of(content.get("functionResponses"))
            return (ToolResponse(tuple(_function_response(one) for one in responses)),)
        case _:
            tools = content.get("tools")
            update = None if tools is None else list_of(object_of(tools).get("tools"))
            written = content.get("systemInstruction")
            return (ContextUpdate(update, None if written is None else text_of_content(written)),)


def canonical_untrusted(value: JsonObject, message: str, path: str = "") -> JsonObject:
    """`value`, a message of that name, with canonical keys and checked types at every level.

    Raises:
        WireError: unknown fields (all of them in one reason) or a value of the wrong type.
    """
    unknown: list[str] = []
    clean = _message(value, message, path, unknown, 0)
    if unknown:
        raise WireError(Close(1007, "\n".join(unknown)))
    return clean


def decode_base64_untrusted(text: str) -> bytes:
    """Bytes of standard or URL-safe base64, padded or not. Raises WireError."""
    try:
        standard = text.encode("ascii").translate(_STANDARD_ALPHABET).rstrip(b"=")
        return base64.b64decode(standard + b"=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise WireError(INVALID_ARGUMENT) from None


def _message(
    value: JsonObject, message: str, path: str, unknown: list[str], depth: int
) -> JsonObject:
    if depth > MAX_DEPTH:
        raise WireError(INVALID_ARGUMENT)
    clean: JsonObject = {}
    for key, inner in value.items():
        field = FIELDS[message].get(key)
        if field is None:
            unknown.append(unknown_field_reason(key, path))
        elif inner is not None:
            inner_path = f"{path}.{field.proto_name}" if path else field.proto_name
            clean[field.name] = _field_value(inner, field, inner_path, unknown, depth + 1)
    return clean


def _field_value(value: JSON, field: Field, path: str, unknown: list[str], depth: int) -> JSON:
    if field.mapped:
        if not isinstance(value, dict):
            raise _ill_typed(value, path, field.type)
        return {
            key: _single(inner, field, f"{path}[{key}]", unknown, depth)
            for key, inner in value.items()
        }
    if field.repeated:
        # Proto JSON lets a lone value stand for a list of one; the real service does too.
        values = value if isinstance(value, list) else [value]
        return [
            _single(inner, field, f"{path}[{position}]", unknown, depth)
            for position, inner in enumerate(values)
        ]
    return _single(value, field, path, unknown, depth)


def _single(value: JSON, field: Field, path: str, unknown: list[str], depth: int) -> JSON:
    if field.type in SCALARS:
        if not _is_scalar(value, field.type):
            raise _ill_typed(value, path, field.type)
        return value
    if not isinstance(value, dict):
        raise _ill_typed(value, path, field.type)
    return _message(value, field.type, path, unknown, depth)


def _is_scalar(value: JSON, kind: str) -> bool:
    match kind:
        case "json":
            return True
        case "bool":
            return isinstance(value, bool)
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "int":
            return _is_integer(value)
        case _:
            return isinstance(value, str)


def _is_integer(value: JSON) -> bool:
    """Proto JSON writes the integer five as 5, 5.0 or "5"; at most 64 bits."""
    if isinstance(value, bool):
        return False
    if isinstance(value, str):
        digits = value.removeprefix("-")
        # The length first: Python refuses to read thousands of digits.
        whole = value.isascii() and digits.isdecimal() and len(digits) <= INT64_DIGITS
        return whole and _fits_int64(int(value))
    if isinstance(value, float):
        return value.is_integer() and _fits_int64(int(value))
    return isinstance(value, int) and _fits_int64(value)


def _fits_int64(value: int) -> bool:
    return -(2**63) <= value < 2**63


def _ill_typed(value: JSON, path: str, kind: str) -> WireError:
    shown = json.dumps(value)
    return WireError(Close(1007, f"Invalid value at '{path}' (TYPE_{kind.upper()}), {shown}"))


def _content(value: JSON) -> Content:
    content = object_of(value)
    texts: list[str] = []
    media: list[Blob] = []
    for part in map(object_of, list_of(content.get("parts"))):
        if part.get("thought") is not True:
            texts.append(text_of(part.get("text")))
        if "inlineData" in part:
            media.append(_blob(part["inlineData"]))
    return Content(text_of(content.get("role")) or "user", "".join(texts), tuple(media))


def _blob(value: JSON) -> Blob:
    blob = object_of(value)
    data = decode_base64_untrusted(text_of(blob.get("data")))
    return Blob(data, text_of(blob.get("mimeType")))


def _realtime(content: JsonObject) -> tuple[Realtime, ...]:
    inputs: list[Realtime] = []
    if "activityStart" in content:
        inputs.append(ActivityStart())
    # Deprecated, and only the first element counts.
    for chunk in list_of(content.get("mediaChunks"))[:1]:
        blob = _blob(chunk)
        inputs.append(Audio(blob) if blob.mime_type.startswith("audio/") else Video(blob))
    if "audio" in content:
        inputs.append(Audio(_blob(content["audio"])))
    if "video" in content:
        inputs.append(Video(_blob(content["video"])))
    if "text" in content:
        inputs.append(Text(text_of(content["text"])))
    if content.get("audioStreamEnd") is True:
        inputs.append(AudioStreamEnd())
    if "activityEnd" in content:
        inputs.append(ActivityEnd())
    for one in inputs:
        _check_media(one)
    return tuple(inputs)


def _check_media(one: Realtime) -> None:
    match one:
        case Audio(blob):
            if not blob.mime_type.startswith("audio/"):
                raise WireError(INVALID_ARGUMENT)
        case Video(blob):
            if not blob.mime_type.startswith(("image/", "video/")):
                raise WireError(INVALID_ARGUMENT)
        case Text() | ActivityStart() | ActivityEnd() | AudioStreamEnd():
            pass
        case _:  # pragma: no cover  # mypy proves that no other is left
            assert_never(one)


def _function_response(value: JSON) -> FunctionResponse:
    one = object_of(value)
    return FunctionResponse(
        id=text_of(one.get("id")),
        name=text_of(one.get("name")),
        response=object_of(one.get("response")),
        scheduling=text_of(one.get("scheduling")),
        will_continue=one.get("willContinue") is True,
    )
