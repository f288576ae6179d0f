"""The asyncio shell around `Link` and `Outbox`: one coroutine that connects until told to stop."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Final

from google import genai
from google.genai import types

from processors.frames import LinkStatus, Role
from processors.gemini.client import LiveConnection, Unsendable, connect
from processors.gemini.errors import (
    ConfigurationFault,
    ContextFault,
    GeminiError,
    QuotaFault,
    TransientFault,
)
from processors.gemini.events import (
    AudioChunk,
    Disconnected,
    GenerationComplete,
    GoAway,
    HandleUpdate,
    Interrupted,
    LiveEvent,
    ToolCalls,
    Transcript,
    TurnComplete,
)
from processors.gemini.link import Link, LinkState
from processors.gemini.outbox import Outbox, Outgoing
from processors.gemini.seed import Seed

logger = logging.getLogger(__name__)

OPEN_LIMIT_S: Final = 15.0  # connect and set up
GO_AWAY_MARGIN_S: Final = 2.0
LAST_SEND_LIMIT_S: Final = 1.0  # what is being written when the connection is given up

OnEvent = Callable[[LiveEvent], Awaitable[None]]
OnStatus = Callable[[LinkStatus, str], Awaitable[None]]
MakeConfig = Callable[[str | None], types.LiveConnectConfig]


class _Rotate(Exception):
    """The server asked us to go; connect anew."""


class LiveLink:
    """`run()` until `close()`. What is given to `send` waits while there is no connection.

    `make_config(handle)` builds the setup for a connection, and a fresh session is told the
    `seed` first; `on_event` gets every event of the server in order, and `Disconnected` after the
    last of a connection; `on_status` what peers should know, with a sentence, when it changes.
    """

    def __init__(
        self,
        client: genai.Client,
        model: str,
        make_config: MakeConfig,
        on_event: OnEvent,
        on_status: OnStatus,
        seed: Seed | None = None,
        outbox: Outbox | None = None,
    ) -> None:
        self.link = Link()
        self.outbox = Outbox() if outbox is None else outbox  # an empty one is false
        self._client = client
        self._model = model
        self._make_config = make_config
        self._on_event = on_event
        self._on_status = on_status
        self._seed = seed
        self._told: tuple[LinkStatus, str] | None = None
        self._answering = False
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()

    def send(self, item: Outgoing) -> bool:
        """False when there is no room for it any more. Never blocks."""
        accepted = self.outbox.push(item)
        self._wake.set()
        return accepted

    def close(self) -> None:
        """Makes `run()` return after the connection has been closed. Idempotent."""
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
        """One connection, from its opening to the end of the wait after it."""
        await self._tell()
        opened_before = self.link.connections
        life = asyncio.create_task(self._connection(), name="live-connection")
        try:
            await asyncio.wait({life, closer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            life.cancel()
            outcome = (await asyncio.gather(life, return_exceptions=True))[0]
        self.outbox.reclaim()
        if self.link.connections > opened_before:
            await self._on_event(Disconnected())
        if self._closing.is_set():
            self.link.close()
            return
        self._judge(outcome)
        await self._tell()
        await self._wait_for_retry(closer)

    async def _connection(self) -> None:
        """Ends by raising: what broke it, `_Rotate`, or CancelledError."""
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(OPEN_LIMIT_S):
                    config = self._make_config(self.link.handle)
                    connection = await stack.enter_async_context(
                        connect(self._client, self._model, config)
                    )
                    if self._seed is not None and self.link.handle is None:
                        await connection.seed(self._seed)
            except TimeoutError:
                raise TransientFault(0, "no answer to the setup") from None
            self.link.opened(time.monotonic())
            logger.info("live link open (connection %d)", self.link.connections)
            await self._tell()
            self._answering = False
            sending = asyncio.Lock()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._receive_all(connection, sending), name="live-receive")
                group.create_task(self._send_all(connection, sending), name="live-send")

    async def _receive_all(self, connection: LiveConnection, sending: asyncio.Lock) -> None:
        """Until the connection breaks, or until it is time to go.

        After a `goAway` the talk goes on. The best moment to change the connection is when the
        next resumption handle comes, since that is between turns and loses nothing of them.
        """
        loop, leave_at, leave = asyncio.get_running_loop(), None, False
        while not leave:
            try:
                async with asyncio.timeout_at(leave_at):
                    events = await connection.receive()
            except TimeoutError:
                break
            self.outbox.confirm(time.monotonic())
            for event in events:
                self._notice_answer(event)
                if isinstance(event, HandleUpdate):
                    self.link.handle_updated(event.handle)
                    leave = leave_at is not None and event.handle is not None
                elif isinstance(event, GoAway):
                    leave_at = loop.time() + max(0.0, event.time_left_s - GO_AWAY_MARGIN_S)
                await self._on_event(event)
        try:
            async with asyncio.timeout(LAST_SEND_LIMIT_S):
                await sending.acquire()  # and keep it: nothing more goes this way
        except TimeoutError:
            logger.info("a connection is left in the middle of a message")
        raise _Rotate

    def _notice_answer(self, event: LiveEvent) -> None:
        """What Gemini begins to answer, or is interrupted by, has arrived."""
        match event:
            case TurnComplete() | GenerationComplete():
                self._answering = False
            case Interrupted():
                self._answering = False
                self.outbox.confirm()
            case AudioChunk() | Transcript(role=Role.MODEL) | ToolCalls() if not self._answering:
                self._answering = True
                self.outbox.confirm()

    async def _send_all(self, connection: LiveConnection, sending: asyncio.Lock) -> None:
        while True:
            async with sending:
                sent = await self._send_next(connection)
            if not sent:
                self._wake.clear()
                await self._wake.wait()

    async def _send_next(self, connection: LiveConnection) -> bool:
        """False when nothing waits."""
        item = self.outbox.pop()
        if item is None:
            return False
        try:
            await connection.send(item)
        except Unsendable as error:
            logger.error("%s cannot be sent: %s", error, type(error.__cause__).__name__)
            self.outbox.unsendable()
        except (GeminiError, asyncio.CancelledError):
            self.outbox.put_back()
            raise
        else:
            self.outbox.sent(time.monotonic())
        return True

    def _judge(self, outcome: BaseException | None) -> None:
        causes = list(_leaves(outcome))
        if any(isinstance(cause, _Rotate) for cause in causes):
            self.link.rotate(time.monotonic())
            logger.info("live link changes its connection as the server asked")
            return
        fault = _fault_in(causes)
        self.link.lost(fault, time.monotonic())
        final = self.link.state is LinkState.CLOSED
        logger.log(
            logging.ERROR if final else logging.INFO,
            "live link %s after %s %d%s",
            self.link.state.name.lower(),
            type(fault).__name__,
            fault.code,
            f": {fault.reason}" if final else "",
        )

    async def _wait_for_retry(self, closer: asyncio.Task[bool]) -> None:
        if self.link.deadline is None:
            return
        wait_s = max(0.0, self.link.deadline - time.monotonic())
        closed, _ = await asyncio.wait({closer}, timeout=wait_s)
        if closed:
            self.link.close()
        else:
            self.link.retry_due()

    def _status(self) -> LinkStatus:
        link = self.link
        if link.state is LinkState.CLOSED:
            return LinkStatus.FAILED
        if not link.connections:
            return LinkStatus.CONNECTING
        return LinkStatus.READY if link.failure is None else LinkStatus.RECONNECTING

    async def _tell(self) -> None:
        """A rotation is no news: it takes a moment, and nothing is lost."""
        status, failure = self._status(), self.link.failure
        sentence = "" if failure is None else failure.sentence
        if status is LinkStatus.FAILED and not isinstance(failure, ConfigurationFault):
            sentence = GeminiError.sentence
        if self._told != (status, sentence):
            self._told = (status, sentence)
            await self._on_status(status, sentence)


def _leaves(outcome: BaseException | None) -> Iterator[BaseException]:
    """What ended the connection, out of the groups that tasks wrap it in."""
    if isinstance(outcome, BaseExceptionGroup):
        for inner in outcome.exceptions:
            yield from _leaves(inner)
    elif outcome is not None:
        yield outcome


def _fault_in(causes: list[BaseException]) -> GeminiError:
    """The one that says most, when reading and writing failed together."""
    for kind in (ConfigurationFault, ContextFault, QuotaFault, GeminiError):
        for cause in causes:
            if isinstance(cause, kind):
                return cause
    for cause in causes:
        logger.error("live link broke in our own code", exc_info=cause)
    return TransientFault(0, ", ".join(type(cause).__name__ for cause in causes))
