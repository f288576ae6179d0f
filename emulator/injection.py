"""Does to a session what its plan of faults says. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from emulator import server_messages as messages
from emulator.closes import QUOTA
from emulator.effects import SendRaw, SlowPong, SlowRead
from emulator.faults import Fault, Kind
from emulator.floor import Floor
from emulator.scene import Scene

# Frames that are no message, by the `how` of the fault.
GARBAGE: Final[Mapping[str, str | bytes]] = MappingProxyType(
    {
        "text": '{"serverContent": {"modelTurn": ',
        "bytes": b"\xff\xfe\x00garbage",
        "list": b"[1, 2, 3]",
        "unknown": b'{"unknownMessage": {}}',
        "empty": b"",
    }
)
# Blanks behind it are JSON too.
EMPTY_MESSAGE: Final = b'{"serverContent":{}}'


class Injector:
    """One session's faults at work. Call `inject` before and after everything that happens."""

    def __init__(self, scene: Scene, floor: Floor) -> None:
        self._plan = scene.plan
        self._memory = scene.memory
        self._out = scene.out
        self._offers = scene.offers
        self._lifetime = scene.lifetime
        self._go_away_left_s = scene.options.limits.go_away_left_s
        self._floor = floor

    def deadline(self) -> float | None:
        """When `inject` will have something to do."""
        return self._plan.deadline()

    def inject(self, now: float) -> None:
        """Everything that is due; nothing happens to a session that is over."""
        if not self._out.closed:
            for fault in self._plan.due(now):
                self._do(fault, now)

    def _do(self, fault: Fault, now: float) -> None:
        match fault.kind:
            case Kind.GO_AWAY:
                left_s = self._go_away_left_s if fault.seconds is None else fault.seconds
                self._out.send(messages.go_away(self._lifetime.announce(left_s, now)))
            case Kind.CLOSE:
                self._out.close(fault.close)
            case Kind.QUOTA:
                self._out.close(QUOTA)
            case Kind.DROP:
                self._out.drop()
            case Kind.POISON:
                self._memory.poisoned = True
            case Kind.STALL:
                self._floor.stall(now + (math.inf if fault.seconds is None else fault.seconds))
            case Kind.MUTE:
                self._floor.mute()
            case Kind.SLOW_PONG:
                self._out.want(SlowPong(fault.seconds or 0.0))
            case Kind.SLOW_READ:
                self._out.want(SlowRead(fault.size))
            case Kind.GARBAGE:
                self._out.want(SendRaw(GARBAGE[fault.how]))
            case Kind.BIG_FRAME:
                self._out.want(SendRaw(EMPTY_MESSAGE.ljust(fault.size)))
            case Kind.NO_HANDLES:
                self._offers.stop()
            case _:  # pragma: no cover  # the plan gives none that waits or belongs to a setup
                raise AssertionError(fault.kind)
