"""Why, and until when, a connection to Gemini is to be left. Pure.

Several may wish it at once, and each may think better of it: a connection that was told to go is
left even when the person came back for whose absence it was to be left, too.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

HANDLE_WAIT_S: Final = 1.0  # a quiet moment is used when its handle has come, or after this


class Purpose(Enum):
    """Why a connection is drained."""

    ROTATE = "the server asked for it"
    AGE = "it is old"
    RENEW = "the settings changed"
    REST = "nobody is here"


@dataclass(slots=True)
class Departure:
    """`wish` and `withdraw`; the nearest end counts. Times are monotonic seconds."""

    _ends: dict[Purpose, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anybody wishes it."""
        return bool(self._ends)

    @property
    def purpose(self) -> Purpose | None:
        """Of the nearest end."""
        return min(self._ends, key=self._ends.__getitem__, default=None)

    @property
    def leave_by(self) -> float | None:
        return min(self._ends.values(), default=None)

    def wish(self, purpose: Purpose, leave_by: float) -> None:
        """What was decided before is not put off."""
        self._ends[purpose] = min(leave_by, self._ends.get(purpose, leave_by))

    def withdraw(self, purpose: Purpose) -> None:
        self._ends.pop(purpose, None)

    def clear(self) -> None:
        self._ends.clear()

    def due(self, quiet_since: float | None) -> float | None:
        """When `is_time` may change its mind, if nothing happens meanwhile. None: never."""
        leave_by = self.leave_by
        if leave_by is None or quiet_since is None:
            return leave_by
        return min(leave_by, quiet_since + HANDLE_WAIT_S)

    def is_time(self, now: float, *, quiet_since: float | None, covered: bool) -> bool:
        """Parameters as for `Link.leaves`."""
        leave_by = self.leave_by
        if leave_by is None:
            return False
        if now >= leave_by:
            return True
        return quiet_since is not None and (covered or now >= quiet_since + HANDLE_WAIT_S)
