"""Connections to the Live API through its SDK: opens, sends, receives, closes.

Keep-alive pings are off (Gemini's pongs were measured at 8 to 30 s and the library would end a
healthy connection), as is compression: 40 ms of PCM do not shrink. What the messages mean is
in `messages.py`; only these two files know the SDK's types.

Sound and pictures, 26 messages a second of each room, are written to the SDK's own connection
as the text that the SDK would write: its validation of each takes 54 of 56 µs. That reaches into
one private name, `AsyncSession._ws`, and into how websockets' own `send` writes, of the versions
that constraints.txt pins; `test_messages` compares the text with the SDK's, `test_client` looks for
the names. What comes is read from that connection, too: an answer's sound
and words by `streamed.py`, all else by the SDK, which is given the message again. A login to Google
Cloud goes by `Client._api_client`, off the loop; `test_vertex` looks for it.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, assert_never

from google import genai
from google.auth.exceptions import GoogleAuthError, TransportError
from google.genai import errors, types
from google.genai.live import AsyncSession
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.protocol import State

from processors.gemini.errors import ConfigurationFault, GeminiError, TransientFault, fault
from processors.gemini.events import LiveEvent, ToolCalls, ToolsCancelled
from processors.gemini.messages import (
    audio_message,
    events_of,
    function_response,
    picture_message,
    user_turn,
)
from processors.gemini.outbox import (
    ActivityEnd,
    ActivityStart,
    Audio,
    AudioEnd,
    ContextUpdate,
    Outgoing,
    Picture,
    RealtimeText,
    ToolResponse,
    Turns,
)
from processors.gemini.seed import Seed
from processors.gemini.streamed import streamed_events
from processors.gemini.tapped_connection import Tap, tapped
from processors.gemini.unnamed_calls import UnnamedCalls

logger = logging.getLogger(__name__)

OPEN_LIMIT_S: Final = 10.0
CLOSE_LIMIT_S: Final = 1.0
UNHEARD_LIMIT_S: Final = 20.0  # what is sent is confirmed by TCP sooner, however slow the service
ABANDON_AFTER_S: Final = CLOSE_LIMIT_S + 0.5  # the library's own limit is not always kept
MAX_MESSAGE_BYTES: Final = 16 << 20
UNREADABLE_LIMIT: Final = 10  # in a row; then it is no server that we know
MAX_REASON_CHARS: Final = 200

_BROKEN: Final = (errors.APIError, WebSocketException, OSError)
_REFUSED_BY_SDK: Final = (ValueError, TypeError, AttributeError, KeyError)


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


def make_client(
    endpoint: Endpoint, *, vertex: bool, location: str | None = None, tap: Tap | None = None
) -> genai.Client:
    """One client serves all rooms of a key or project. What is given overrides the SDK's variables.

    `tap` hears what passes on its Live connections. Raises `ConfigurationFault` when they name no
    key, no project or no credentials.
    """
    connection: dict[str, Any] = {
        "ping_interval": None,
        "compression": None,
        "open_timeout": OPEN_LIMIT_S,
        "close_timeout": CLOSE_LIMIT_S,
        "max_size": MAX_MESSAGE_BYTES,
    }
    if endpoint.tls is not None:
        connection |= {"ssl": endpoint.tls, "verify": endpoint.tls}
    if tap is not None:
        connection["create_connection"] = tapped(tap)
    options = types.HttpOptions(base_url=endpoint.base_url, async_client_args=connection)
    try:
        return genai.Client(
            vertexai=vertex, api_key=endpoint.api_key, location=location, http_options=options
        )
    except (ValueError, GoogleAuthError) as error:
        words = str(error)[:MAX_REASON_CHARS]
    # Not from it: it would keep the half-made client, which must end where it was made.
    raise ConfigurationFault(0, words)


class Unsendable(Exception):
    """The SDK refuses this item, on this connection and on any other: our fault."""


def _end_when_unheard(line: socket.socket | None) -> None:
    """A line that is gone without a word breaks after `UNHEARD_LIMIT_S`, not after 15 minutes.

    TCP_USER_TIMEOUT (RFC 5482) asks the other side's kernel, so that a service which is slow to
    answer pings does not count as gone.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux has it
    if line is not None and option is not None:
        line.setsockopt(socket.IPPROTO_TCP, option, round(UNHEARD_LIMIT_S * 1000))


