"""The only file that speaks to the Live API's SDK: connects, sends, and reads events.

Keep-alive pings are off (Gemini's pongs were measured at 8 to 30 s and the library would end a
healthy connection), as is compression: 40 ms of PCM do not shrink.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, assert_never

from google import genai
from google.genai import errors, types
from google.genai.live import AsyncSession
from websockets.exceptions import WebSocketException

from processors.frames import Role, ToolCall
from processors.gemini.errors import GeminiError, TransientFault, fault
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
)
from processors.gemini.outbox import (
    Audio,
    AudioEnd,
    Outgoing,
    Picture,
    RealtimeText,
    ToolResponse,
    Turns,
)

INPUT_MIME: Final = "audio/pcm;rate=16000"
OUTPUT_HZ: Final = 24_000
OPEN_LIMIT_S: Final = 10.0
CLOSE_LIMIT_S: Final = 2.0
MAX_MESSAGE_BYTES: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where Gemini is. All None: the SDK's own variables decide.

    `tls` is handed to the SDK for servers whose certificate no authority has signed.
    """

    base_url: str | None = None
    api_key: str | None = None
    tls: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return f"Endpoint(base_url={self.base_url!r})"


def make_client(endpoint: Endpoint) -> genai.Client:
    """One client serves all rooms of a key. `endpoint` overrides the SDK's variables."""
    connection: dict[str, Any] = {
        "ping_interval": None,
        "compression": None,
        "open_timeout": OPEN_LIMIT_S,
        "close_timeout": CLOSE_LIMIT_S,
        "max_size": MAX_MESSAGE_BYTES,
    }
    if endpoint.tls is not None:
        connection |= {"ssl": endpoint.tls, "verify": endpoint.tls}
    options = types.HttpOptions(base_url=endpoint.base_url, async_client_args=connection)
    return genai.Client(api_key=endpoint.api_key, http_options=options)


class LiveConnection:
    """One open session. `send` and `events` raise `GeminiError` when it ends."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def send(self, item: Outgoing) -> None:
        try:
            await self._send(item)
        except (errors.APIError, WebSocketException, OSError) as error:
            raise _fault_of(error) from error

    async def _send(self, item: Outgoing) -> None:
        session = self._session
        match item:
            case Audio(pcm):
                await session.send_realtime_input(audio=types.Blob(data=pcm, mime_type=INPUT_MIME))
            case AudioEnd():
                await session.send_realtime_input(audio_stream_end=True)
            case Picture(jpeg):
                await session.send_realtime_input(
                    video=types.Blob(data=jpeg, mime_type="image/jpeg")
                )
            case RealtimeText(text):
                await session.send_realtime_input(text=text)
            case Turns():
                await session.send_client_content(
                    turns=_user_turn(item), turn_complete=item.complete
                )
            case ToolResponse():
                await session.send_tool_response(function_responses=_function_response(item))
            case _:
                assert_never(item)

    async def events(self) -> AsyncIterator[LiveEvent]:
        """Never ends by itself: the SDK's iterator ends with each turn and is taken up again."""
        try:
            while True:
                async for message in self._session.receive():
                    for event in events_of(message):
                        yield event
        except (errors.APIError, WebSocketException, OSError) as error:
            raise _fault_of(error) from error


@asynccontextmanager
async def connect(
    client: genai.Client, model: str, config: types.LiveConnectConfig
) -> AsyncIterator[LiveConnection]:
    """Opens a session and closes it on the way out. Raises `GeminiError`."""
    opening = client.aio.live.connect(model=model, config=config)
    try:
        session = await opening.__aenter__()
    except (errors.APIError, WebSocketException, OSError, TimeoutError) as error:
        raise _fault_of(error) from error
    try:
        yield LiveConnection(session)
    finally:
        await opening.__aexit__(None, None, None)


def _fault_of(error: Exception) -> GeminiError:
    if isinstance(error, errors.APIError):
        return fault(int(error.code or 0), str(error.message or error.status or ""))
    response = getattr(error, "response", None)  # websockets' InvalidStatus: refused upgrade
    if response is not None:
        return fault(response.status_code, type(error).__name__)
    return TransientFault(0, type(error).__name__)


def _user_turn(turns: Turns) -> types.Content:
    parts = [types.Part.from_bytes(data=data, mime_type=mime) for mime, data in turns.images]
    if turns.text:
        parts.append(types.Part.from_text(text=turns.text))
    return types.Content(role="user", parts=parts)


def _function_response(item: ToolResponse) -> types.FunctionResponse:
    response = types.FunctionResponse(id=item.call_id, name=item.name, response=dict(item.response))
    if item.will_continue:
        response.will_continue = True
    if item.scheduling is not None:
        response.scheduling = types.FunctionResponseScheduling(item.scheduling)
    return response


def events_of(message: types.LiveServerMessage) -> list[LiveEvent]:
    """Every part of one server message, in the order in which it must take effect.

    3.x models put audio, transcript and turn end into one message; an interruption comes
    first, what ends something comes last.
    """
    out: list[LiveEvent] = []
    content = message.server_content
    if content is not None and content.interrupted:
        out.append(Interrupted())
    if message.voice_activity is not None:
        kind = message.voice_activity.voice_activity_type
        out.append(VoiceActivityEvent(kind is types.VoiceActivityType.ACTIVITY_START))
    if content is not None:
        out += _transcripts(content)
        out += _parts(content.model_turn)
        out += _citations(content)
    out += _tools(message)
    if content is not None and content.generation_complete:
        out.append(GenerationComplete())
    if content is not None and content.turn_complete:
        out.append(_turn_complete(content))
    out += _session(message)
    return out


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
                out.append(AudioChunk(blob.data, _rate(mime)))
            elif mime.startswith("image/"):
                out.append(ModelImage(mime, blob.data))
        if part.text:
            out.append(ModelText(part.text, bool(part.thought)))
    return out


def _rate(mime: str) -> int:
    for parameter in mime.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name == "rate" and value.isdigit():
            return int(value)
    return OUTPUT_HZ


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
                    ToolCall(call.id or "", call.name or "", call.args or {})
                    for call in message.tool_call.function_calls
                )
            )
        )
    if message.tool_call_cancellation is not None and message.tool_call_cancellation.ids:
        out.append(ToolsCancelled(tuple(message.tool_call_cancellation.ids)))
    return out


def _session(message: types.LiveServerMessage) -> list[LiveEvent]:
    out: list[LiveEvent] = []
    update = message.session_resumption_update
    if update is not None:
        handle = update.new_handle if update.resumable else None
        index = update.last_consumed_client_message_index
        out.append(HandleUpdate(handle or None, index))
    if message.usage_metadata is not None:
        out.append(
            Usage(message.usage_metadata.model_dump(mode="json", by_alias=True, exclude_none=True))
        )
    if message.go_away is not None:
        out.append(GoAway(_seconds(message.go_away.time_left)))
    return out


def _seconds(duration: str | None) -> float:
    """A protobuf Duration in JSON: "50s", "1.5s"."""
    try:
        return float((duration or "0s").removesuffix("s"))
    except ValueError:
        return 0.0
