"""Who may make a picture next: so many at a time, and nobody is kept waiting by one who asks a
lot. Pure."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

MAX_WAITING: Final = 32  # of one room


class QueueFull(RuntimeError):
    """So many of the room wait already. Changes nothing."""


@dataclass(slots=True)
class QueueCounters:
    entered: int = 0
    admitted: int = 0
    refused: int = 0


@dataclass(slots=True)
class _Room:
    """Those who ask, the one whose turn it is first, and what each waits with."""

    asking: "OrderedDict[str, deque[str]]" = field(default_factory=OrderedDict)
    running: set[str] = field(default_factory=set)

    @property
    def waiting(self) -> int:
        return sum(map(len, self.asking.values()))

    def order(self) -> list[str]:
        """As they will be admitted: in turn among those who ask."""
        queues = [list(tickets) for tickets in self.asking.values()]
        longest = max(map(len, queues), default=0)
        rounds = ([queue[n] for queue in queues if n < len(queue)] for n in range(longest))
        return list(chain.from_iterable(rounds))

    def take(self) -> str:
        who, tickets = next(iter(self.asking.items()))
        ticket = tickets.popleft()
        del self.asking[who]
        if tickets:
            self.asking[who] = tickets
        self.running.add(ticket)
        return ticket


@dataclass(slots=True)
class FairQueue:
    """`total` at a time, of one room as many as it says when it enters.

    `admit` after every `enter` and `leave`: in turn among the rooms, within a room among those
    who ask, and for each the oldest wish first.
    """

    total: int
    counters: QueueCounters = field(default_factory=QueueCounters)
    _rooms: "OrderedDict[str, _Room]" = field(default_factory=OrderedDict)
    _limits: dict[str, int] = field(default_factory=dict)
    _room_of: dict[str, str] = field(default_factory=dict)

    def enter(self, ticket: str, room: str, who: str, limit: int) -> None:
        """`limit`: so many of this room at a time, from now on. Raises `QueueFull`."""
        place = self._rooms.setdefault(room, _Room())
        if place.waiting >= MAX_WAITING:
            self.counters.refused += 1
            raise QueueFull(f"{MAX_WAITING} wait")
        self.counters.entered += 1
        self._limits[room] = limit
        self._room_of[ticket] = room
        place.asking.setdefault(who, deque()).append(ticket)

    def admit(self) -> list[str]:
        """Those that begin now."""
        admitted: list[str] = []
        while self._running < self.total and (room := self._next_room()) is not None:
            admitted.append(self._rooms[room].take())
            self._rooms.move_to_end(room)
        self.counters.admitted += len(admitted)
        return admitted

    def leave(self, ticket: str) -> None:
        """It has ended, or does not want to wait any more. Idempotent."""
        room = self._room_of.pop(ticket, None)
        if room is None:
            return
        place = self._rooms[room]
        place.running.discard(ticket)
        for who, tickets in [*place.asking.items()]:
            if ticket in tickets:
                tickets.remove(ticket)
            if not tickets:
                del place.asking[who]
        if not place.asking and not place.running:
            del self._rooms[room], self._limits[room]

    def position(self, ticket: str) -> int:
        """How many of its room are before it, itself included; 0: it runs, or is not here."""
        room = self._room_of.get(ticket)
        order = [] if room is None else self._rooms[room].order()
        return order.index(ticket) + 1 if ticket in order else 0

    @property
    def _running(self) -> int:
        return sum(len(room.running) for room in self._rooms.values())

    def _next_room(self) -> str | None:
        for name, room in self._rooms.items():
            if room.asking and len(room.running) < self._limits[name]:
                return name
        return None
