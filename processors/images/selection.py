"""Which image is current, and which were before: like the history of a browser. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

MAX_STEPS: Final = 1000


@dataclass(slots=True)
class Selection:
    """`past` and `future` hold what `back` and `forward` lead to, the nearest last."""

    current: str | None = None
    past: list[str] = field(default_factory=list)
    future: list[str] = field(default_factory=list)

    def go(self, image_id: str) -> bool:
        """To another image: what was undone cannot be redone any more. False: it is there."""
        if image_id == self.current:
            return False
        if self.current is not None:
            self.past.append(self.current)
            del self.past[:-MAX_STEPS]
        self.current = image_id
        self.future.clear()
        return True

    def back(self) -> str:
        """Raises `IndexError` when there is nothing before."""
        return self._step(self.past, self.future)

    def forward(self) -> str:
        """Raises `IndexError` when nothing was undone."""
        return self._step(self.future, self.past)

    def _step(self, source: list[str], target: list[str]) -> str:
        to = source.pop()
        if self.current is not None:
            target.append(self.current)
        self.current = to
        return to

    def forget(self, image_id: str, otherwise: str | None) -> None:
        """It does not exist any more. If it was current, that is what was before, else
        `otherwise`."""
        was_current = self.current == image_id
        self.past = _without_repeats(one for one in self.past if one != image_id)
        self.future = _without_repeats(one for one in self.future if one != image_id)
        if was_current:
            self.current = self.past.pop() if self.past else otherwise
        self._drop_steps_to_itself()

    def _drop_steps_to_itself(self) -> None:
        """A step must lead somewhere else."""
        for steps in (self.past, self.future):
            while steps and steps[-1] == self.current:
                steps.pop()


def _without_repeats(steps: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for step in steps:
        if not kept or kept[-1] != step:
            kept.append(step)
    return kept
