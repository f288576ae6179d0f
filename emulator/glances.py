"""Pictures that are looked at only when somebody asks what they show; pure.

A picture arrives every second in every session, and few are ever spoken of: decoding them all
would cost a busy emulator its time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from emulator.minds import EyeLike

# Movement is told from the two latest.
PICTURES_KEPT: Final = 2


class Glances:
    """Keeps the latest pictures, and opens fresh eyes to describe them."""

    def __init__(self, new_eyes: Callable[[], EyeLike]) -> None:
        self._new_eyes = new_eyes
        self._pictures: deque[tuple[bytes, float]] = deque(maxlen=PICTURES_KEPT)

    def look(self, image: bytes, now: float) -> None:
        """Keep one encoded picture, seen at `now` seconds."""
        self._pictures.append((image, now))

    def describe(self) -> str:
        """What the latest pictures show; empty when there are none."""
        eyes = self._new_eyes()
        for image, seen_at in self._pictures:
            eyes.look(image, seen_at)
        return eyes.describe()
