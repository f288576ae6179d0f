"""RTVI 2.x on the data channel, as pipecat's client SDKs speak it.

Inbound: bytes of strangers become one of a closed set of messages, or `MessageRefused`.
Outbound: functions that return the JSON text, built from pipecat's own message models.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipecat.metrics.metrics import LLMTokenUsage
from pipecat.processors.frameworks.rtvi import models
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from transports.errors import MessageRefused

PROTOCOL_VERSION: Final = "2.2.0"
MAX_ID_CHARS: Final = 128
MAX_TEXT_CHARS: Final = 32_768


@dataclass(frozen=True, slots=True)
class Ping:
    """The web SDK's keep-alive; mobile SDKs send none."""


@dataclass(frozen=True, slots=True)
class TrackStatus:
    """A track was (un)muted. `index`: 0 microphone, 1 camera, 2 screen."""

    index: int
    enabled: bool


@dataclass(frozen=True, slots=True)
class ClientReady:
    message_id: str
    version: str


@dataclass(frozen=True, slots=True)
class SendText:
    message_id: str
    content: str
    run_immediately: bool


@dataclass(frozen=True, slots=True)
class SendFile:
    """Exactly one of `url` and `base64_data` is set."""

    message_id: str
    content: str
    mime_type: str
    url: str | None
    base64_data: str | None
    run_immediately: bool


@dataclass(frozen=True, slots=True)
class ClientMessage:
    message_id: str
    kind: str
    data: Any


