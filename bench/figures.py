"""From what happened at which time to figures: which effect belongs to which cause. Pure."""

import math
from collections.abc import Sequence
from typing import Final

MAX_DELAY_S: Final = 1.0  # bursts of speech begin a second apart
PAUSE_S: Final = 0.5  # between two answers


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank: the smallest value that `share` of them do not exceed. 0 of none."""
    if not values:
        return 0.0
    rank = math.ceil(share * len(values) - 1e-9)
    return sorted(values)[max(0, rank - 1)]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the straight line through these points that fits best; 0 where there is none."""
    if len(points) < 2:
        return 0.0
    x_mean = sum(x for x, _ in points) / len(points)
    y_mean = sum(y for _, y in points) / len(points)
    spread = sum((x - x_mean) ** 2 for x, _ in points)
    if not spread:
        return 0.0
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / spread
