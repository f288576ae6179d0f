"""From what happened at which time to figures: which effect belongs to which cause. Pure."""

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

MAX_DELAY_S: Final = 1.0  # from a cut to what is heard after it
HEARD_BEFORE_S: Final = 0.2
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


def delays_ms(
    causes: Sequence[tuple[float, int]], effects: Sequence[tuple[float, int]], limit_s: float
) -> list[float]:
    """From each effect back to the latest cause before it with the same name.

    An effect without one, or whose cause is longer ago than `limit_s`, is left out.
    """
    found = []
    for at, name in effects:
        earlier = [cause for cause, named in causes if named == name and 0 <= at - cause < limit_s]
        if earlier:
            found.append(1000 * (at - max(earlier)))
    return found


def first_of_bursts(times: Sequence[float]) -> list[float]:
    """The times before which nothing happened for `PAUSE_S`."""
    before = [-math.inf, *times]
    return [at for last, at in zip(before, times, strict=False) if at - last > PAUSE_S]


def silences_ms(cuts: Sequence[float], audible: Sequence[float]) -> list[float]:
    """From each cut to the last packet heard after it; 0 when there was none.

    A cut of something that was not being heard is left out.
    """
    found = []
    for cut in cuts:
        if any(-HEARD_BEFORE_S < at - cut < 0 for at in audible):
            after = [at - cut for at in audible if 0 <= at - cut < MAX_DELAY_S]
            found.append(1000 * max(after, default=0.0))
    return found


def gaps(times: Sequence[float]) -> list[float]:
    return [later - earlier for earlier, later in zip(times, times[1:], strict=False)]


def rounded(figures: Mapping[str, float], digits: int = 3) -> dict[str, float]:
    return {name: round(value, digits) for name, value in figures.items()}


def medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of each figure over the runs that have it; of one that is the least of its run, the least."""
    names = dict.fromkeys(name for run in runs for name in run)
    found = {name: [run[name] for run in runs if name in run] for name in names}
    return {
        name: min(values) if name.endswith(" least") else median(values)
        for name, values in found.items()
    }
