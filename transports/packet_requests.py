"""When to ask a sender for packets that are missing, and when to give them up. Pure."""

from dataclasses import dataclass
from typing import Final

NACK_AFTER_S: Final = 0.02  # a reordered packet is usually only milliseconds late
NACK_REPEAT_S: Final = 0.1
GAP_LIMIT_S: Final = 1.0


@dataclass(slots=True)
class PacketRequests:
    """The NACKs for one stream. `note` after each packet whether one is missing before it."""

    _due_at: float = 0.0
    _gap_at: float | None = None

    def begin(self, now: float) -> None:
        """Nothing is missing yet."""
        self._due_at = now + NACK_AFTER_S
        self._gap_at = None

    def note(self, gap: bool, now: float) -> None:
        if not gap:
            self._gap_at = None
        elif self._gap_at is None:
            self._gap_at = now
            self._due_at = max(self._due_at, now + NACK_AFTER_S)

    @property
    def gap(self) -> bool:
        return self._gap_at is not None

    def due(self, now: float) -> bool:
        return now >= self._due_at

    def sent(self, now: float) -> None:
        self._due_at = now + NACK_REPEAT_S

    def hopeless(self, now: float) -> bool:
        """A gap has been open for too long."""
        return self._gap_at is not None and now >= self._gap_at + GAP_LIMIT_S

    def next_at(self, now: float) -> float:
        """When to look again; never at once, since nothing may be missing."""
        return max(self._due_at, now + NACK_AFTER_S)

    def gap_deadline(self, now: float) -> float | None:
        """The same while a gap is open; None when there is none."""
        if self._gap_at is None:
            return None
        return min(self.next_at(now), self._gap_at + GAP_LIMIT_S)
