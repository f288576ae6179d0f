"""A room with a small budget: it warns, says its last answer to the end, and ends politely."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.browser.processes import emulator, service
from tests.talking_peer import TalkingPeer, talking_peer

pytestmark = pytest.mark.realtime

LIVE = "gemini-3.8-live"
IMAGE = "gemini-nano-banana-2.1"
PRICES = {IMAGE: {"input": {"text": 0.5, "image": 0.5}, "output": {"text": 3, "image": 60}}}
MAX_COST = 0.08  # an image of 1K costs 0.0672
SPENT = "This conversation has used up what it may cost, and ends."


async def drawn(peer: TalkingPeer, wish: str) -> None:
    """Asks for a picture; returns when the model has said that it is there."""
    before = len(peer.messages)
    peer.write(wish)
    await peer.transcribed("model", "Here it is", after=before)
    kinds = [message["type"] for message in peer.messages]
    began = len(kinds) - kinds[::-1].index("bot-started-speaking")
    await peer.told("bot-stopped-speaking", after=began)


def of_budget(state: str) -> Any:
    return lambda d: d["type"] == "budget" and d["state"] == state


async def test_a_budget_warns_and_ends_the_room(tmp_path: Path) -> None:
    async with (
        emulator(tmp_path) as gemini,
        service({**gemini.environment, "EASEL_PRICES": json.dumps(PRICES)}) as running,
        talking_peer(running.url) as peer,
    ):
        await peer.join({"budget": {"maxCost": MAX_COST}})
        peer.write("hello")
        await peer.told("bot-stopped-speaking")
        await drawn(peer, "draw a red circle")
        await peer.told("server-message", of_budget("warning"))
        usage = (await peer.get())["usage"]
        peer.write("draw a blue square")
        spent = await peer.told("server-message", of_budget("spent"))
        peer.write("and now a green triangle")
        refused = await peer.told("error-response", after=spent)
        ended = await peer.told("error", after=spent)
        await peer.told("signalling", after=ended)
        metrics = await metrics_of(running.url)

    assert peer.messages[refused - 1]["data"] == {"error": SPENT}
    assert peer.messages[ended - 1]["data"] == {"error": SPENT, "fatal": True}
    said = [m["data"] for m in peer.messages if m.get("data", {}).get("role") == "model"]
    assert "Here it is." in said[-1]["text"] and not said[-1]["interrupted"]
    kinds = [message["type"] for message in peer.messages[:ended]]
    assert "bot-stopped-speaking" in kinds[spent:], "the picture was spoken of"
    assert kinds.count("bot-started-speaking") == kinds.count("bot-stopped-speaking") >= 3
    assert "bot-interrupted" not in kinds

    first, second, *_ = usage["turns"]
    assert first["turn"] == 1 and set(first["models"]) == {LIVE}
    assert first["tokens"]["promptTokenCount"] > 0 and first["byModality"]["response.AUDIO"] > 0
    assert first["usd"] > 0
    assert set(second["models"]) == {LIVE, IMAGE}
    assert second["models"][IMAGE]["byModality"]["response.IMAGE"] == 1_120
    assert second["models"][IMAGE]["usd"] > 0.067
    assert usage["usd"] == pytest.approx(sum(turn["usd"] for turn in usage["turns"]), abs=1e-5)
    assert usage["budget"]["state"] == "warning" and usage["budget"]["maxCost"] == MAX_COST

    tokens = [
        entry
        for message in peer.messages
        if message["type"] == "metrics"
        for entry in message["data"].get("tokens", [])
    ]
    assert {entry["model"] for entry in tokens} == {LIVE, IMAGE}
    assert "easel_budget_warnings_total 1.0" in metrics
    assert "easel_budget_endings_total 1.0" in metrics
    assert f'direction="response",modality="image",model="{IMAGE}"}} 2240.0' in metrics


async def metrics_of(url: str) -> str:
    async with aiohttp.ClientSession(url) as http, http.get("/metrics") as response:
        return await response.text()