class _Again:
    """The SDK's connection, for an SDK that is to read a message which was read before."""

    def __init__(self, connection: Any) -> None:
        self._socket = connection
        self.message: bytes | None = None

    async def recv(self, **options: Any) -> Any:
        message, self.message = self.message, None
        return await self._socket.recv(**options) if message is None else message

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class LiveConnection:
    """One open session. `send` and `receive` raise `GeminiError` when it ends."""

    def __init__(self, session: AsyncSession, *, vertex: bool) -> None:
        self._session = session
        self._vertex = vertex
        self._unnamed = UnnamedCalls()
        sdk: Any = session  # its connection is typed as what websockets makes, not as what it uses
        connection = sdk._ws
        _end_when_unheard(connection.transport.get_extra_info("socket"))
        self._again = sdk._ws = _Again(connection)
        self._socket = connection
        self._messages = session.receive()
        self._unreadable = 0

    async def send(self, item: Outgoing) -> int:
        """How many messages that were. Raises `Unsendable` without harm to the connection."""
        try:
            return await self._send(item)
        except _BROKEN as error:
            raise _fault_of(error) from error
        except _REFUSED_BY_SDK as error:
            raise Unsendable(type(item).__name__) from error

    async def _send(self, item: Outgoing) -> int:
        session = self._session
        match item:
            case Audio():
                await self._write(audio_message(item))
            case AudioEnd():
                await session.send_realtime_input(audio_stream_end=True)
            case ActivityStart():
                await session.send_realtime_input(activity_start=types.ActivityStart())
            case ActivityEnd():
                await session.send_realtime_input(activity_end=types.ActivityEnd())
            case Picture():
                await self._write(picture_message(item))
            case RealtimeText(text):
                await session.send_realtime_input(text=text)
            case Turns():
                await session.send_client_content(
                    turns=user_turn(item), turn_complete=item.complete
                )
            case ToolResponse(will_continue=True) if self._vertex:
                return 0  # it would end the call
            case ToolResponse():
                answered = self._unnamed.answered(item)
                for ready in answered:
                    response = function_response(ready, vertex=self._vertex)
                    await session.send_tool_response(function_responses=response)
                return len(answered)
            case ContextUpdate(instruction, declarations):
                tools = None if declarations is None else list(declarations)
                await session.send_context_update(system_instruction=instruction, tools=tools)
            case _:
                assert_never(item)
        return 1

    async def _write(self, text: str) -> None:
        """As the socket's own `send`, whose two context managers take longer than the writing."""
        connection = self._socket
        if connection.protocol.state is State.OPEN and connection.send_in_progress is None:
            connection.protocol.send_text(text.encode())
            connection.send_data()
            await connection.drain()
        else:
            await connection.send(text)  # which waits, or says why it cannot

    async def seed(self, seed: Seed) -> None:
        """Tells a fresh session what was said before. Raises `GeminiError`."""
        try:
            await self._session.send_client_content(
                turns=list(seed.turns), turn_complete=seed.complete
            )
        except _BROKEN as error:
            raise _fault_of(error) from error
        except _REFUSED_BY_SDK as error:
            raise ConfigurationFault(0, str(error)[:MAX_REASON_CHARS]) from error

    async def receive(self) -> list[LiveEvent]:
        """What the next message says; a message that the SDK cannot read says nothing."""
        while True:
            try:
                if self._again.message is None:
                    self._again.message = await self._socket.recv(decode=False)
                    if (streamed := streamed_events(self._again.message)) is not None:
                        self._again.message = None
                        self._unreadable = 0
                        return streamed
                message = await anext(self._messages)
            except StopAsyncIteration:
                # The SDK's iterator ends with each turn, and after what it cannot read.
                self._messages = self._session.receive()
            except _BROKEN as error:
                raise _fault_of(error) from error
            except _REFUSED_BY_SDK as error:
                self._skip(error)
            else:
                self._unreadable = 0
                return self._named(events_of(message))

    def _named(self, events: list[LiveEvent]) -> list[LiveEvent]:
        """Follows the calls that have no id of Gemini's, so that they can be cancelled too."""
        for index, event in enumerate(events):
            match event:
                case ToolCalls(calls):
                    self._unnamed.called(calls)
                case ToolsCancelled(()):
                    events[index] = ToolsCancelled(self._unnamed.cancelled())
        return events

    def _skip(self, error: Exception) -> None:
        logger.warning("a message of Gemini cannot be read: %s", type(error).__name__)
        self._unreadable += 1
        if self._unreadable >= UNREADABLE_LIMIT:
            raise TransientFault(0, "nothing that Gemini says can be read") from error

    def abort(self) -> None:
        """Gives the line up, with whatever was still to be written. Harmless when it is closed."""
        self._socket.transport.abort()

    async def aclose(self) -> None:
        """Ends the SDK's iterator; the session itself belongs to `connect`."""
        if isinstance(self._messages, AsyncGenerator):
            await self._messages.aclose()


