"""When the next picture may go to the model: never two within `min_gap_s`. Pure.

Pictures come on a grid of their own with some jitter; one that is early is held, and replaced
when a newer one comes before its time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Cadence(Generic[T]):
    """`offer` each picture when it is ready, `take` at `deadline`. Times are monotonic seconds.

    `replaced` counts pictures that never went because a newer one came.
    """

    min_gap_s: float
    replaced: int = 0
    _held: T | None = None
    _next_at: float = float("-inf")

    @property
    def deadline(self) -> float | None:
        """When `take` will give the held picture; None when none is held."""
        return None if self._held is None else self._next_at

    def offer(self, picture: T, now: float) -> T | None:
        """The picture back, if it may go now; else it is held."""
        if self._held is not None:
            self.replaced += 1
        self._held = picture
        return self.take(now)

    def discard(self, unwanted: Callable[[T], bool]) -> None:
        """Forgets the held picture, if it is an unwanted one."""
        if self._held is not None and unwanted(self._held):
            self._held = None

    def take(self, now: float) -> T | None:
        """The held picture, if there is one and its time has come."""
        if self._held is None or now < self._next_at:
            return None
        picture, self._held = self._held, None
        self._next_at = now + self.min_gap_s
        return picture
