"""A room that was told to speak first."""

from pathlib import Path

import pytest

from tests.browser.processes import emulator, service
from tests.talking_peer import talking_peer

pytestmark = pytest.mark.realtime


async def test_the_model_speaks_first_and_only_once(tmp_path: Path) -> None:
    async with emulator(tmp_path) as gemini, service(gemini.environment) as running:
        async with talking_peer(running.url) as first, talking_peer(running.url) as second:
            await first.join({"greeting": "hello"})
            await first.transcribed("model", "I am the emulator")
            await second.join(sessionId=first.session_id, token=first.token)
            second.write("thank you")
            asked = await second.transcribed("user", "thank you")
            await second.transcribed("model", "", after=asked)
            (session,) = await gemini.sessions()
            state = await first.get()
    assert session["texts"] == ["hello", "thank you"]
    roles = [(entry["role"], entry["parts"]) for entry in state["history"]]
    assert roles[0][0] == "model", "nobody said the greeting"
    assert ("user", [{"text": "hello"}]) not in roles
