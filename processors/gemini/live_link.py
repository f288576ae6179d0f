"""The asyncio shell around `LiveCore`: one coroutine that connects until told to stop."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Final

from google import genai
from google.genai import types

from processors.frames import LinkStatus
from processors.gemini.client import LiveConnection, Unsendable, connect
from processors.gemini.errors import (
    ConfigurationFault,
    ContextFault,
    GeminiError,
    QuotaFault,
    TransientFault,
)
from processors.gemini.events import AudioDropped, LiveEvent
from processors.gemini.link import Link, LinkState
from processors.gemini.live_core import LiveCore, Verdict
from processors.gemini.opening import Opening
from processors.gemini.outbox import Outgoing
from processors.gemini.seed import Seed

logger = logging.getLogger(__name__)

LAST_SEND_LIMIT_S: Final = 1.0  # what is being written when the connection is given up
RENEW_LIMIT_S: Final = 60.0
BURST: Final = 16  # messages in a row; then the other rooms have their turn

OnEvent = Callable[[LiveEvent], Awaitable[None]]
OnStatus = Callable[[LinkStatus, str], Awaitable[None]]
MakeConfig = Callable[[str | None, bool], types.LiveConnectConfig]
MakeSeed = Callable[[Opening], Seed | None]


class _Leave(Exception):
    """It is time for another connection."""


class LiveLink:
    """`run()` until `close()`. What is given to `send` waits while there is no connection.

    `make_config(handle, seeded)` builds the setup for a connection; `make_seed` what it is told
    first.
    `on_event` gets every event of the server in order, but for media that came too late, and
    `Disconnected` after the last of a connection; `on_status` what peers should know, with a
    sentence, when it changes.
    """

    def __init__(
        self,
        client: genai.Client,
        model: str,
        make_config: MakeConfig,
        on_event: OnEvent,
        on_status: OnStatus,
        make_seed: MakeSeed = lambda opening: None,
        core: LiveCore | None = None,
    ) -> None:
        self.core = LiveCore() if core is None else core
        self._client = client
        self._model = model
        self._make_config = make_config
        self._make_seed = make_seed
        self._on_event = on_event
        self._on_status = on_status
        self._told: tuple[LinkStatus, str] | None = None
        self._wake = asyncio.Event()  # something waits to be sent
        self._changed = asyncio.Event()  # what is due may be due sooner
        self._closing = asyncio.Event()
        self._renewed: asyncio.Future[bool] | None = None

    @property
    def link(self) -> Link:
        return self.core.link

    def send(self, item: Outgoing) -> bool:
        """False when there is no room for it any more. Never blocks."""
        accepted = self.core.push(item, time.monotonic())
        self._wake.set()
        return accepted

    def user_speaking(self, speaking: bool) -> None:
        """By the room's own detectors."""
        self.core.user_speaking(speaking, time.monotonic())
        self._changed.set()

    def rest(self) -> None:
        """Nobody is here: no connection until `wake`, once nothing is being answered."""
        self.link.rest(time.monotonic())
        self._changed.set()

    def wake(self) -> None:
        """Somebody is here. Idempotent."""
        self.link.wake()
        self._changed.set()

    async def renew(self, *, afresh: bool) -> bool:
        """Another connection, at the next quiet moment, with what `make_config` says then.

        `afresh`: a new session that is told the history. False when Gemini refuses it, or when
        there is none within `RENEW_LIMIT_S`: the caller puts back what `make_config` said
        before, and the link tries again by itself.
        """
        if self._renewed is None:
            self._renewed = asyncio.get_running_loop().create_future()
        self.link.renew(time.monotonic(), afresh=afresh)
        self._changed.set()
        try:
            async with asyncio.timeout(RENEW_LIMIT_S):
                return await asyncio.shield(self._renewed)
        except TimeoutError:
            return False

    def close(self) -> None:
        """Makes `run()` return after the connection has been closed. Idempotent."""
        self._closing.set()
        self._changed.set()

    async def run(self) -> None:
        """Lives as long as the room. Returns on `close()` or when the fault is final."""
        closer = asyncio.create_task(self._closing.wait(), name="live-link-closing")
        try:
            while self.link.state is not LinkState.CLOSED:
                await self._tell()
                match self.link.state:
                    case LinkState.WAITING | LinkState.RESTING:
                        await self._wait()
                    case _:
                        await self._live_once(closer)
        finally:
            closer.cancel()
            await asyncio.gather(closer, return_exceptions=True)
            self.link.close()
            self._renewal_is(False)

    async def _live_once(self, closer: asyncio.Task[bool]) -> None:
        """One connection, from its opening to what its end means."""
        life = asyncio.create_task(self._connection(), name="live-connection")
        try:
            await asyncio.wait({life, closer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            life.cancel()
            outcome = (await asyncio.gather(life, return_exceptions=True))[0]
        ended = self._judge(outcome)
        if ended is not None:
            await self._on_event(ended)
        if not self._closing.is_set():
            await self._tell()

    async def _connection(self) -> None:
        """Ends by raising: what broke it, `_Leave`, or CancelledError."""
        async with AsyncExitStack() as stack:
            connection = await self._open(stack)
            await self._tell()
            lost_s = self.core.lost_audio_s()
            if lost_s > 0:
                await self._on_event(AudioDropped(lost_s))
            sending = asyncio.Lock()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._receive_all(connection), name="live-receive")
                group.create_task(self._send_all(connection, sending), name="live-send")
                group.create_task(self._watch(sending), name="live-watch")

    async def _open(self, stack: AsyncExitStack) -> LiveConnection:
        try:
            async with asyncio.timeout(self.link.open_limit_s):
                opening = self.core.opening()
                seed = self._make_seed(opening) if opening.tells else None
                seeded = seed is not None and opening.handle is None
                config = self._make_config(opening.handle, seeded)
                connection = await stack.enter_async_context(
                    connect(self._client, self._model, config)
                )
                if seed is not None:
                    await connection.seed(seed)
        except TimeoutError:
            raise TransientFault(0, "no answer to the setup") from None
        self.core.opened(time.monotonic(), messages=1 if seed is None else 2)
        if not self.link.renewing:
            self._renewal_is(True)
        logger.info("live link open (connection %d)", self.link.connections)
        return connection

    async def _receive_all(self, connection: LiveConnection) -> None:
        while True:
            for event in await connection.receive():
                if self.core.on_event(event, time.monotonic()):
                    await self._on_event(event)
            self._changed.set()

    async def _send_all(self, connection: LiveConnection, sending: asyncio.Lock) -> None:
        in_a_row = 0
        while True:
            async with sending:
                sent = await self._send_next(connection)
            in_a_row += 1
            if not sent:
                self._wake.clear()
                await self._wake.wait()
                in_a_row = 0
            elif in_a_row >= BURST:
                await asyncio.sleep(0)
                in_a_row = 0

    async def _send_next(self, connection: LiveConnection) -> bool:
        """False when nothing waits."""
        item = self.core.next(time.monotonic())
        if item is None:
            return False
        try:
            messages = await connection.send(item)
        except Unsendable as error:
            logger.error("%s cannot be sent: %s", error, type(error.__cause__).__name__)
            self.core.outbox.unsendable()
        except GeminiError:
            self.core.put_back(time.monotonic())
            raise
        except asyncio.CancelledError:
            self.core.outbox.put_back()
            raise
        else:
            self.core.sent(time.monotonic(), messages=messages)
        return True

    async def _watch(self, sending: asyncio.Lock) -> None:
        """Until it is time to leave the connection."""
        while (verdict := self.core.poll(time.monotonic())) is Verdict.STAY:
            if len(self.core.outbox):
                self._wake.set()
            self._changed.clear()
            due = self.core.due()
            wait_s = None if due is None else max(0.0, due - time.monotonic())
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                pass
        if verdict is Verdict.MUTE:
            raise TransientFault(0, "nothing comes any more")
        try:
            async with asyncio.timeout(LAST_SEND_LIMIT_S):
                await sending.acquire()  # and keep it: nothing more goes this way
        except TimeoutError:
            logger.info("a connection is left in the middle of a message")
        raise _Leave

    def _judge(self, outcome: BaseException | None) -> LiveEvent | None:
        """What the end of the connection means, for the core and for those who listen."""
        now, causes = time.monotonic(), list(_leaves(outcome))
        if any(isinstance(cause, _Leave) for cause in causes):
            logger.info("live link changes its connection: %s", self.link.purpose)
            return self.core.left(now)
        if self._closing.is_set():
            return self.core.closed(now)
        fault = _fault_in(causes)
        ended = self.core.lost(fault, now)
        if not self.link.renewing:
            self._renewal_is(False)
        final = self.link.state is LinkState.CLOSED
        logger.log(
            logging.ERROR if final else logging.INFO,
            "live link %s after %s %d%s",
            self.link.state.name.lower(),
            type(fault).__name__,
            fault.code,
            f": {fault.reason}" if final else "",
        )
        return ended

    async def _wait(self) -> None:
        """For the time of a retry, or for somebody to be here."""
        state, deadline = self.link.state, self.link.deadline
        while self.link.state is state and not self._closing.is_set():
            self._changed.clear()
            wait_s = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                self.link.retry_due()
        if self._closing.is_set():
            self.link.close()

    def _renewal_is(self, successful: bool) -> None:
        renewed, self._renewed = self._renewed, None
        if renewed is not None and not renewed.done():
            renewed.set_result(successful)

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
