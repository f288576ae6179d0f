"""A room whose time is used up, before a Gemini that never answers."""

import asyncio
import time
from typing import Any

import pytest

from pipeline.lifecycle import RoomState
from pipeline.metrics import tally
from pipeline.room_settings import RoomSettings
from processors.billing import budget
from processors.frames import ToolCall, ToolCallFrame, TurnCompleteFrame
from processors.tools import tool
from tests.pipeline.in_process import until
from tests.pipeline.room_clients import (
    LINK_READY,
    clients,
    hears,
    join,
    live_room,
    say_ready,
    write,
)
from tests.transports.peers import Client

SPENT = "This conversation has used up its time, and ends."
SHORT = RoomSettings.model_validate({"budget": {"maxMinutes": 0.01}})  # the least there is


async def of_budget(client: Client) -> dict[str, Any]:
    """The next message about it; how the link stands is told, too."""
    while True:
        data: dict[str, Any] = (await hears(client, "server-message"))["data"]
        if data["type"] == "budget":
            return data


async def test_time_that_is_used_up_ends_the_room_and_says_so() -> None:
    async with live_room(SHORT) as room, clients(2) as (first, late):
        await join(first, room)
        say_ready(first)
        room.on_frame(LINK_READY)
        assert (await of_budget(first))["state"] == "warning"
        spent = await of_budget(first)
        assert spent["state"] == "spent" and spent["sentence"] == SPENT

        await join(late, room)
        say_ready(late)
        assert (await of_budget(late))["state"] == "spent"

        write(first, "hello")
        assert (await hears(first, "error-response"))["data"] == {"error": SPENT}
        for client in (first, late):
            assert (await hears(client, "error"))["data"] == {"error": SPENT, "fatal": True}
            assert (await hears(client, "signalling"))["message"]["type"] == "peerLeft"
        await until(lambda: room.lifecycle.state is RoomState.CLOSED)
        counted = tally(room)
    assert (counted["budget_warnings"], counted["budget_endings"]) == (1, 1)


async def test_a_tool_that_runs_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "QUIET_S", 0.0)
    done = asyncio.Event()

    async def look() -> str:
        """Takes its time."""
        await done.wait()
        return "seen"

    async with live_room(SHORT, tools=[tool(look)]) as room, clients() as (client,):
        await join(client, room)
        say_ready(client)
        room.on_frame(LINK_READY)
        room.parts.input.feed(ToolCallFrame((ToolCall("1", "look", {}),)))
        room.parts.input.feed(TurnCompleteFrame())
        while (await of_budget(client))["state"] != "spent":
            pass
        packets = room.parts.audio_out.counters.packets
        await until(lambda: room.parts.audio_out.counters.packets > packets + 3)
        assert room.lifecycle.state is RoomState.LIVE
        done.set()
        assert (await hears(client, "error"))["data"]["error"] == SPENT


async def test_time_without_peers_does_not_count() -> None:
    async with live_room(SHORT) as room, clients() as (client,):
        await join(client, room)
        await client.connection.close()
        await until(lambda: room.lifecycle.state is RoomState.EMPTY)
        used = room.usage_summary()["budget"]["minutes"]
        emptied = time.monotonic()
        await until(lambda: time.monotonic() > emptied + 0.02)  # which would show in `minutes`
        assert room.usage_summary()["budget"]["minutes"] == used
        assert room.lifecycle.state is RoomState.EMPTY
