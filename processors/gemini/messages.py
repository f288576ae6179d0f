"""The Live API's messages in the SDK's types: theirs to our events, our items to theirs. Pure,
but for the ids of calls that have none."""

import math
import secrets
from base64 import urlsafe_b64encode
from typing import Final

from google.genai import types

from processors.frames import Role, ToolCall
from processors.gemini.events import (
    AudioChunk,
    Citations,
    GenerationComplete,
    GoAway,
    HandleUpdate,
    Interrupted,
    LiveEvent,
    ModelImage,
    ModelText,
    ToolCalls,
    ToolsCancelled,
    Transcript,
    TurnComplete,
    Usage,
    VoiceActivityEvent,
    rate_of,
)
from processors.gemini.outbox import Audio, Picture, ToolResponse, Turns
from processors.gemini.unnamed_calls import PREFIX, is_unnamed

INPUT_MIME: Final = "audio/pcm;rate=16000"
ID_BYTES: Final = 8
_SPEECH_STARTS: Final = types.VadSignalType.VAD_SIGNAL_TYPE_SOS
_SPEECH_ENDS: Final = types.VadSignalType.VAD_SIGNAL_TYPE_EOS


def audio_message(item: Audio) -> str:
    return _realtime_input("audio", item.pcm, INPUT_MIME)


def picture_message(item: Picture) -> str:
    return _realtime_input("video", item.jpeg, "image/jpeg")


def _realtime_input(key: str, data: bytes, mime_type: str) -> str:
    """A whole message: what is put into it needs no escapes in JSON."""
    encoded = urlsafe_b64encode(data).decode()
    blob = f'{{"data": "{encoded}", "mime_type": "{mime_type}"}}'
    return f'{{"realtime_input": {{"{key}": {blob}}}}}'


def user_turn(item: Turns) -> types.Content:
    parts = [types.Part.from_bytes(data=data, mime_type=mime) for mime, data in item.images]
    if item.text:
        parts.append(types.Part.from_text(text=item.text))
    return types.Content(role="user", parts=parts)


def function_response(item: ToolResponse, *, vertex: bool) -> types.FunctionResponse:
    """Vertex AI knows no scheduling, and of a call that it gave no id it is told none."""
    call_id = None if vertex and is_unnamed(item.call_id) else item.call_id
    response = types.FunctionResponse(id=call_id, name=item.name, response=dict(item.response))
    if vertex:
        return response
    if item.will_continue:
        response.will_continue = True
    if item.scheduling is not None:
        response.scheduling = types.FunctionResponseScheduling(item.scheduling)
    return response


def events_of(message: types.LiveServerMessage) -> list[LiveEvent]:
    """Every part of one server message, in the order in which it must take effect.

    3.x models put audio, transcript and turn end into one message; an interruption comes
    first, what ends something comes last, and the usage of what it ends before it. Not passed on,
    since nothing depends on them: `setupComplete`, `waitingForInput`, executed code, and media
    that is neither PCM nor an image.
    """
    out: list[LiveEvent] = []
    content = message.server_content
    if content is not None and content.interrupted:
        out.append(Interrupted())
    out += _voice_activity(message)
    if content is not None:
        out += _transcripts(content)
        out += _parts(content.model_turn)
        out += _citations(content)
    out += _tools(message)
    if message.usage_metadata is not None:
        metadata = message.usage_metadata
        out.append(Usage(metadata.model_dump(mode="json", by_alias=True, exclude_none=True)))
    if content is not None and content.generation_complete:
        out.append(GenerationComplete())
    if content is not None and content.turn_complete:
        out.append(_turn_complete(content))
    out += _session(message)
    return out


def _voice_activity(message: types.LiveServerMessage) -> list[LiveEvent]:
    """Either of the two forms, or neither."""
    activity, signal = message.voice_activity, message.voice_activity_detection_signal
    said = (
        activity.voice_activity_type if activity is not None else None,
        signal.vad_signal_type if signal is not None else None,
    )
    if said[0] is types.VoiceActivityType.ACTIVITY_START or said[1] is _SPEECH_STARTS:
        return [VoiceActivityEvent(True)]
    if said[0] is types.VoiceActivityType.ACTIVITY_END or said[1] is _SPEECH_ENDS:
        return [VoiceActivityEvent(False)]
    return []


def _transcripts(content: types.LiveServerContent) -> list[LiveEvent]:
    out: list[LiveEvent] = []
    interim = content.interim_input_transcription
    if interim is not None and interim.text:
        out.append(Transcript(Role.USER, interim.text, False, replaces=True))
    for role, part in (
        (Role.USER, content.input_transcription),
        (Role.MODEL, content.output_transcription),
    ):
        if part is not None and (part.text or part.finished):
            out.append(Transcript(role, part.text or "", bool(part.finished)))
    return out


def _parts(turn: types.Content | None) -> list[LiveEvent]:
    out: list[LiveEvent] = []
    for part in (turn.parts or []) if turn is not None else []:
        blob = part.inline_data
        if blob is not None and blob.data:
            mime = blob.mime_type or ""
            if mime.startswith("audio/pcm"):
                out.append(AudioChunk(blob.data, rate_of(mime)))
            elif mime.startswith("image/"):
                out.append(ModelImage(mime, blob.data))
        if part.text:
            out.append(ModelText(part.text, bool(part.thought)))
    return out


def _citations(content: types.LiveServerContent) -> list[LiveEvent]:
    return [
        Citations(metadata.model_dump(mode="json", by_alias=True, exclude_none=True))
        for metadata in (content.grounding_metadata, content.url_context_metadata)
        if metadata is not None
    ]


def _turn_complete(content: types.LiveServerContent) -> TurnComplete:
    reason = content.turn_complete_reason
    status = content.interaction_status
    return TurnComplete(
        None if reason is None else reason.value,
        status is not None and status.value == "IN_PROGRESS",
    )


def _tools(message: types.LiveServerMessage) -> list[LiveEvent]:
    out: list[LiveEvent] = []
    if message.tool_call is not None and message.tool_call.function_calls:
        out.append(
            ToolCalls(
                tuple(
                    ToolCall(call.id or _own_id(), call.name or "", call.args or {})
                    for call in message.tool_call.function_calls
                )
            )
        )
    if message.tool_call_cancellation is not None:
        out.append(ToolsCancelled(tuple(message.tool_call_cancellation.ids or ())))
    return out


def _own_id() -> str:
    return f"{PREFIX}{secrets.token_hex(ID_BYTES)}"


def _session(message: types.LiveServerMessage) -> list[LiveEvent]:
    out: list[LiveEvent] = []
    update = message.session_resumption_update
    if update is not None:
        handle = update.new_handle if update.resumable else None
        index = update.last_consumed_client_message_index
        out.append(HandleUpdate(handle or None, index))
    if message.go_away is not None:
        out.append(GoAway(_seconds(message.go_away.time_left)))
    return out


def _seconds(duration: str | None) -> float:
    """A protobuf Duration in JSON: "50s", "1.5s". What is none counts as no time at all."""
    try:
        seconds = float((duration or "").removesuffix("s"))
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
