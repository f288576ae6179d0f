"""The asyncio shell around `Link` and `Outbox`: one coroutine that connects until told to stop."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from google import genai
from google.genai import types

from processors.frames import LinkStatus
from processors.gemini.client import LiveConnection, connect
from processors.gemini.errors import GeminiError, TransientFault
from processors.gemini.events import GoAway, HandleUpdate, LiveEvent
from processors.gemini.link import Link, LinkState
from processors.gemini.outbox import Outbox, Outgoing

logger = logging.getLogger(__name__)

OPEN_LIMIT_S: Final = 15.0  # connect and set up
GO_AWAY_MARGIN_S: Final = 2.0

OnEvent = Callable[[LiveEvent], Awaitable[None]]
OnStatus = Callable[[LinkStatus, str], Awaitable[None]]
MakeConfig = Callable[[str | None], types.LiveConnectConfig]


class _Rotate(Exception):
    """The server asked us to go; connect anew."""


class LiveLink:
    """`run()` until `close()`. What is given to `send` waits while there is no connection.

    `make_config(handle)` builds the setup for a connection; `on_event` gets every event of the
    server in order; `on_status` what peers should know.
    """

    def __init__(
        self,
        client: genai.Client,
        model: str,
        make_config: MakeConfig,
        on_event: OnEvent,
        on_status: OnStatus,
    ) -> None:
        self.link = Link()
        self.outbox = Outbox()
        self._client = client
        self._model = model
        self._make_config = make_config
        self._on_event = on_event
        self._on_status = on_status
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()

    def send(self, item: Outgoing) -> bool:
        """False when there is no room for it any more. Never blocks."""
        accepted = self.outbox.push(item)
        self._wake.set()
        return accepted

    def close(self) -> None:
        """Makes `run()` return after the connection has been closed."""
        self._closing.set()

    async def run(self) -> None:
        """Lives as long as the room. Returns on `close()` or when the fault is final."""
        closer = asyncio.create_task(self._closing.wait(), name="live-link-closing")
        try:
            while self.link.state is not LinkState.CLOSED:
                await self._live_once(closer)
        finally:
            closer.cancel()
            await asyncio.gather(closer, return_exceptions=True)
            self.link.close()

    async def _live_once(self, closer: asyncio.Task[bool]) -> None:
        await self._tell(self._status())
        life = asyncio.create_task(self._connection(), name="live-connection")
        try:
            await asyncio.wait({life, closer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            life.cancel()
            outcome = (await asyncio.gather(life, return_exceptions=True))[0]
        if self._closing.is_set():
            self.link.close()
            return
        self._lost(outcome)
        await self._tell(self._status())
        await self._wait_for_retry()

    async def _connection(self) -> None:
        async with asyncio.timeout(OPEN_LIMIT_S) as opening:
            async with connect(
                self._client, self._model, self._make_config(self.link.handle)
            ) as connection:
                opening.reschedule(None)
                self.link.opened(time.monotonic())
                logger.info("live link open (connection %d)", self.link.connections)
                await self._tell(LinkStatus.READY)
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._receive(connection), name="live-receive")
                    group.create_task(self._send_all(connection), name="live-send")

    async def _receive(self, connection: LiveConnection) -> None:
        async for event in connection.events():
            if isinstance(event, HandleUpdate):
                self.link.handle_updated(event.handle)
            await self._on_event(event)
            if isinstance(event, GoAway):
                await asyncio.sleep(max(0.0, event.time_left_s - GO_AWAY_MARGIN_S))
                raise _Rotate

    async def _send_all(self, connection: LiveConnection) -> None:
        while True:
            item = self.outbox.pop()
            if item is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            try:
                await connection.send(item)
            except GeminiError:
                self.outbox.put_back(item)
                raise

    def _lost(self, outcome: BaseException | None) -> None:
        fault = _fault_in(outcome)
        self.link.lost(fault, time.monotonic())
        logger.info(
            "live link %s after %s %d",
            self.link.state.name.lower(),
            type(fault).__name__,
            fault.code,
        )

    async def _wait_for_retry(self) -> None:
        if self.link.deadline is None:
            return
        try:
            async with asyncio.timeout(max(0.0, self.link.deadline - time.monotonic())):
                await self._closing.wait()
        except TimeoutError:
            self.link.retry_due(time.monotonic())
            return
        self.link.close()

    def _status(self) -> LinkStatus:
        if self.link.state is LinkState.CLOSED:
            return LinkStatus.FAILED
        return LinkStatus.CONNECTING if not self.link.connections else LinkStatus.RECONNECTING

    async def _tell(self, status: LinkStatus) -> None:
        failure = self.link.failure
        sentence = "" if failure is None or status is LinkStatus.READY else failure.sentence
        await self._on_status(status, sentence)


def _fault_in(outcome: BaseException | None) -> GeminiError:
    """What ended the connection, out of the groups that tasks wrap it in."""
    if isinstance(outcome, BaseExceptionGroup):
        return _fault_in(outcome.exceptions[0])
    if isinstance(outcome, GeminiError):
        return outcome
    if isinstance(outcome, _Rotate):
        return TransientFault(0, "rotation")
    if isinstance(outcome, TimeoutError):
        return TransientFault(0, "no answer to the setup")
    if outcome is not None:
        logger.error("live link broke in our own code", exc_info=outcome)
    return TransientFault(0, type(outcome).__name__)
