"""The unmodified SDK, sync and async, makes images and chats with the real emulator process."""

import io

import pytest
from google import genai
from google.genai import types
from google.genai.errors import ClientError
from PIL import Image

from tests.emulator.emulator_process import RunningEmulator
from tests.emulator.sdk import client_for

MODEL = "gemini-nano-banana-2.1"


def picture(response: types.GenerateContentResponse) -> Image.Image:
    blobs = [part.inline_data for part in response.parts or [] if part.inline_data]
    assert len(blobs) == 1 and blobs[0].data is not None
    return Image.open(io.BytesIO(blobs[0].data)).convert("RGB")


def redness(image: Image.Image) -> float:
    red, green, blue = image.resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]  # RGB has three
    return float(red - (green + blue) / 2)


def test_an_image_sync(client: genai.Client) -> None:
    response = client.models.generate_content(model=MODEL, contents="draw a red circle")
    assert redness(picture(response)) > 5
    assert response.usage_metadata is not None
    assert (response.usage_metadata.total_token_count or 0) > 0


async def test_an_image_async_and_streamed(client: genai.Client) -> None:
    whole = await client.aio.models.generate_content(model=MODEL, contents="draw a red circle")
    assert redness(picture(whole)) > 5
    parts = 0
    stream = await client.aio.models.generate_content_stream(
        model=MODEL, contents="draw a red circle"
    )
    async for piece in stream:
        parts += sum(1 for part in piece.parts or [] if part.inline_data)
    assert parts == 1
    await client.aio.aclose()


def test_a_chat_sync(client: genai.Client) -> None:
    chat = client.chats.create(model=MODEL)
    first = picture(chat.send_message("draw a red circle"))
    second = picture(chat.send_message("make it grey"))
    assert redness(first) > 5
    assert abs(redness(second)) < 3
    assert len(chat.get_history()) == 4


async def test_a_chat_async(client: genai.Client) -> None:
    chat = client.aio.chats.create(model=MODEL)
    await chat.send_message("draw a red circle")
    assert abs(redness(picture(await chat.send_message("make it grey")))) < 3
    await client.aio.aclose()


def test_an_invalid_key_over_http(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for(emulator, monkeypatch, key="invalid")
    with pytest.raises(ClientError) as caught:
        client.models.generate_content(model=MODEL, contents="draw")
    client.close()
    assert caught.value.code == 400
    assert caught.value.status == "INVALID_ARGUMENT"
    assert "API_KEY_INVALID" in str(caught.value)


@pytest.mark.parametrize("suffix", ["/", "/a//prefix/"])
def test_any_prefix(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    client = client_for(emulator, monkeypatch, suffix=suffix)
    response = client.models.generate_content(model=MODEL, contents="draw a red circle")
    client.close()
    assert redness(picture(response)) > 5
