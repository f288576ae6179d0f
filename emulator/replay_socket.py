"""The asyncio shell of one replayed connection: frames in, recorded messages out."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from typing import Final

from aiohttp import WSMsgType, web

from emulator.closes import INVALID_ARGUMENT, SHUTTING_DOWN, Close
from emulator.json_types import JSON, JsonObject, object_of
from emulator.record import SessionRecord
from emulator.replay import LINE_CUT, End, Player, Replay, Say, handle_of, kinds_of
from emulator.replay_media import Filler

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES: Final = 32 * 1024 * 1024
CLOSE_TIME_LIMIT_S: Final = 2.0
SEND_TIME_LIMIT_S: Final = 30.0
NOTHING_LEFT: Final = Close(1011, "The recording has no further connection.")
LEFT: Final = Close(1000, "")


class ReplaySocket:
    """Serves one websocket from upgrade to close with a recorded connection."""

    def __init__(self, replay: Replay, speed: float, record: SessionRecord) -> None:
        self._replay = replay
        self._speed = speed
        self._record = record
        self._filler = Filler()
        self._stopping = asyncio.Event()
        self._told = 0
        self._ws = web.WebSocketResponse(max_msg_size=MAX_MESSAGE_BYTES, timeout=CLOSE_TIME_LIMIT_S)

    async def run(self, request: web.Request) -> web.WebSocketResponse:
        """Serve until either side closes or the recorded line is cut."""
        await self._ws.prepare(request)
        inbox: asyncio.Queue[JsonObject | None] = asyncio.Queue(64)
        reader = asyncio.create_task(self._read(inbox))
        goodbye = asyncio.create_task(self._say_goodbye(inbox))
        close = SHUTTING_DOWN
        try:
            close = await self._serve(inbox)
        except (ConnectionError, TimeoutError):
            close = Close(LINE_CUT, "")
        finally:
            for task in (reader, goodbye):
                task.cancel()
            await asyncio.gather(reader, goodbye, return_exceptions=True)
        await self._end(close, request)
        return self._ws

    def stop(self) -> None:
        """Say goodbye and end; `run` returns soon after."""
        self._stopping.set()

    async def _say_goodbye(self, inbox: asyncio.Queue[JsonObject | None]) -> None:
        await self._stopping.wait()
        await inbox.put(None)

    async def _read(self, inbox: asyncio.Queue[JsonObject | None]) -> None:
        """None ends: the client has closed, or the emulator stops."""
        while True:
            message = await self._ws.receive()
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                self._record.closed_by = "client"
                await inbox.put(None)
                return
            await inbox.put(_decoded(message.data))

    async def _serve(self, inbox: asyncio.Queue[JsonObject | None]) -> Close:
        first = await inbox.get()
        if first is None:
            return LEFT
        if "setup" not in first:
            return INVALID_ARGUMENT
        handle = handle_of(first)
        recorded, odd = self._replay.choose(handle)
        if odd:
            self._tell([odd])
        if recorded is None:
            return NOTHING_LEFT
        record = self._record
        record.model, record.profile = recorded.model, recorded.profile
        record.setup, record.resumed = object_of(first["setup"]), bool(handle)
        player = Player(recorded, self._speed, time.monotonic())
        try:
            return await self._play(player, first, inbox)
        finally:
            self._tell(player.deviations[self._told :])

    async def _play(
        self, player: Player, first: JsonObject, inbox: asyncio.Queue[JsonObject | None]
    ) -> Close:
        message: JsonObject | None = first
        while True:
            now = time.monotonic()
            if message is None:
                player.on_time(now)
            else:
                for kind, _ in kinds_of(message):
                    self._record.messages[kind] += 1
                player.on_message(message, now)
            for step in player.take():
                if isinstance(step, End):
                    return step.close
                await self._send(step)
            self._tell(player.deviations[self._told :])
            self._told = len(player.deviations)
            try:
                async with asyncio.timeout_at(_on_loop(player.deadline())):
                    message = await inbox.get()
            except TimeoutError:
                message = None
                continue
            if message is None and self._stopping.is_set():
                return SHUTTING_DOWN
            if message is None:
                player.on_close()
                return LEFT

    async def _send(self, step: Say) -> None:
        for key in step.body:
            self._record.sent[key] += 1
        text = json.dumps(self._filler.filled(step.body), separators=(",", ":"))
        async with asyncio.timeout(SEND_TIME_LIMIT_S):
            if step.binary:
                await self._ws.send_bytes(text.encode())
            else:
                await self._ws.send_str(text)

    def _tell(self, deviations: list[str]) -> None:
        for each in deviations:
            self._record.deviations.append(each)
            print(f"emulator: connection {self._record.number} {each}", file=sys.stderr, flush=True)

    async def _end(self, close: Close, request: web.Request) -> None:
        record = self._record
        record.closed_at = time.monotonic()
        record.close = close
        if not record.closed_by:
            record.closed_by = "server"
            if close.code == LINE_CUT and request.transport is not None:
                request.transport.abort()
            else:
                await self._ws.close(code=close.code, message=close.reason.encode())
        logger.info("replayed connection %d ended: %d", record.number, close.code)


def _decoded(data: str | bytes) -> JsonObject:
    try:
        decoded: JSON = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return object_of(decoded)


def _on_loop(deadline: float | None) -> float | None:
    """The loop's clock may be another one than time.monotonic."""
    if deadline is None:
        return None
    return asyncio.get_running_loop().time() + deadline - time.monotonic()