@dataclass(frozen=True, slots=True)
class DisconnectBot:
    pass


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A valid RTVI message of a kind that Easel does not act on."""

    message_id: str
    kind: str


Inbound = (
    Ping
    | TrackStatus
    | ClientReady
    | SendText
    | SendFile
    | ClientMessage
    | DisconnectBot
    | Unsupported
)

# Clients may send these, but whoever does could forge a tool's result or another one's voice.
_REFUSED_KINDS: Final = frozenset({"llm-function-call-result", "raw-audio", "raw-audio-batch"})


def decode_untrusted(data: str | bytes, *, max_bytes: int) -> Inbound:
    """One data channel message, text or binary (the iOS SDK sends its JSON as bytes).

    Raises `MessageRefused` for anything that is not a well-formed message of this protocol.
    """
    try:
        raw = data.encode() if isinstance(data, str) else data
    except UnicodeEncodeError:
        raise _malformed("The message is not text.") from None
    if len(raw) > max_bytes:
        raise MessageRefused(
            f"The message is larger than {max_bytes} bytes.", counter="message_too_large"
        )
    if raw.startswith(b"ping"):
        return Ping()
    message = _parse_untrusted(raw)
    if message.get("type") == "signalling":
        return _signalling_untrusted(message.get("message"))
    return _rtvi_untrusted(message)


def _malformed(sentence: str, message_id: str | None = None) -> MessageRefused:
    return MessageRefused(sentence, counter="message_malformed", message_id=message_id)


def _parse_untrusted(raw: bytes) -> dict[str, Any]:
    # Unlike json, it refuses what cannot be encoded again, and nesting that eats the stack.
    try:
        message = from_json(raw, allow_inf_nan=False)
    except ValueError:
        raise _malformed("The message is not JSON in UTF-8.") from None
    if not isinstance(message, dict):
        raise _malformed("The message is not a JSON object.")
    return message


def _signalling_untrusted(message: object) -> Inbound:
    if isinstance(message, dict) and message.get("type") == "trackStatus":
        index, enabled = message.get("receiver_index"), message.get("enabled")
        if isinstance(index, int) and not isinstance(index, bool) and isinstance(enabled, bool):
            return TrackStatus(index, enabled)
    raise _malformed("The signalling message is not a trackStatus.")


def _rtvi_untrusted(message: dict[str, Any]) -> Inbound:
    kind, message_id = message.get("type"), message.get("id", "")
    if message.get("label") != models.MESSAGE_LABEL or not isinstance(kind, str):
        raise _malformed("The message is no RTVI message: label or type is missing.")
    if not isinstance(message_id, str) or len(message_id) > MAX_ID_CHARS:
        raise _malformed("The message's id is not a short string.")
    if kind in _REFUSED_KINDS:
        raise MessageRefused(
            f"Clients may not send {kind} here.",
            counter="message_forbidden",
            message_id=message_id,
        )
    decoder = _DECODERS.get(kind)
    if decoder is None:
        return Unsupported(message_id, kind[:MAX_ID_CHARS])
    try:
        return decoder(message_id, message.get("data"))
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "data"
        raise _malformed(f"The {kind} message is malformed at {where}.", message_id) from None


def _client_ready(message_id: str, data: object) -> Inbound:
    return ClientReady(message_id, models.ClientReadyData.model_validate(data).version)


def _send_text(message_id: str, data: object) -> Inbound:
    parsed = models.SendTextData.model_validate(data)
    options = parsed.options or models.SendTextOptions()
    return SendText(message_id, _text(parsed.content, message_id), options.run_immediately)


def _send_file(message_id: str, data: object) -> Inbound:
    parsed = models.SendFileData.model_validate(data)
    options = parsed.options or models.SendFileOptions()
    source = parsed.file.source
    return SendFile(
        message_id,
        _text(parsed.content, message_id),
        parsed.file.format,
        source.url if isinstance(source, models.FileUrl) else None,
        source.bytes if isinstance(source, models.FileBytes) else None,
        options.run_immediately,
    )


def _client_message(message_id: str, data: object) -> Inbound:
    parsed = models.RawClientMessageData.model_validate(data)
    return ClientMessage(message_id, parsed.t, parsed.d)


def _disconnect(message_id: str, data: object) -> Inbound:
    return DisconnectBot()


def _text(content: str, message_id: str) -> str:
    if len(content) > MAX_TEXT_CHARS:
        raise MessageRefused(
            f"The text is longer than {MAX_TEXT_CHARS} characters.",
            counter="message_too_large",
            message_id=message_id,
        )
    return content


_DECODERS: Final = {
    "client-ready": _client_ready,
    "send-text": _send_text,
    "send-file": _send_file,
    "client-message": _client_message,
    "disconnect-bot": _disconnect,
}


def _encode(message: BaseModel) -> str:
    return message.model_dump_json(exclude_none=True)


def bot_ready(message_id: str, about: Mapping[str, Any]) -> str:
    data = models.BotReadyData(version=PROTOCOL_VERSION, about=about)
    return _encode(models.BotReady(id=message_id, data=data))


def error(sentence: str, *, fatal: bool) -> str:
    """`fatal`: the web SDK disconnects."""
    return _encode(models.Error(data=models.ErrorData(error=sentence, fatal=fatal)))


def error_response(message_id: str, sentence: str) -> str:
    return _encode(
        models.ErrorResponse(id=message_id, data=models.ErrorResponseData(error=sentence))
    )


def server_response(message_id: str, kind: str, data: Any) -> str:
    """The answer to the `client-message` of that id and kind."""
    payload = models.RawServerResponseData(t=kind, d=data)
    return _encode(models.ServerResponse(id=message_id, data=payload))


def server_message(data: Mapping[str, Any]) -> str:
    return _encode(models.ServerMessage(data=data))


def user_transcription(text: str, *, user_id: str, timestamp: str, final: bool) -> str:
    """`timestamp` is ISO 8601."""
    return _encode(
        models.UserTranscriptionMessage(
            data=models.UserTranscriptionMessageData(
                text=text, user_id=user_id, timestamp=timestamp, final=final
            )
        )
    )


def bot_transcription(text: str) -> str:
    return _encode(models.BotTranscriptionMessage(data=models.TextMessageData(text=text)))


def bot_tts_text(text: str) -> str:
    return _encode(models.BotTTSTextMessage(data=models.TextMessageData(text=text)))


def bot_output(text: str) -> str:
    """A whole sentence or turn of the model, spoken."""
    return _encode(
        models.BotOutputMessage(
            data=models.BotOutputMessageData(
                text=text,
                output_type="sentence",
                aggregated_by="sentence",
                spoken=True,
                will_be_spoken=True,
            )
        )
    )


def bot_llm_text(text: str) -> str:
    return _encode(models.BotLLMTextMessage(data=models.TextMessageData(text=text)))


def metrics(data: Mapping[str, Any]) -> str:
    return _encode(models.MetricsMessage(data=data))


def token_metrics(usage: LLMTokenUsage, *, processor: str, model: str) -> str:
    """What was used since the last of these: clients add them up."""
    tokens = {"processor": processor, "model": model, **usage.model_dump(exclude_none=True)}
    return metrics({"tokens": [tokens]})


def peer_left() -> str:
    """Tells the SDKs that the service ended the call (a signalling message, not RTVI)."""
    return json.dumps({"type": "signalling", "message": {"type": "peerLeft"}})


USER_STARTED_SPEAKING: Final = _encode(models.UserStartedSpeakingMessage())
USER_STOPPED_SPEAKING: Final = _encode(models.UserStoppedSpeakingMessage())
BOT_STARTED_SPEAKING: Final = _encode(models.BotStartedSpeakingMessage())
BOT_STOPPED_SPEAKING: Final = _encode(models.BotStoppedSpeakingMessage())
BOT_INTERRUPTED: Final = _encode(models.BotInterruptedMessage())
BOT_LLM_STARTED: Final = _encode(models.BotLLMStartedMessage())
BOT_LLM_STOPPED: Final = _encode(models.BotLLMStoppedMessage())
BOT_TTS_STARTED: Final = _encode(models.BotTTSStartedMessage())
BOT_TTS_STOPPED: Final = _encode(models.BotTTSStoppedMessage())
REPLACED: Final = server_message({"type": "replaced"})
