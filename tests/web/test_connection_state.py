"""The life of a call (connection_state.js)."""

import pytest

from tests.web.conftest import Modules

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ARROWS = {
    ("idle", "join"): "connecting",
    ("connecting", "ready"): "connected",
    ("connecting", "give_up"): "failed",
    ("connecting", "end"): "closed",
    ("connected", "lose"): "reconnecting",
    ("connected", "give_up"): "failed",
    ("connected", "end"): "closed",
    ("reconnecting", "ready"): "connected",
    ("reconnecting", "give_up"): "failed",
    ("reconnecting", "end"): "closed",
    ("closed", "join"): "connecting",
    ("failed", "join"): "connecting",
    ("failed", "end"): "closed",
}
STATES = ["idle", "connecting", "connected", "reconnecting", "closed", "failed"]
EVENTS = ["join", "ready", "lose", "give_up", "end", "toString"]


async def test_every_state_is_named(modules: Modules) -> None:
    states = await modules.value("connection_state.js", "State")
    assert sorted(states.values()) == sorted(STATES)


@pytest.mark.parametrize("state", [*STATES, "elsewhere"])
@pytest.mark.parametrize("event", EVENTS)
async def test_each_arrow_and_no_other(modules: Modules, state: str, event: str) -> None:
    expected = ARROWS.get((state, event))
    if expected is None:
        assert await modules.raises("connection_state.js", "next", state, event) == "RangeError"
    else:
        assert await modules.call("connection_state.js", "next", state, event) == expected


@pytest.mark.parametrize("state", STATES)
async def test_what_is_under_way(modules: Modules, state: str) -> None:
    under_way = state in {"connecting", "connected", "reconnecting"}
    assert await modules.call("connection_state.js", "isUnderWay", state) is under_way
