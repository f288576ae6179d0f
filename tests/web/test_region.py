"""Pointing at a part of a picture."""

from typing import Any

import pytest

from tests.web.conftest import Modules

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

BOX = {"box": {"x": 0.2, "y": 0.1, "width": 0.5, "height": 0.3}}


async def test_a_box_from_any_corner_within_the_picture(modules: Modules) -> None:
    for start, end in (([0.2, 0.1], [0.7, 0.4]), ([0.7, 0.4], [0.2, 0.1])):
        assert await modules.call("region.js", "boxBetween", start, end) == BOX
    beyond = await modules.call("region.js", "boxBetween", [-1, 0.5], [0.5, 2])
    assert beyond == {"box": {"x": 0, "y": 0.5, "width": 0.5, "height": 0.5}}
    assert await modules.call("region.js", "boxBetween", [0.5, 0.5], [0.505, 0.9]) is None


async def test_a_line_keeps_its_ends_and_is_bounded(modules: Modules) -> None:
    points = [[n / 1000, 0.5] for n in range(1001)]
    line = await modules.call("region.js", "strokeThrough", points)
    kept = line["stroke"]["points"]
    assert len(kept) <= 242
    assert (kept[0], kept[-1]) == ([0, 0.5], [1, 0.5])
    assert await modules.call("region.js", "strokeThrough", [[0.5, 0.5], [0.501, 0.5]]) is None


async def test_in_a_mirror_left_is_right(modules: Modules) -> None:
    assert (await modules.call("region.js", "mirrored", BOX))["box"]["x"] == 0.3
    line = {"stroke": {"points": [[0.1, 0.2], [0.4, 0.2]], "width": 0.03}}
    found = await modules.call("region.js", "mirrored", line)
    assert found["stroke"]["points"] == [[0.9, 0.2], [0.6, 0.2]]
    assert await modules.call("region.js", "pathOf", BOX) == "M0.2 0.1h0.5v0.3h-0.5z"
    assert await modules.call("region.js", "pathOf", line) == "M0.1 0.2L0.4 0.2"


@pytest.mark.parametrize(
    ("data", "known"),
    [
        ({"target": "a", "region": BOX, "peer": "p"}, True), ({"target": None}, False),
        ({"target": "a", "region": {"box": {"x": "1"}}}, False), ({"target": "a"}, False),
        ({"target": "a", "region": {"stroke": {"points": [[0, 2]]}}}, False),
        ({"target": "a", "region": {"stroke": {"points": [[0, 1], [1, 1]]}}}, True),
        ({"target": "a", "region": {"stroke": {"points": "x"}}}, False),
    ],
)  # fmt: skip
async def test_what_the_service_says_is_looked_at(
    modules: Modules, data: dict[str, Any], known: bool
) -> None:
    assert (await modules.call("region.js", "markFrom", data) is not None) is known
