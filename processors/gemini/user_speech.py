"""Whether the people in the room speak: by the local detectors, until Gemini says so itself.

Not every Gemini does. One that has spoken of it once is believed from then on, as long as the
connection lasts. Pure.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class UserSpeech:
    """Each method returns what is news: True when speech began, False when it ended, else None."""

    speaking: bool = False
    _local: bool = False
    _gemini: bool | None = None

    def heard_here(self, speaking: bool) -> bool | None:
        self._local = speaking
        return self._news()

    def heard_by_gemini(self, speaking: bool) -> bool | None:
        self._gemini = speaking
        return self._news()

    def disconnected(self) -> bool | None:
        self._gemini = None
        return self._news()

    def _news(self) -> bool | None:
        before = self.speaking
        self.speaking = self._local if self._gemini is None else self._gemini
        return None if self.speaking == before else self.speaking
