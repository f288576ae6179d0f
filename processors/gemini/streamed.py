"""The two messages that an answer consists of, sound and its transcript, read without the SDK.

Gemini sends up to 25 a second to each room. The SDK makes a model of each and takes 145 µs for a
piece of sound, most of it to find out that forty other fields are not there; reading it like this
takes 14. Whatever is not exactly one of the two is the SDK's to read. Pure.
"""

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from processors.frames import Role
from processors.gemini.events import AudioChunk, LiveEvent, Transcript, rate_of


class _Exactly(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", strict=True, val_json_bytes="base64"
    )


class _Blob(_Exactly):
    mime_type: str
    data: bytes


class _Part(_Exactly):
    inline_data: _Blob


class _Turn(_Exactly):
    parts: tuple[_Part]
    role: str | None = None


class _Words(_Exactly):
    text: str


class _Content(_Exactly):
    model_turn: _Turn | None = None
    output_transcription: _Words | None = None


class _Message(_Exactly):
    server_content: _Content


def streamed_events(message: bytes | str) -> list[LiveEvent] | None:
    """What `messages.events_of` would say of it; None when it is for the SDK to read."""
    try:
        content = _Message.model_validate_json(message).server_content
    except ValidationError:
        return None
    events: list[LiveEvent] = []
    if (words := content.output_transcription) is not None and words.text:
        events.append(Transcript(Role.MODEL, words.text, finished=False))
    if content.model_turn is not None:
        blob = content.model_turn.parts[0].inline_data
        if not blob.mime_type.startswith("audio/pcm"):
            return None
        if blob.data:
            events.append(AudioChunk(blob.data, rate_of(blob.mime_type)))
    return events or None
