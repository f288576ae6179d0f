"""The words on the data channel (rtvi.js)."""

import pytest

from tests.web.conftest import Modules

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NOW = {"run_immediately": True, "audio_response": True}
LATER = {"run_immediately": False, "audio_response": True}
FILE = {"name": "a.png", "format": "image/png", "source": {"type": "url", "url": "easel:1"}}


def envelope(kind: str, data: object) -> dict[str, object]:
    return {"label": "rtvi-ai", "type": kind, "id": "7", "data": data}


async def test_what_the_page_says(modules: Modules) -> None:
    async def built(name: str, *arguments: object) -> object:
        return await modules.call("rtvi.js", name, *arguments)

    about = {"library": "easel-web", "library_version": "0.1.0"}
    ready = {"version": "2.0.0", "about": about}
    assert await built("clientReady", "7") == envelope("client-ready", ready)
    assert await built("disconnectBot", "7") == envelope("disconnect-bot", {})
    text = {"content": "Hi", "options": NOW}
    assert await built("sendText", "7", "Hi") == envelope("send-text", text)
    ack = {"t": "image-ack", "d": {"seq": 3}}
    assert await built("imageAck", "7", 3) == envelope("client-message", ack)
    status = {"type": "trackStatus", "receiver_index": 1, "enabled": False}
    assert await built("trackStatus", 1, False) == {"type": "signalling", "message": status}
    assert await built("ping", 12.6) == "ping: 13"


@pytest.mark.parametrize(("last", "options"), [(True, NOW), (False, LATER)])
async def test_only_the_last_file_asks_for_an_answer(
    modules: Modules, last: bool, options: object
) -> None:
    uploaded = {**FILE, "width": 5}
    sent = await modules.call("rtvi.js", "sendFile", "7", "words", uploaded, last)
    assert sent == envelope("send-file", {"content": "words", "file": FILE, "options": options})


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        (
            '{"label":"rtvi-ai","type":"error","id":"1","data":{"error":"x"}}',
            {"kind": "rtvi", "type": "error", "id": "1", "data": {"error": "x"}},
        ),
        (
            '{"label":"rtvi-ai","type":"bot-ready","id":5,"data":[1]}',
            {"kind": "rtvi", "type": "bot-ready", "id": None, "data": {}},
        ),
        (
            '{"type":"signalling","message":{"type":"renegotiate"}}',
            {"kind": "signalling", "type": "renegotiate"},
        ),
        ('{"type":"signalling","message":{}}', None),
        ('{"type":"signalling"}', None),
        ('{"type":"error"}', None),
        ('{"label":"other","type":"error"}', None),
        ('{"label":"rtvi-ai"}', None),
        ("[]", None),
        ("null", None),
        ("{", None),
        ("", None),
    ],
)
async def test_what_arrives(modules: Modules, raw: str, decoded: object) -> None:
    assert await modules.call("rtvi.js", "decodeUntrusted", raw) == decoded


async def test_bytes_are_read_like_text(modules: Modules) -> None:
    decoded = await modules.page.evaluate(
        """async () => {
            const { decodeUntrusted } = await import('/rtvi.js');
            const raw = '{"type":"signalling","message":{"type":"peerLeft"}}';
            return [decodeUntrusted(new TextEncoder().encode(raw).buffer),
                    decodeUntrusted(new Uint8Array([255, 254]).buffer)];
        }"""
    )
    assert decoded == [{"kind": "signalling", "type": "peerLeft"}, None]
