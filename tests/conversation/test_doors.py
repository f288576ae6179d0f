"""The doors over real WebRTC: tools, uploads, late joiners, returning peers, the short offer."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from PIL import Image

from tests.browser.processes import Emulator, Service, emulator, service
from tests.talking_peer import TalkingPeer, talking_peer

pytestmark = pytest.mark.realtime


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def easel(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Service, Emulator]]:
    tools = {"EASEL_TOOLS_MODULE": "tests.conversation.sample_tools"}
    async with (
        emulator(tmp_path_factory.mktemp("emulator")) as gemini,
        service({**gemini.environment, **tools}) as running,
    ):
        yield running, gemini


def png(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "PNG")
    return out.getvalue()


async def upload(peer: TalkingPeer, data: bytes) -> dict[str, Any]:
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(data), filename="a.png", content_type="image/png")
    async with peer.http.post(f"/sessions/{peer.session_id}/files", data=form) as response:
        assert response.status == 200, await response.text()
        answer: dict[str, Any] = await response.json()
        return answer


def image_event(event: str) -> Any:
    return lambda data: data.get("type") == "image-event" and data["event"] == event


async def test_tools_answer_and_fail_truthfully(easel: tuple[Service, Emulator]) -> None:
    running, gemini = easel
    async with talking_peer(running.url) as peer:
        await peer.join()
        peer.write('use weather with {"city": "Ulm"}')
        await peer.transcribed("model", "clear")
        peer.write("use broken_oven")
        await peer.transcribed("model", "RuntimeError")
        *_, session = await gemini.sessions()
    responses = [call["value"] for call in session["calls"] if call["kind"] == "response"]
    assert responses[0] == {"output": {"city": "Ulm", "sky": "clear"}}
    assert "16 amperes" not in str(responses[1]) and "error" in responses[1]


async def test_several_uploads_in_one_turn_and_an_edit_of_one(
    easel: tuple[Service, Emulator],
) -> None:
    running, gemini = easel
    async with talking_peer(running.url) as peer:
        await peer.join()
        files = [await upload(peer, png(colour)) for colour in ("red", "navy")]
        for index, file in enumerate(files):
            last = index == len(files) - 1
            named = {"format": file["format"], "name": file["name"], "source": file["source"]}
            options = {"run_immediately": last, "audio_response": True}
            content = "make my picture grey" if last else ""
            peer.send("send-file", {"content": content, "file": named, "options": options})
        await peer.told("server-message", image_event("ready"))
        *_, session = await gemini.sessions()
        listed = await peer.get("/images")
    assert session["texts"][-1] == "make my picture grey"
    (image,) = listed["images"]
    assert (image["width"], image["height"]) == (64, 48)


async def test_uploads_that_come_all_at_once_are_asked_to_come_again(
    easel: tuple[Service, Emulator],
) -> None:
    running, _ = easel
    out = io.BytesIO()
    Image.effect_noise((1600, 1200), 80).save(out, "JPEG")

    async def status(peer: TalkingPeer) -> tuple[int, str | None]:
        form = aiohttp.FormData()
        form.add_field(
            "file", io.BytesIO(out.getvalue()), filename="a.jpg", content_type="image/jpeg"
        )
        async with peer.http.post(f"/sessions/{peer.session_id}/files", data=form) as response:
            return response.status, response.headers.get("Retry-After")

    async with talking_peer(running.url) as peer:
        await peer.join()
        answers = await asyncio.gather(*(status(peer) for _ in range(16)))
    assert set(answers) == {(200, None), (503, "1")}


async def test_who_joins_late_gets_the_images_and_hears_the_same(
    easel: tuple[Service, Emulator],
) -> None:
    running, _ = easel
    async with talking_peer(running.url) as first, talking_peer(running.url) as second:
        await first.join()
        first.write("draw a red circle")
        await first.told("server-message", image_event("ready"))
        await second.join(sessionId=first.session_id, token=first.token)
        index = await second.told("server-message", image_event("ready"))
        event = second.messages[index - 1]["data"]
        second.send("client-message", {"t": "image-ack", "d": {"seq": event["seq"]}})
        async with second.http.get(event["url"]) as response:
            assert response.status == 200
            assert response.content_type == event["mime_type"]
            picture = Image.open(io.BytesIO(await response.read()))
        assert picture.size == (event["width"], event["height"])
        second.write("hello")
        await first.transcribed("user", "hello")
        await first.transcribed("model", "emulator")
        await second.transcribed("model", "emulator")
        state = await second.get()
    assert {peer["id"] for peer in state["peers"]} == {first.peer_id, second.peer_id}
    assert any(packet.audible for packet in second.packets)


async def test_a_peer_that_lost_its_connection_comes_back(easel: tuple[Service, Emulator]) -> None:
    """As the web SDK does it: a new connection, the old id, no second client-ready."""
    running, _ = easel
    async with talking_peer(running.url) as lost, talking_peer(running.url) as back:
        await lost.join()
        back.session_id, back.token = lost.session_id, lost.token
        await back.offer(pc_id=lost.peer_id, restart=True)
        assert back.peer_id == lost.peer_id
        back.write("hello")
        await back.transcribed("model", "emulator")
        state = await back.get()
    assert len(state["peers"]) == 1


async def test_the_short_offer_opens_a_room_of_its_own(easel: tuple[Service, Emulator]) -> None:
    running, _ = easel
    async with talking_peer(running.url) as peer:
        await peer.offer("/api/offer")
        peer.send("client-ready", {"version": "2.0.0", "about": {"library": "tests"}})
        await peer.told("bot-ready")
        peer.write("hello")
        await peer.transcribed("model", "emulator")


async def test_a_room_begins_with_its_history(easel: tuple[Service, Emulator]) -> None:
    running, gemini = easel
    history = [
        {"role": "user", "parts": [{"text": "My name is Ada."}]},
        {"role": "model", "parts": [{"text": "Hello Ada."}]},
    ]
    async with talking_peer(running.url) as peer:
        await peer.join({"history": history})
        assert (await peer.get())["history"] == history
        peer.write("hello")
        await peer.transcribed("model", "emulator")
        grown = (await peer.get())["history"]
        *_, session = await gemini.sessions()
    assert grown[:2] == history and len(grown) == 4
    assert session["texts"][:2] == ["My name is Ada.", "Hello Ada."]
    assert len(session["turns"]) == 1, "the history must not be answered"
