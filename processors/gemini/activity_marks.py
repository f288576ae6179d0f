"""Marks where the room's speech begins and ends, for a Gemini told not to find out by itself.

It then hears nothing but what lies between the marks. So the sound just before a start is kept
and sent after the mark, since the room's own detector needs a moment to be sure. Texts wait for
the end of the speech: within it they are not answered, and the session may be closed for them.

Pure.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from processors.gemini.outbox import (
    BYTES_PER_S,
    ActivityEnd,
    ActivityStart,
    Audio,
    AudioEnd,
    Outgoing,
    RealtimeText,
    Turns,
)

PRE_ROLL_S: Final = 0.32
MAX_HELD: Final = 32  # texts; one more ends the activity, and none is lost


@dataclass(slots=True)
class ActivityMarks:
    """`started` and `ended` when the room's speech does, `passed` for all that is to be sent.

    Each returns what to send instead, in order.
    """

    speaking: bool = False
    _pre_roll: deque[Audio] = field(default_factory=deque)
    _pre_roll_bytes: int = 0
    _held: list[Outgoing] = field(default_factory=list)

    def started(self) -> list[Outgoing]:
        if self.speaking:
            return []
        self.speaking = True
        kept = list(self._pre_roll)
        self._pre_roll.clear()
        self._pre_roll_bytes = 0
        return [ActivityStart(), *kept]

    def ended(self) -> list[Outgoing]:
        if not self.speaking:
            return []
        self.speaking = False
        held, self._held = self._held, []
        return [ActivityEnd(), *held]

    def passed(self, item: Outgoing) -> list[Outgoing]:
        match item:
            case AudioEnd():  # belongs to Gemini's own detection, and is an error without it
                return self.ended()
            case Audio() if not self.speaking:
                self._keep(item)
                return []
            case RealtimeText() | Turns() if self.speaking:
                self._held.append(item)
                return self.ended() if len(self._held) > MAX_HELD else []
            case _:
                return [item]

    def _keep(self, item: Audio) -> None:
        self._pre_roll.append(item)
        self._pre_roll_bytes += len(item.pcm)
        while self._pre_roll_bytes > PRE_ROLL_S * BYTES_PER_S:
            self._pre_roll_bytes -= len(self._pre_roll.popleft().pcm)
