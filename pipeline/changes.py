"""Changes of a room's settings while people talk: one at a time, each answered yes or no."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from pipeline.change_plan import Plan, Way, plan
from pipeline.in_force import InForce
from pipeline.jobs import Jobs
from pipeline.room_overrides import RoomSettingsRefused, room_settings_untrusted
from pipeline.room_settings import RoomSettings
from processors.gemini.live_config import LiveSetup
from processors.gemini.outbox import ContextUpdate
from transports import rtvi

logger = logging.getLogger(__name__)

UPDATE_SETTINGS: Final = "update-settings"
MAX_WAITING: Final = 4
WATCH_S: Final = 1.0  # Gemini acknowledges no update; one it refuses ends the connection
LIMIT_S: Final = 55.0  # a connection is changed when nobody speaks; the link gives up later

BUSY: Final = "Other changes are under way. Try again in a moment."
REFUSED: Final = "Gemini refuses this change. The settings are as they were."
LATE: Final = "Gemini could not be reached in time. The settings are as they were."
FULL: Final = "Too much waits for Gemini. The settings are as they were."
MISTAKE: Final = "The service made a mistake. The settings are as they were."


class ChangeNotMade(Exception):
    """Gemini did not take it; says so in a sentence. The old settings are in force."""


class ChangingLink(Protocol):
    """What of a `LiveLink` changes what Gemini was told."""

    def send(self, item: ContextUpdate) -> bool: ...

    async def renew(self, *, afresh: bool) -> bool: ...


@dataclass(slots=True)
class ChangesCounters:
    """`put_back`: Gemini refused them or did not answer."""

    made: int = 0
    refused: int = 0
    put_back: int = 0


class Changes:
    """Owns what is in force. `configure` is told of settings once they are; `breaks` says how often
    the link's connection broke."""

    def __init__(
        self,
        in_force: InForce,
        link: ChangingLink,
        breaks: Callable[[], int],
        setup: LiveSetup,
        configure: Callable[[RoomSettings], None],
        *,
        vertex: bool,
        watch_s: float = WATCH_S,
        limit_s: float = LIMIT_S,
    ) -> None:
        self.counters = ChangesCounters()
        self._in_force = in_force
        self._link = link
        self._breaks = breaks
        self._setup = setup
        self._configure = configure
        self._vertex = vertex
        self._watch_s = watch_s
        self._limit_s = limit_s
        self._jobs = Jobs()
        self._asked = 0

    def ask(self, message: rtvi.ClientMessage, answer: Callable[[str], object]) -> None:
        """`answer` gets the response when the change was made or was not."""
        job = self._answered(message, answer)
        if self._asked > MAX_WAITING:  # one of them is being made
            job.close()
        elif self._jobs.start(job):
            self._asked += 1
            return
        self.counters.refused += 1
        answer(rtvi.error_response(message.message_id, BUSY))

    async def close(self) -> None:
        """Idempotent. A change that is under way is put back."""
        await self._jobs.close()

    async def make(self, overrides: object) -> Plan:
        """What was changed, and how. Raises `RoomSettingsRefused` and `ChangeNotMade`."""
        old = self._in_force.settings
        new = room_settings_untrusted(old, overrides, vertex=self._vertex)
        planned = plan(old, new, context_update=self._setup.profile.supports_context_update)
        self._in_force.settings = new
        try:
            made = await self._made(planned)
        except BaseException:
            self._in_force.settings = old
            self.counters.put_back += 1
            raise
        self._configure(new)
        self.counters.made += 1
        logger.info("settings changed (%s): %s", made.way.value, ", ".join(made.fields))
        return made

    async def _answered(self, message: rtvi.ClientMessage, answer: Callable[[str], object]) -> None:
        try:
            made = await self.make(message.data)
        except RoomSettingsRefused as refusal:
            self.counters.refused += 1
            answer(rtvi.error_response(message.message_id, refusal.sentence))
        except ChangeNotMade as failure:
            answer(rtvi.error_response(message.message_id, str(failure)))
        except Exception:
            answer(rtvi.error_response(message.message_id, MISTAKE))
            raise
        else:
            told = {"how": made.way.value, "applied": list(made.fields)}
            answer(rtvi.server_response(message.message_id, UPDATE_SETTINGS, told))
        finally:
            self._asked -= 1

    async def _made(self, planned: Plan) -> Plan:
        """The plan as it came to be. Raises `ChangeNotMade`."""
        match planned.way:
            case Way.CONTEXT_UPDATE:
                if not await self._updated(planned):
                    await self._renew(afresh=True)
                    return replace(planned, way=Way.FRESH_SESSION)
            case Way.ROTATION:
                await self._renew(afresh=False)
            case Way.FRESH_SESSION:
                await self._renew(afresh=True)
            case Way.AT_ONCE | Way.NOTHING:
                pass
        return planned

    async def _updated(self, planned: Plan) -> bool:
        """False when the connection did not live long after it."""
        before = self._breaks()
        update = self._setup.update(instruction=planned.instruction, tools=planned.tools)
        if not self._link.send(update):
            raise ChangeNotMade(FULL)
        await asyncio.sleep(self._watch_s)
        return self._breaks() == before

    async def _renew(self, *, afresh: bool) -> None:
        try:
            async with asyncio.timeout(self._limit_s):
                taken = await self._link.renew(afresh=afresh)
        except TimeoutError:
            raise ChangeNotMade(LATE) from None
        if not taken:
            raise ChangeNotMade(REFUSED)