@asynccontextmanager
async def connect(
    client: genai.Client, model: str, config: types.LiveConnectConfig
) -> AsyncIterator[LiveConnection]:
    """Opens a session and closes it on the way out, within bounds. Raises `GeminiError`."""
    opening = client.aio.live.connect(model=model, config=config)
    try:
        await _log_in(client)
        session = await opening.__aenter__()
    except (*_BROKEN, GoogleAuthError) as error:
        raise _fault_of(error) from error
    except _REFUSED_BY_SDK as error:  # what it would have to send
        raise ConfigurationFault(0, str(error)[:MAX_REASON_CHARS]) from error
    connection = LiveConnection(session, vertex=bool(client.vertexai))
    try:
        yield connection
    finally:
        await _close(connection, opening)


async def _log_in(client: genai.Client) -> None:
    """To Google Cloud, in a thread; `connect` would read files and ask Google on the loop, which
    carries the sound of all rooms, and finds the token here."""
    api = client._api_client
    if client.vertexai and not api.api_key and api.project and api.location:
        await api._async_access_token()


async def _close(
    connection: LiveConnection, opening: AbstractAsyncContextManager[AsyncSession]
) -> None:
    """The connection is over, however this goes: it waits for a server that says nothing.

    No half-open line is left behind: Gemini refuses to resume a session that is connected.
    """
    try:
        async with asyncio.timeout(ABANDON_AFTER_S):
            await connection.aclose()
            await opening.__aexit__(None, None, None)
    except Exception as error:
        logger.debug("closing a connection to Gemini failed: %s", type(error).__name__)
    finally:
        connection.abort()


def _fault_of(error: Exception) -> GeminiError:
    match error:
        case errors.APIError():
            words = next(
                (each for each in (error.message, error.details, error.status) if each), ""
            )
            return fault(int(error.code or 0), str(words)[:MAX_REASON_CHARS])
        case ConnectionClosed(rcvd=close) if close is not None:
            return fault(close.code, close.reason)
        case InvalidStatus(response=response):  # the upgrade was refused
            words = (response.body or b"").decode(errors="replace")
            return fault(response.status_code, words[:MAX_REASON_CHARS])
        case ssl.SSLCertVerificationError():
            return ConfigurationFault(0, "the certificate of the server is not trusted")
        case GoogleAuthError() if not isinstance(error, TransportError) and not error.retryable:
            return ConfigurationFault(0, f"no usable credentials ({type(error).__name__})")
        case _:
            return TransientFault(0, type(error).__name__)
