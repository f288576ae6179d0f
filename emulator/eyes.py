"""The emulator's eyes: what a picture shows, in a sentence or two that can be spoken.

Pure: Pillow and numpy. They tell size, brightness, main colours by area, and movement between the
two latest pictures: enough that a wrong, frozen, dark or mirrored video shows in the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emulator.colours import shares
from emulator.pictures import PictureError, open_untrusted, size_untrusted

LOOKED_AT_SIDE: Final = 96
BRIGHTNESS: Final = (
    (0.08, "almost black"),
    (0.28, "dark"),
    (0.48, "rather dim"),
    (0.72, "well lit"),
    (1.01, "very bright"),
)
MAIN_SHARE: Final = 0.45
# Less than a thirteenth, so that of the thirteen names one is always mentioned.
MENTIONED_SHARE: Final = 0.07
MAX_MENTIONED: Final = 3
GRID: Final = (24, 32)
LUMA: Final = np.array((0.299, 0.587, 0.114))  # ITU-R BT.601
MOVED_LEVEL: Final = 0.055
MOVED_SHARE: Final = 0.01
EVERYWHERE_SHARE: Final = 0.5
OLD_S: Final = 5.0


@dataclass(frozen=True)
class _View:
    width: int
    height: int
    pixels: NDArray[np.uint8]
    grid: NDArray[np.float64]
    seen_at: float


class Eyes:
    """Remembers the two latest pictures. `unreadable` counts what was no picture."""

    def __init__(self) -> None:
        self._latest: _View | None = None
        self._before: _View | None = None
        self.unreadable = 0

    def look(self, image: bytes, now: float) -> None:
        """Take in one encoded picture at `now` seconds; what is no picture changes nothing."""
        try:
            width, height = size_untrusted(image)
            small = open_untrusted(image, longest_side=LOOKED_AT_SIDE)
        except PictureError:
            self.unreadable += 1
            return
        coarse = small.convert("RGB").resize((GRID[1], GRID[0]))
        grid = np.asarray(coarse, dtype=np.float64) / 255.0
        self._before = self._latest
        self._latest = _View(width, height, np.asarray(small), grid, now)

    def describe(self) -> str:
        """One or two sentences to speak; '' before the first picture."""
        if self._latest is None:
            return ""
        view = self._latest
        sentence = (
            f"I see a picture, {view.width} by {view.height}, {_brightness(view)}, "
            f"{_colours(view)}."
        )
        movement = _movement(self._before, view)
        return f"{sentence} {movement}" if movement else sentence


def _brightness(view: _View) -> str:
    level = float((view.grid @ LUMA).mean())
    return next(word for limit, word in BRIGHTNESS if level < limit)


def _colours(view: _View) -> str:
    ranked = shares(view.pixels)
    names = [name for name, share in ranked if share >= MENTIONED_SHARE][:MAX_MENTIONED]
    if ranked[0][1] < MAIN_SHARE:
        return join_words(names)
    rest = names[1:]
    return f"mostly {names[0]}" + (f", with some {join_words(rest)}" if rest else "")


def _movement(before: _View | None, view: _View) -> str:
    if before is None:
        return ""
    # By colour, not by brightness: a red ball on a brown floor may be no brighter than it.
    moved = np.abs(view.grid - before.grid).max(axis=2) > MOVED_LEVEL
    share = float(moved.mean())
    since = "Since the last one" if view.seen_at - before.seen_at <= OLD_S else "Meanwhile"
    if share < MOVED_SHARE:
        return "Nothing moves."
    if share > EVERYWHERE_SHARE:
        return f"{since}, almost everything changed."
    return f"{since}, something moved {_place(moved)}."


def _place(moved: NDArray[np.bool_]) -> str:
    centre = float(np.nonzero(moved)[1].mean()) / (GRID[1] - 1)
    if centre < 0.4:
        return "on the left"
    return "on the right" if centre > 0.6 else "in the middle"


def join_words(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
