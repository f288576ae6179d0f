"""Who comes when, and for how long, in the soak test. Pure and seeded: a run can be repeated."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

STAY_S: Final = (20.0, 120.0)
PAUSE_S: Final = (0.5, 5.0)
SHARES: Final = 0.25  # of the visits: in the room of somebody who is there
VANISHES: Final = 0.1  # of the visits: ends without a goodbye, as when a battery is empty
NO_CAMERA: Final = 0.1  # of the visits


@dataclass(frozen=True, slots=True)
class Visit:
    """`shares`: joins somebody's room, where there is one."""

    stay_s: float
    pause_s: float
    shares: bool
    vanishes: bool
    camera: bool


def visits(seed: int, seat: int) -> Iterator[Visit]:
    """Without end: those of one seat, one after another."""
    rng = random.Random(f"{seed}-{seat}")
    while True:
        yield Visit(
            stay_s=rng.uniform(*STAY_S),
            pause_s=rng.uniform(*PAUSE_S),
            shares=rng.random() < SHARES,
            vanishes=rng.random() < VANISHES,
            camera=rng.random() >= NO_CAMERA,
        )
