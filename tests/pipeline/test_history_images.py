"""Images in the history that a room begins with are a stranger's."""

import base64
import io
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from PIL import Image

from pipeline.history_images import MAX_IMAGES
from tests.pipeline.in_process import Easel, easel
from tests.processors.images.hostile import jpeg, png


@pytest_asyncio.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Easel]:
    async with easel(monkeypatch) as running:
        yield running


def history(*images: bytes) -> dict[str, object]:
    parts: list[dict[str, object]] = [
        {"inlineData": {"mimeType": "image/jpeg", "data": base64.b64encode(one).decode()}}
        for one in images
    ]
    return {"history": [{"role": "user", "parts": [{"text": "look"}, *parts]}]}


async def test_nothing_but_their_pixels_gets_in(served: Easel) -> None:
    where = Image.Exif()
    where[0x010F] = "at home"
    told = await served.start(room=history(jpeg(40, 30, exif=where) + b"PK\x03\x04<script>"))
    (turn,) = served.room(told["sessionId"]).settings.live.history
    text, image = turn.parts
    assert text.text == "look"
    assert image.inline_data is not None
    assert b"at home" not in image.inline_data.data
    assert b"<script>" not in image.inline_data.data
    assert Image.open(io.BytesIO(image.inline_data.data)).size == (40, 30)


@pytest.mark.parametrize(
    "images",
    [
        [b"GIF89a of no use"],
        [b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"],
        [png(50_000, 50_000, bytes(1000))],
        [jpeg()] * (MAX_IMAGES + 1),
    ],
    ids=["GIF", "SVG", "a giant", "too many"],
)
async def test_what_is_no_image_opens_no_room(served: Easel, images: list[bytes]) -> None:
    body = {"body": {"room": history(*images)}}
    status, detail, _ = await served.refused("POST", "/start", json=body)
    assert status == 422
    assert "image" in str(detail)
    assert served.running.registry.rooms == []
