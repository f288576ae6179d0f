"""A talk through Vertex AI's doors: of the emulator, in express mode, over real WebRTC."""

from pathlib import Path
from typing import Any

import pytest

from tests.browser.processes import Emulator, emulator, service
from tests.talking_peer import TalkingPeer, talking_peer

pytestmark = pytest.mark.realtime

NATIVE_AUDIO = "gemini-live-2.5-flash-native-audio"


def on_vertex(gemini: Emulator) -> dict[str, str]:
    return {
        "GOOGLE_GENAI_USE_VERTEXAI": "true",
        "GOOGLE_API_KEY": "for-tests",
        "GOOGLE_VERTEX_BASE_URL": gemini.url,
        "SSL_CERT_FILE": str(gemini.certificate),
    }


async def drawn(peer: TalkingPeer, wish: str) -> dict[str, Any]:
    """The event of the picture that was wished for."""
    before = len(peer.messages)
    peer.write(wish)
    place = await peer.told(
        "server-message",
        lambda data: data.get("type") == "image-event" and data["event"] == "ready",
        after=before,
    )
    return dict(peer.messages[place - 1]["data"])


@pytest.mark.parametrize("model", ["gemini-3.8-live", NATIVE_AUDIO])
async def test_a_talk_with_a_picture_and_a_change(tmp_path: Path, model: str) -> None:
    async with emulator(tmp_path) as gemini, service(on_vertex(gemini)) as running:
        async with talking_peer(running.url) as peer:
            await peer.join({"model": model})
            peer.write("hello")
            await peer.transcribed("model", "emulator")
            picture = await drawn(peer, "draw a red circle")
            peer.send("client-message", {"t": "update-settings", "d": {"voice": "Puck"}}, "7")
            answer = peer.messages[await peer.told("server-response") - 1]
            after = len(peer.messages)
            peer.write("thank you")
            await peer.transcribed("model", "", after=after)
            state = await peer.get()
            sessions = await gemini.sessions()
    assert picture["width"] == 1024
    assert [picture["requested_by"]] == [one["id"] for one in state["peers"]]
    assert answer["id"] == "7"
    assert answer["data"]["d"] == {"how": "rotation", "applied": ["voice"]}
    assert {session["model"] for session in sessions} == {f"publishers/google/models/{model}"}
    assert "Puck" not in str(sessions[0]["setup"]) and "Puck" in str(sessions[-1]["setup"])
    assert state["settings"]["voice"] == "Puck"
    assert state["usage"]["tokens"]["responseTokenCount"] > 0
    assert state["usage"]["byModality"]["response.AUDIO"] > 0
    said = [entry["parts"][0]["text"] for entry in state["history"] if entry["role"] == "user"]
    assert said == ["hello", "draw a red circle", "thank you"]
