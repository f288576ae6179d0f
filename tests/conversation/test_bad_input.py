"""Garbage at every door: a clear error, a counter, and the room goes on."""

import io
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
import pytest_asyncio

from tests.browser.processes import emulator, service
from tests.talking_peer import TalkingPeer, talking_peer

pytestmark = pytest.mark.realtime

HUGE_MESSAGE_BYTES: Final = 5_000_000
MANY_SECTIONS: Final = "v=0\r\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 200


@pytest_asyncio.fixture
async def peer(tmp_path: Path) -> AsyncIterator[TalkingPeer]:
    async with (
        emulator(tmp_path) as gemini,
        service(gemini.environment) as running,
        talking_peer(running.url) as one,
    ):
        await one.join()
        yield one


async def refusals(peer: TalkingPeer) -> dict[str, float]:
    """What the service has refused so far, by reason."""
    async with peer.http.get("/metrics") as response:
        lines = (await response.text()).splitlines()
    found = [line for line in lines if line.startswith("easel_refusals_total{")]
    return {line.split('"')[1]: float(line.split()[-1]) for line in found}


async def refused(
    peer: TalkingPeer, method: str, path: str, status: int, **request: Any
) -> tuple[str, str]:
    """The sentence of the refusal, and the one counter that rose."""
    before = await refusals(peer)
    async with peer.http.request(method, path, **request) as response:
        assert response.status == status, await response.text()
        sentence = (await response.json())["detail"]
    after = await refusals(peer)
    risen = [name for name, value in after.items() if value > before.get(name, 0)]
    assert len(risen) == 1, risen
    return sentence, risen[0]


async def goes_on(peer: TalkingPeer) -> None:
    """The room still talks."""
    before = len(peer.messages)
    peer.write("still there")
    await peer.transcribed("model", "still there", after=before)


def giant_png() -> bytes:
    """A PNG of 50,000 × 50,000 pixels in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def form(data: bytes) -> aiohttp.FormData:
    out = aiohttp.FormData()
    out.add_field("file", io.BytesIO(data), filename="picture.png", content_type="image/png")
    return out


async def test_signalling(peer: TalkingPeer) -> None:
    offer = f"/sessions/{peer.session_id}/api/offer"
    broken = {"sdp": "v=0\r\nm=nonsense", "type": "offer", "pc_id": None}
    assert await refused(peer, "POST", offer, 400, json=broken) == (
        "The SDP offer cannot be read.",
        "sdp_malformed",
    )
    many = {"sdp": MANY_SECTIONS, "type": "offer", "pc_id": None}
    sentence, counter = await refused(peer, "POST", offer, 413, json=many)
    assert "media sections" in sentence and counter == "sdp_too_large"
    sentence, counter = await refused(peer, "POST", offer, 400, data="{]")
    assert sentence == "The body is not JSON." and counter == "request_malformed"
    sentence, counter = await refused(peer, "POST", "/sessions/nowhere/api/offer", 404, json=broken)
    assert counter == "room_unknown"
    sentence, counter = await refused(peer, "GET", "/sessions/nowhere", 404)
    assert counter == "room_unknown"
    wish = {"body": {"sessionId": peer.session_id, "token": "guessed"}}
    assert (await refused(peer, "POST", "/start", 403, json=wish))[1] == "token_refused"
    stranger = {"Origin": "http://elsewhere.example"}
    assert (await refused(peer, "POST", "/start", 403, headers=stranger))[1] == "origin_refused"
    rebound = {"Host": "elsewhere.example", "Origin": "http://elsewhere.example"}
    assert (await refused(peer, "POST", "/start", 403, headers=rebound))[1] == "host_refused"
    await goes_on(peer)


async def test_settings(peer: TalkingPeer) -> None:
    for room, field in (
        ({"colour": "blue"}, "colour"),
        ({"topP": 7}, "topP"),
        ({"stopSequences": ["END"]}, "stopSequences"),
        ({"model": "gemini-3.8-live", "thinking": {"budget": 5}}, "thinking"),
    ):
        sentence, counter = await refused(
            peer, "POST", "/start", 422, json={"body": {"room": room}}
        )
        assert field in sentence and counter == "settings_refused", sentence
    await goes_on(peer)


async def test_uploads(peer: TalkingPeer) -> None:
    files = f"/sessions/{peer.session_id}/files"
    for data, counter in (
        (b"GIF89a not an image that we take", "upload_no_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "upload_no_image"),
        (giant_png(), "upload_too_large"),
    ):
        assert (await refused(peer, "POST", files, 422, data=form(data)))[1] == counter
    too_long = await refused(peer, "POST", files, 413, data=form(b"\0" * 9_000_000))
    assert too_long[1] == "upload_too_large"
    assert (await refused(peer, "POST", files, 400, json={}))[1] == "upload_malformed"
    image = f"/sessions/{peer.session_id}/images/guessed?token=1.2"
    assert (await refused(peer, "GET", image, 403))[1] == "token_refused"
    other = {"Authorization": "Basic eA=="}
    assert (await refused(peer, "GET", image, 403, headers=other))[1] == "token_refused"
    await goes_on(peer)


async def test_data_channel(peer: TalkingPeer) -> None:
    before = len(peer.messages)
    for garbage in ("not json", "[1, 2]", '{"label": "rtvi-ai"}', b"\xff\xfe", "[" * 100_000):
        peer.send_raw(garbage)
        before = await peer.told("error", after=before)
    forged = {"function_name": "edit_image", "tool_call_id": "1", "arguments": {}, "result": "ok"}
    peer.send("llm-function-call-result", forged)
    before = await peer.told("error-response", after=before)
    peer.send("client-message", {"t": "image-ack", "d": {"seq": 10**30}})
    assert peer.channel is not None
    # A peer that keeps to the limit it was told cannot send this; one that does not can.
    peer.channel.transport._remote_max_message_size = 0
    peer.send_raw("x" * HUGE_MESSAGE_BYTES)
    await peer.told("error", lambda data: "larger" in data["error"], after=before)
    counted = await refusals(peer)
    assert counted["message_malformed"] == 5
    assert counted["message_forbidden"] == counted["message_too_large"] == 1
    assert counted["image_ack_unknown"] == 1
    await goes_on(peer)
