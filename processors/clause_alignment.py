"""Which pause of a voice is the end of which clause of its text. Pure.

Voices pause between clauses, though not after each, and sometimes within one. Of all ways to lay
clause ends on pauses, in order, the one is taken that speaks at the steadiest rate.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

SLACK_S: Final = 0.15  # the standard deviation of a clause's length, however short
SLACK_PER_ROOT_S: Final = 0.14  # and what the root of its length in seconds adds
UNPAUSED: Final = 0.5  # the cost of a clause end without a pause
UNWRITTEN: Final = 1.0  # and of a pause without a clause end
FARTHEST_S: Final = 3.0  # from where a steady voice would have paused
LOOK_BACK: Final = 6  # clause ends, and pauses, between two that belong together

_Node = tuple[int, int]  # clause end, pause


def align(
    ends: Sequence[float], pauses: Sequence[float], length: float
) -> list[tuple[float, float]]:
    """Pairs (pause, clause end), both rising, of those that belong together.

    `ends` are where clauses end, in seconds of a steady voice that says the whole text in
    `length` seconds; `pauses` are where the real voice, which takes as long, did pause.
    """
    written, spoken = [0.0, *ends, length], [0.0, *pauses, length]
    last = len(written) - 1, len(spoken) - 1
    costs: dict[_Node, float] = {(0, 0): 0.0}
    before: dict[_Node, _Node] = {}
    for node in [*_candidates(written, spoken), last]:
        known = costs if node == last else _shortly_before(node, costs)
        ways = [(costs[one] + _cost(one, node, written, spoken), one) for one in known]
        if ways:
            costs[node], before[node] = min(ways)
    path = [last]
    while path[-1] in before:
        path.append(before[path[-1]])
    return [(spoken[pause], written[end]) for end, pause in reversed(path[1:-1])]


def _candidates(written: Sequence[float], spoken: Sequence[float]) -> Iterator[_Node]:
    """What may belong together, ordered by clause end."""
    for end in range(1, len(written) - 1):
        low = bisect_left(spoken, written[end] - FARTHEST_S, 1, len(spoken) - 1)
        high = bisect_right(spoken, written[end] + FARTHEST_S, 1, len(spoken) - 1)
        yield from ((end, pause) for pause in range(low, high))


def _shortly_before(node: _Node, costs: Mapping[_Node, float]) -> Iterator[_Node]:
    for end in range(max(0, node[0] - LOOK_BACK), node[0]):
        for pause in range(max(0, node[1] - LOOK_BACK), node[1]):
            if (end, pause) in costs:
                yield end, pause


def _cost(one: _Node, other: _Node, written: Sequence[float], spoken: Sequence[float]) -> float:
    """Of speaking from one to the other without a clause end on a pause in between."""
    real_s = spoken[other[1]] - spoken[one[1]]
    steady_s = written[other[0]] - written[one[0]]
    slack = SLACK_S**2 + SLACK_PER_ROOT_S**2 * real_s
    skipped = UNPAUSED * (other[0] - one[0] - 1) + UNWRITTEN * (other[1] - one[1] - 1)
    return (steady_s - real_s) ** 2 / slack + skipped
