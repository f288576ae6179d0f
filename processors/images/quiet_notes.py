"""What the Live model is to know and need not answer, held back until nobody speaks. Pure: time is
an argument."""

from dataclasses import dataclass, field
from typing import Final

QUIET_S: Final = 0.4
MAX_WAIT_S: Final = 60.0  # in a room that is never quiet: later it would only confuse
CURRENT: Final = "current"


@dataclass(slots=True)
class QuietNotes:
    """The newest note about a thing replaces one that waits. Which image is current is true however
    late it is told."""

    dropped: int = 0
    _notes: dict[str, tuple[str, float]] = field(default_factory=dict)
    _user_speaks: bool = False
    _model_speaks: bool = False
    _quiet_since: float = float("-inf")

    def note(self, text: str, now: float, about: str = CURRENT) -> None:
        """There are few things that it can be about."""
        self.dropped += self._notes.pop(about, None) is not None
        self._notes[about] = (text, now)

    def user(self, speaks: bool, now: float) -> None:
        self._user_speaks = speaks
        self._quiet_since = now

    def model(self, speaks: bool, now: float) -> None:
        self._model_speaks = speaks
        self._quiet_since = now

    def due(self, now: float) -> str | None:
        """Call it some times a second; what it returns is to be told now."""
        for about, (_, noted_at) in list(self._notes.items()):
            if now - noted_at > MAX_WAIT_S and about != CURRENT:
                del self._notes[about]
                self.dropped += 1
        if not self._notes:
            return None
        if self._user_speaks or self._model_speaks or now - self._quiet_since < QUIET_S:
            return None
        told = "\n".join(text for text, _ in self._notes.values())
        self._notes.clear()
        return told
