"""Server messages, as JSON. Only top-level keys that every client knows are used.

A client that meets a message whose only top-level key is unknown to it may fail outright, so
nothing of the emulator's own is ever sent.
"""

from __future__ import annotations

import base64
from typing import Final

from emulator.json_types import JSON, JsonObject
from emulator.lifetime import GoAway
from emulator.tool_calls import PendingCall

AUDIO_MIME_TYPE: Final = "audio/pcm;rate=24000"
ACTIVITY_START: Final = "ACTIVITY_START"
ACTIVITY_END: Final = "ACTIVITY_END"
IN_PROGRESS: Final = "IN_PROGRESS"
FINISHED: Final = "IDLE"

SETUP_COMPLETE: Final[JsonObject] = {"setupComplete": {}}


def content(fields: JsonObject, usage: JsonObject | None = None) -> JsonObject:
    """One `serverContent` event, with usage beside it when given."""
    body: JsonObject = {"serverContent": fields}
    if usage is not None:
        body["usageMetadata"] = usage
    return body


def audio_part(pcm: bytes) -> JsonObject:
    """A part of sound, PCM16 mono 24 kHz."""
    data = base64.b64encode(pcm).decode()
    return {"inlineData": {"mimeType": AUDIO_MIME_TYPE, "data": data}}


def model_turn(*parts: JSON) -> JsonObject:
    """The field `modelTurn` of a content event."""
    return {"modelTurn": {"role": "model", "parts": list(parts)}}


def input_transcription(text: str) -> JsonObject:
    """A fragment of what the user said, to be appended."""
    return {"inputTranscription": {"text": text}}


def output_transcription(text: str) -> JsonObject:
    """A fragment of what the model says, to be appended."""
    return {"outputTranscription": {"text": text}}


def tool_call(calls: tuple[PendingCall, ...]) -> JsonObject:
    """The model asks for functions to be run."""
    listed: list[JSON] = [{"id": call.id, "name": call.name, "args": call.args} for call in calls]
    return {"toolCall": {"functionCalls": listed}}


def tool_call_cancellation(calls: tuple[PendingCall, ...]) -> JsonObject:
    """The model no longer wants these calls' responses."""
    ids: list[JSON] = [call.id for call in calls]
    return {"toolCallCancellation": {"ids": ids}}


def go_away(notice: GoAway) -> JsonObject:
    """The connection will be closed; the time is a protobuf duration."""
    return {"goAway": {"timeLeft": f"{notice.left_s:g}s"}}


def resumption(handle: str | None, consumed: int | None = None) -> JsonObject:
    """A new handle, or the news that the session cannot be resumed right now.

    `consumed` is the index of the last client message that the handle knows, the setup being 0;
    proto JSON writes it as a string.
    """
    if handle is None:
        return {"sessionResumptionUpdate": {"resumable": False}}
    update: JsonObject = {"newHandle": handle, "resumable": True}
    if consumed is not None:
        update["lastConsumedClientMessageIndex"] = str(consumed)
    return {"sessionResumptionUpdate": update}


def voice_activity(kind: str, offset_s: float) -> JsonObject:
    """Start or end of detected speech; rides with an empty content event."""
    activity: JsonObject = {"type": kind, "audioOffset": f"{offset_s:.3f}s"}
    return {"serverContent": {}, "voiceActivity": activity}
