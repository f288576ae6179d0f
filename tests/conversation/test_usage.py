"""Each turn has its own tokens, wherever a model reports them."""

from pathlib import Path
from typing import Any

import pytest

from tests.browser.processes import emulator, service
from tests.talking_peer import talking_peer

pytestmark = pytest.mark.realtime

AT_THE_END, BEFORE_THE_OUTPUT = "gemini-3.8-live", "gemini-3.1-flash-live-preview"


def of_turn(number: int) -> Any:
    return lambda d: d["type"] == "usage" and d["turn"] == number


@pytest.mark.parametrize("model", [AT_THE_END, BEFORE_THE_OUTPUT])
async def test_each_turn_is_billed_as_itself(tmp_path: Path, model: str) -> None:
    async with (
        emulator(tmp_path) as gemini,
        service(gemini.environment) as running,
        talking_peer(running.url) as peer,
    ):
        await peer.join({"model": model})
        for number, words in enumerate(("hello", "thank you", "goodbye"), start=1):
            peer.write(words)
            billed = await peer.told("server-message", of_turn(number))
            message = peer.messages[billed - 1]["data"]
            assert set(message["models"]) == {model} and message["usd"] > 0
        usage = (await peer.get())["usage"]
    turns = usage["turns"]
    assert [turn["turn"] for turn in turns] == [1, 2, 3]
    prompts = [turn["tokens"]["promptTokenCount"] for turn in turns]
    assert prompts == sorted(set(prompts)), "the whole context is billed at every turn"
    assert sum(prompts) == usage["tokens"]["promptTokenCount"]
    told = [
        entry["prompt_tokens"]
        for message in peer.messages
        if message["type"] == "metrics"
        for entry in message["data"].get("tokens", [])
    ]
    assert told == prompts
    assert ("responseTokenCount" in usage["tokens"]) is (model == AT_THE_END)
