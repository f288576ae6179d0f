"""A connection that breaks in the middle of an answer: the answer goes on after its last words."""

from pathlib import Path

import pytest

from emulator.brain import STORY
from tests.browser.processes import emulator, service
from tests.talking_peer import talking_peer

pytestmark = pytest.mark.realtime

END = STORY.split()[-1]


@pytest.mark.parametrize("handles", ["snapshot", "live"])
async def test_it_goes_on_where_it_broke_off(tmp_path: Path, handles: str) -> None:
    faults = ("--fault", "drop@answer=0.8", "--handles", handles, "--hold", "0.02")
    async with (
        emulator(tmp_path, *faults) as gemini,
        service(gemini.environment) as easel,
        talking_peer(easel.url) as peer,
    ):
        await peer.join()
        peer.write("tell me a story")
        await peer.transcribed("model", END)
        state = await peer.get()
        sessions = await gemini.sessions()
    assert [session["resumed"] for session in sessions] == [False, True]
    said = [line["text"] for line in state["transcript"] if line["role"] == "model"]
    assert len(said) == 2
    assert " ".join(said) == STORY
    asked = [line["text"] for line in state["transcript"] if line["role"] == "user"]
    assert asked == ["tell me a story"]
