"""When a page comes back, and how often it tries (grace.js)."""

import pytest

from tests.web.conftest import Modules

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NOW = 1_000_000


async def test_pauses_grow_up_to_a_limit(modules: Modules) -> None:
    longest = [await modules.call("grace.js", "pauseMs", tries, 1) for tries in range(1, 8)]
    assert longest == [1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000]


async def test_pauses_are_drawn_by_lot(modules: Modules) -> None:
    shortest = [await modules.call("grace.js", "pauseMs", tries, 0) for tries in (1, 2, 9)]
    assert shortest == [500, 1_000, 4_000]


@pytest.mark.parametrize(("tries", "again"), [(1, True), (2, True), (3, False), (4, False)])
async def test_a_first_join_is_tried_three_times(modules: Modules, tries: int, again: bool) -> None:
    assert await modules.call("grace.js", "mayTryAgain", tries, None, NOW) is again


@pytest.mark.parametrize(("away_ms", "again"), [(0, True), (59_999, True), (60_000, False)])
async def test_a_lost_connection_is_sought_for_the_grace_time(
    modules: Modules, away_ms: int, again: bool
) -> None:
    assert await modules.call("grace.js", "mayTryAgain", 99, NOW - away_ms, NOW) is again


@pytest.mark.parametrize(
    ("peer", "away_ms", "back"),
    [
        ("p", 0, True),
        ("p", 59_999, True),
        ("p", 60_000, False),
        ("p", -1, False),  # somebody set the clock back
        (None, 0, False),
    ],
)
async def test_who_was_there_a_moment_ago_comes_back_by_itself(
    modules: Modules, peer: str | None, away_ms: int, back: bool
) -> None:
    place = {"sessionId": "s", "token": "t", "peer": peer, "seenAt": NOW - away_ms}
    assert await modules.call("grace.js", "comesBackByItself", place, NOW) is back


async def test_who_was_nowhere_does_not(modules: Modules) -> None:
    assert await modules.call("grace.js", "comesBackByItself", None, NOW) is False
