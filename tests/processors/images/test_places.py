"""Who waits for a place is told how many are before, and comes in turn."""

import asyncio

import pytest

from processors.errors import ToolError
from processors.images.places import Place, Places
from processors.images.queueing import MAX_WAITING

LIMIT_S = 5.0


async def test_a_place_is_given_when_one_is_left() -> None:
    places = Places(1)
    moves: list[int] = []
    first = places.enter("a", "r", "ada", 2, moves.append)
    assert first.admitted
    second = places.enter("b", "r", "ada", 2, moves.append)
    third = places.enter("c", "r", "ada", 2, moves.append)
    assert not second.admitted
    assert moves == [1, 2]
    waiting = asyncio.create_task(third.wait())
    second.leave()
    second.leave()
    assert moves == [1, 2, 1]
    first.leave()
    async with asyncio.timeout(LIMIT_S):
        await waiting
    assert third.position == 0
    assert places.counters.admitted == 2


async def test_a_room_that_asks_for_too_much_is_told_so() -> None:
    places = Places(1)
    kept: list[Place] = [
        places.enter(str(n), "r", "ada", 1, lambda position: None) for n in range(MAX_WAITING + 1)
    ]
    with pytest.raises(ToolError, match="Too many pictures"):
        places.enter("more", "r", "ada", 1, lambda position: None)
    for place in kept:
        place.leave()
    assert places.enter("again", "r", "ada", 1, lambda position: None).admitted
