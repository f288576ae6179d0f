"""The record of a conversation: as it grows, and as another room begins with it."""

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from processors.images.pixels import RECORD_LONG_SIDE
from tests.browser.processes import emulator, service
from tests.talking_peer import TalkingPeer, talking_peer

pytestmark = pytest.mark.realtime


def png(colour: str) -> str:
    out = io.BytesIO()
    Image.new("RGB", (1200, 800), colour).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def show(peer: TalkingPeer, colour: str, words: str) -> None:
    """Sends an image; without words it waits for the next one."""
    source = {"type": "bytes", "bytes": png(colour)}
    options = {"run_immediately": bool(words), "audio_response": True}
    file = {"format": "image/png", "source": source}
    peer.send("send-file", {"content": words, "file": file, "options": options})


def picture(part: dict[str, Any]) -> Image.Image:
    blob = part["inlineData"]
    assert blob["mimeType"] == "image/jpeg"
    return Image.open(io.BytesIO(base64.b64decode(blob["data"])))


async def test_images_stand_in_the_history_and_begin_another_room(tmp_path: Path) -> None:
    async with emulator(tmp_path) as gemini, service(gemini.environment) as running:
        async with talking_peer(running.url) as peer:
            await peer.join()
            show(peer, "red", "")
            show(peer, "navy", "hello")
            await peer.transcribed("model", "emulator")
            history = (await peer.get())["history"]
        async with talking_peer(running.url) as other:
            await other.join({"history": history})
            assert (await other.get())["history"] == history
            other.write("thank you")
            await other.transcribed("model", "")
            *_, begun = await gemini.sessions()
    said, answer = history
    assert (said["role"], answer["role"]) == ("user", "model")
    *images, words = said["parts"]
    assert words == {"text": "hello"}
    red, navy = (picture(part) for part in images)
    assert red.size == navy.size == (RECORD_LONG_SIDE, RECORD_LONG_SIDE * 2 // 3)
    assert red.getpixel((9, 9))[0] > 200 and navy.getpixel((9, 9))[2] > 100  # type: ignore[index]  # a tuple for RGB
    assert begun["texts"][:2] == ["hello", answer["parts"][0]["text"]]
