"""Places at the image model's: who waits for one, and is told how many are before."""

import asyncio
from collections.abc import Callable

from processors.errors import ToolError
from processors.images.queueing import FairQueue, QueueCounters, QueueFull


class Place:
    """From `Places.enter` on it waits, or has been admitted; `leave` in any case."""

    def __init__(self, places: "Places", ticket: str, on_move: Callable[[int], None]) -> None:
        self.position = 0
        self._places = places
        self._ticket = ticket
        self._on_move = on_move
        self._admitted = asyncio.Event()

    @property
    def admitted(self) -> bool:
        return self._admitted.is_set()

    async def wait(self) -> None:
        await self._admitted.wait()

    def leave(self) -> None:
        """Idempotent."""
        self._places.leave(self._ticket)

    def admit(self) -> None:
        self.position = 0
        self._admitted.set()

    def move_to(self, position: int) -> None:
        if position != self.position:
            self.position = position
            self._on_move(position)


class Places:
    """Of all rooms together; one for the service."""

    def __init__(self, total: int) -> None:
        self._queue = FairQueue(total)
        self._places: dict[str, Place] = {}

    @property
    def counters(self) -> QueueCounters:
        return self._queue.counters

    def enter(
        self, ticket: str, room: str, who: str, limit: int, on_move: Callable[[int], None]
    ) -> Place:
        """`limit` of this room at a time. `on_move` is told how many are before it, as that changes
        (first when it must wait). Raises `ToolError` when too many wait."""
        try:
            self._queue.enter(ticket, room, who, limit)
        except QueueFull:
            raise ToolError("Too many pictures are waiting to be made. Try again later.") from None
        place = self._places[ticket] = Place(self, ticket, on_move)
        self._go_on()
        return place

    def leave(self, ticket: str) -> None:
        if self._places.pop(ticket, None) is not None:
            self._queue.leave(ticket)
            self._go_on()

    def _go_on(self) -> None:
        for ticket in self._queue.admit():
            self._places[ticket].admit()
        for ticket, place in [*self._places.items()]:
            if not place.admitted:
                place.move_to(self._queue.position(ticket))
