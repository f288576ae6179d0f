"""The asyncio shell of one Live connection: frames in, effects out, time passed on.

One reader task feeds a bounded inbox (full: it stops reading, and TCP slows the client down); the
connection's own coroutine alone touches the session and the socket's writing side.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from aiohttp import WebSocketError, WSMessage, WSMsgType, web

from emulator import wire
from emulator.admission import Door, Doorkeeper, Refused
from emulator.auth import Credential
from emulator.closes import INTERNAL_ERROR, SHUTTING_DOWN, Close
from emulator.effects import Drop, Hear, Send, SendRaw, SlowPong, SlowRead, Speak
from emulator.memory import Memory
from emulator.options import Options
from emulator.record import SessionRecord
from emulator.resumption import HandleStore
from emulator.senses import Senses
from emulator.session import LiveSession

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES: Final = 32 * 1024 * 1024
INBOX_SIZE: Final = 64
NO_STATUS: Final = 1005
LOST: Final = Close(1006, "")
CLOSE_TIME_LIMIT_S: Final = 2.0
# A client that reads nothing for so long is gone.
SEND_TIME_LIMIT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class _Frame:
    data: str | bytes
    at: float


@dataclass(frozen=True, slots=True)
class _Heard:
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class _Spoken:
    number: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class _Ended:
    """It is over: the client closed, the line broke (1006), or the emulator stops."""

    close: Close


_Item: TypeAlias = _Frame | _Heard | _Spoken | _Ended


class LiveSocket:
    """Serves one websocket from upgrade to close."""

    def __init__(
        self,
        doorkeeper: Doorkeeper,
        handles: HandleStore[Memory],
        options: Options,
        senses: Senses,
        record: SessionRecord,
    ) -> None:
        self._doorkeeper = doorkeeper
        self._handles = handles
        self._options = options
        self._senses = senses
        self._record = record
        self._inbox: asyncio.Queue[_Item] = asyncio.Queue(INBOX_SIZE)
        # Utterances are understood in the order in which they were spoken.
        self._hearing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._pong_delay_s = options.pong_delay_s
        # None reads as fast as it comes.
        self._bytes_per_s: int | None = None
        self._transport: asyncio.Transport | None = None
        self._ws = web.WebSocketResponse(
            max_msg_size=MAX_MESSAGE_BYTES, timeout=CLOSE_TIME_LIMIT_S, autoping=False
        )

    async def run(
        self, request: web.Request, door: Door, credential: Credential
    ) -> web.WebSocketResponse:
        """Serve until either side closes; a failure of the emulator itself ends as 1011."""
        await self._ws.prepare(request)
        self._transport = request.transport
        close = INTERNAL_ERROR
        try:
            async with asyncio.TaskGroup() as group:
                self._keep(group.create_task(self._read(group)))
                self._keep(group.create_task(self._say_goodbye()))
                try:
                    close = await self._serve(group, door, credential)
                finally:
                    for task in self._tasks:
                        task.cancel()
        except Exception:
            logger.exception("live connection %d failed", self._record.number)
        await self._end(close)
        return self._ws

    def stop(self) -> None:
        """Say goodbye and end; `run` returns soon after. May be called at any time, twice too."""
        self._stopping.set()

    async def _say_goodbye(self) -> None:
        await self._stopping.wait()
        await self._inbox.put(_Ended(SHUTTING_DOWN))

    async def _read(self, group: asyncio.TaskGroup) -> None:
        while True:
            message = await self._ws.receive()
            match message.type:
                case WSMsgType.TEXT | WSMsgType.BINARY:
                    await self._inbox.put(_Frame(message.data, time.monotonic()))
                    if self._bytes_per_s:
                        await asyncio.sleep(len(message.data) / self._bytes_per_s)
                case WSMsgType.PING if self._pong_delay_s:
                    self._keep(group.create_task(self._pong_late(message.data)))
                case WSMsgType.PING:
                    await self._pong(message.data)
                case WSMsgType.PONG:
                    pass
                case _:
                    close, self._record.closed_by = _ending_of(message)
                    await self._inbox.put(_Ended(close))
                    return

    async def _pong_late(self, data: bytes) -> None:
        await asyncio.sleep(self._pong_delay_s)
        await self._pong(data)

    async def _pong(self, data: bytes) -> None:
        # The line may have broken meanwhile; the next read finds that out.
        with contextlib.suppress(ConnectionError):
            await self._ws.pong(data)

    async def _serve(self, group: asyncio.TaskGroup, door: Door, credential: Credential) -> Close:
        first = await self._inbox.get()
        if isinstance(first, _Ended):
            return first.close
        assert isinstance(first, _Frame), "the senses have nothing to do yet"
        record = self._record
        try:
            admission = self._doorkeeper.admit_untrusted(
                door, credential, first.data, first.at, first.at + record.unix_offset_s
            )
        except Refused as error:
            if error.fault:
                record.add_fault(error.fault, first.at)
            return error.close
        record.model = admission.setup.model
        record.profile = admission.profile.name
        record.setup = admission.received
        record.resumed = bool(admission.setup.handle)
        latest: Memory | None = None
        try:
            session = LiveSession(admission, self._options, record, self._handles, first.at)
            close = await self._converse(session, group)
            if self._options.live_handles:
                latest = session.end(time.monotonic())
        finally:
            self._doorkeeper.leave(admission, time.monotonic(), latest)
        return close

    async def _converse(self, session: LiveSession, group: asyncio.TaskGroup) -> Close:
        try:
            return await self._talk(session, group)
        except (ConnectionError, TimeoutError):
            return LOST

    async def _talk(self, session: LiveSession, group: asyncio.TaskGroup) -> Close:
        now = time.monotonic()
        while True:
            for effect in session.take():
                if isinstance(effect, Close):
                    return effect
                if isinstance(effect, Drop):
                    self._drop()
                    return LOST
                await self._carry_out(effect, group)
            item = await self._next(session.deadline(now))
            now = time.monotonic()
            match item:
                case None:
                    session.on_time(now)
                case _Frame(data, arrived_at):
                    try:
                        session.on_frame(wire.parse_untrusted(data), now, arrived_at)
                    except wire.WireError as error:
                        return error.close
                case _Heard(number, text):
                    session.on_heard(number, text, now)
                case _Spoken(number, pcm):
                    session.on_spoken(number, pcm, now)
                case _Ended(close):
                    return close
                case _:  # pragma: no cover  # mypy proves that no other is left
                    assert_never(item)

    async def _send(self, frame: str | bytes) -> None:
        async with asyncio.timeout(SEND_TIME_LIMIT_S):
            if isinstance(frame, str):
                await self._ws.send_str(frame)
            else:
                await self._ws.send_bytes(frame)

    def _drop(self) -> None:
        self._record.closed_by = "server"
        if self._transport is not None:
            self._transport.abort()

    async def _next(self, deadline: float | None) -> _Item | None:
        """The next item, or None at the deadline: what is due goes before what came in."""
        wait_s = None if deadline is None else deadline - time.monotonic()
        if wait_s is not None and wait_s <= 0:
            await asyncio.sleep(0)
            return None
        try:
            async with asyncio.timeout(wait_s):
                return await self._inbox.get()
        except TimeoutError:
            return None

    async def _carry_out(
        self, effect: Send | SendRaw | Hear | Speak | SlowPong | SlowRead, group: asyncio.TaskGroup
    ) -> None:
        match effect:
            case Send(body):
                await self._send(json.dumps(body, separators=(",", ":")).encode())
            case SendRaw(frame):
                await self._send(frame)
            case SlowPong(delay_s):
                self._pong_delay_s = delay_s
            case SlowRead(bytes_per_s):
                self._bytes_per_s = bytes_per_s
            case Hear(number, pcm):
                self._keep(group.create_task(self._hear(number, pcm)))
            case Speak():
                self._keep(group.create_task(self._speak(effect)))
            case _:  # pragma: no cover  # mypy proves that no other is left
                assert_never(effect)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hear(self, number: int, pcm: bytes) -> None:
        async with self._hearing:
            text = await self._senses.ears.hear(pcm)
        await self._inbox.put(_Heard(number, text))

    async def _speak(self, wish: Speak) -> None:
        pcm = await self._senses.mouth.speak(wish.text, voice=wish.voice, language=wish.language)
        await self._inbox.put(_Spoken(wish.number, pcm))

    async def _end(self, close: Close) -> None:
        record = self._record
        record.closed_at = time.monotonic()
        record.close = close
        if not record.closed_by:
            record.closed_by = "server"
            code = close.code if close != LOST else INTERNAL_ERROR.code
            await self._ws.close(code=code, message=close.reason.encode())
        logger.info(
            "live connection %d closed by the %s: %d", record.number, record.closed_by, close.code
        )


def _ending_of(message: WSMessage) -> tuple[Close, str]:
    """How the connection ended and by whom; a line that broke is the client's doing."""
    if message.type is WSMsgType.CLOSE:
        return Close(message.data or NO_STATUS, message.extra or ""), "client"
    if isinstance(message.data, WebSocketError):
        # A frame that is too large or none at all: aiohttp has closed with this code already.
        return Close(message.data.code, ""), "server"
    return LOST, "client"
