"""Function calls that came without an id, as Vertex AI may send them. Pure.

They get an id of our own, which all parts of a room know them by, and which a Vertex AI is not
told: there a result says only which function it is of. So the results of one function have to go
in the order of its calls, however long each took.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from processors.frames import ToolCall
from processors.gemini.outbox import ToolResponse

PREFIX: Final = "easel-"  # Gemini's own begin with "function-call-"
MAX_PENDING: Final = 64  # beyond it the oldest is forgotten: its result goes when it comes


def is_unnamed(call_id: str) -> bool:
    """Whether an id is one of ours."""
    return call_id.startswith(PREFIX)


class UnnamedCalls:
    """Those of one connection. Calls with an id of Gemini's pass it by."""

    def __init__(self) -> None:
        self._pending: deque[tuple[str, str]] = deque(maxlen=MAX_PENDING)  # id and name
        self._early: dict[str, ToolResponse] = {}

    def called(self, calls: Iterable[ToolCall]) -> None:
        for call in calls:
            if is_unnamed(call.id):
                self._pending.append((call.id, call.name))

    def answered(self, result: ToolResponse) -> list[ToolResponse]:
        """What may go now: nothing, while an earlier call of the function has no result."""
        if (result.call_id, result.name) not in self._pending:
            return [result]
        self._early[result.call_id] = result
        ready: list[ToolResponse] = []
        for call in [call for call in self._pending if call[1] == result.name]:
            if call[0] not in self._early:
                break
            ready.append(self._early.pop(call[0]))
            self._pending.remove(call)
        return ready

    def cancelled(self) -> tuple[str, ...]:
        """All that have no result, and no longer need one: Gemini cancelled without ids."""
        ids = tuple(call_id for call_id, _ in self._pending if call_id not in self._early)
        self._pending.clear()
        self._early.clear()
        return ids
