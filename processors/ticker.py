"""One 20 ms beat for every room of the process. Rests while nobody listens."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from processors.playout import PACKET_S

logger = logging.getLogger(__name__)

MAX_LAG_S: Final = 0.2  # after a stall longer than this the beat starts anew

Beat = Callable[[float], None]


class Ticker:
    """Calls each subscriber with the loop's time, every 20 ms, without drift.

    A beat that is late is followed the sooner by the next; after a longer stall the missed
    beats are left out, and the stall is counted in `late_beats`. A subscriber that raises is
    logged and dropped; it never stops the others.
    """

    def __init__(self) -> None:
        self.late_beats = 0
        self._beats: dict[Beat, None] = {}  # ordered; a list would be searched at every beat
        self._task: asyncio.Task[None] | None = None

    def subscribe(self, beat: Beat) -> None:
        """Idempotent. The first beat comes as soon as the loop is free."""
        self._beats.setdefault(beat)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="ticker")

    def unsubscribe(self, beat: Beat) -> None:
        """Idempotent. No beat comes after this returns."""
        self._beats.pop(beat, None)

    async def close(self) -> None:
        """Idempotent. Drops all subscribers and waits for the beat in hand."""
        self._beats.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while self._beats:
            now = loop.time()
            if now - due > MAX_LAG_S:
                self.late_beats += 1
                due = now
            self._beat(now)
            due += PACKET_S
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _beat(self, now: float) -> None:
        for beat in list(self._beats):
            if beat not in self._beats:
                continue  # unsubscribed by one before it
            try:
                beat(now)
            except Exception:
                logger.exception("a room's beat failed; it gets no more")
                self.unsubscribe(beat)
