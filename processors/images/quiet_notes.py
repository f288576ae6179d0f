"""What the Live model is to know and need not answer, held back until nobody speaks. Pure: time is
an argument."""

from dataclasses import dataclass
from typing import Final

QUIET_S: Final = 0.4
MAX_WAIT_S: Final = 60.0  # a room that is never quiet: later it would only confuse


@dataclass(slots=True)
class QuietNotes:
    """The newest note replaces one that waits: only what is current now counts."""

    dropped: int = 0
    _note: str | None = None
    _noted_at: float = 0.0
    _user_speaks: bool = False
    _model_speaks: bool = False
    _quiet_since: float = float("-inf")

    def note(self, text: str, now: float) -> None:
        self.dropped += self._note is not None
        self._note, self._noted_at = text, now

    def user(self, speaks: bool, now: float) -> None:
        self._user_speaks = speaks
        self._quiet_since = now

    def model(self, speaks: bool, now: float) -> None:
        self._model_speaks = speaks
        self._quiet_since = now

    def due(self, now: float) -> str | None:
        """Call it some times a second; what it returns is to be told now."""
        if self._note is None:
            return None
        if now - self._noted_at > MAX_WAIT_S:
            self._note = None
            self.dropped += 1
            return None
        if self._user_speaks or self._model_speaks or now - self._quiet_since < QUIET_S:
            return None
        note, self._note = self._note, None
        return note
