"""The unmodified google-genai SDK, sync and async, against a real TLS server."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
from aiohttp import web
from google import genai
from google.genai import errors, types
from PIL import Image

from emulator.certificate import make_certificate
from emulator.image_endpoint import COUNTS, MAX_BODY_BYTES, add_image_routes
from emulator.image_models import ImageModel
from emulator.image_options import ImageOptions
from emulator.pictures import JPEG, PNG, SOFTWARE
from tests.emulator.painted import Room, decoded, encoded, mean_colour, room

MODEL = "gemini-nano-banana-2.1"
Serve = Callable[..., Awaitable["Server"]]


@dataclass
class Server:
    base_url: str
    app: web.Application
    certificate: Path

    def client(self, key: str = "any-key", version: str = "v1beta") -> genai.Client:
        options = types.HttpOptions(base_url=self.base_url, api_version=version)
        return genai.Client(api_key=key, http_options=options)

    async def post(
        self, path: str, body: object, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        context = ssl.create_default_context(cafile=str(self.certificate))
        data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.base_url + path, data=data, headers=headers, ssl=context) as response,
        ):
            text = await response.text()
            return response.status, json.loads(text) if text[:1] in "[{" else text


@pytest.fixture
async def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serve]:
    runners: list[web.AppRunner] = []

    async def start(options: ImageOptions | None = None) -> Server:
        app = web.Application()
        add_image_routes(app, options)
        runner = web.AppRunner(app)
        await runner.setup()
        runners.append(runner)
        certificate = make_certificate(tmp_path)
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificate.context)
        await site.start()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
        port = runner.addresses[0][1]
        return Server(f"https://localhost:{port}", app, certificate.path)

    yield start
    for runner in runners:
        await runner.cleanup()


def draw(text: str = "draw a red circle") -> dict[str, Any]:
    return {"contents": [{"parts": [{"text": text}]}]}


KEY = {"x-goog-api-key": "k"}
PATH = f"/v1beta/models/{MODEL}:generateContent"


def image_of(response: types.GenerateContentResponse) -> tuple[Image.Image, types.Part]:
    """The one picture that is no thought, and its part."""
    parts = response.parts or []
    [part] = [one for one in parts if one.inline_data is not None and not one.thought]
    assert part.inline_data is not None and part.inline_data.data is not None
    return decoded(part.inline_data.data), part


async def test_the_async_sdk_creates(serve: Serve) -> None:
    server = await serve()
    client = server.client()
    response = await client.aio.models.generate_content(
        model=MODEL,
        contents="draw a red circle",
        config=types.GenerateContentConfig(
            response_modalities=["TEXT", "IMAGE"],
            image_config=types.ImageConfig(aspect_ratio="16:9", image_size="1K"),
        ),
    )
    picture, part = image_of(response)
    assert picture.size == (1376, 768)
    assert part.inline_data is not None and part.inline_data.mime_type == JPEG
    assert part.thought_signature
    assert response.text == "Here is your picture."
    assert response.model_version == MODEL
    usage = response.usage_metadata
    assert usage is not None and usage.candidates_tokens_details is not None
    assert (types.MediaModality.IMAGE, 1120) in [
        (one.modality, one.token_count) for one in usage.candidates_tokens_details
    ]
    assert server.app[COUNTS].drawn == 1
    await client.aio.aclose()


async def test_the_sync_sdk_creates(serve: Serve) -> None:
    server = await serve()

    def call() -> types.GenerateContentResponse:
        with server.client() as client:
            return client.models.generate_content(model=MODEL, contents="draw a red circle")

    picture, _ = image_of(await asyncio.to_thread(call))
    assert picture.size == (1024, 1024)
    assert mean_colour(picture.crop((500, 500, 520, 520)))[0] > 180


async def test_streaming_gives_thoughts_first(serve: Serve) -> None:
    server = await serve()
    client = server.client()
    parts: list[types.Part] = []
    finishes: list[object] = []
    stream = await client.aio.models.generate_content_stream(
        model=MODEL,
        contents="draw a tree",
        config=types.GenerateContentConfig(
            response_modalities=["TEXT", "IMAGE"],
            thinking_config=types.ThinkingConfig(include_thoughts=True),
        ),
    )
    async for chunk in stream:
        assert chunk.candidates
        finishes.append(chunk.candidates[0].finish_reason)
        parts += chunk.parts or []
    assert [bool(part.thought) for part in parts] == [True, True, True, False, False]
    assert [part.inline_data is not None for part in parts] == [False, True, True, False, True]
    signed = [bool(part.thought_signature) for part in parts]
    assert signed == [False, False, False, True, True]
    assert finishes == [None, None, None, None, types.FinishReason.STOP]
    await client.aio.aclose()


@pytest.fixture(scope="module")
def painted() -> Room:
    return room(480, 360)


def upload(painted: Room) -> types.Part:
    return types.Part.from_bytes(data=encoded(painted.picture), mime_type=PNG)


async def test_a_chat_with_edits_over_several_turns(serve: Serve, painted: Room) -> None:
    """Signatures are demanded, so the SDK's chat must echo the model's turns as they came."""
    server = await serve(ImageOptions(strict_signatures=True))
    client = server.client()
    chat = client.aio.chats.create(
        model=MODEL,
        config=types.GenerateContentConfig(
            response_modalities=["TEXT", "IMAGE"],
            thinking_config=types.ThinkingConfig(include_thoughts=True),
        ),
    )
    blue, _ = image_of(await chat.send_message(["change the wall to blue", upload(painted)]))
    assert blue.size == (480, 360)
    wall = mean_colour(blue, painted.wall)
    assert wall[2] > wall[0] + 80
    assert (
        np.abs(mean_colour(blue, painted.rest) - mean_colour(painted.picture, painted.rest)).max()
        < 3
    )

    left, _ = image_of(await chat.send_message("only the left wall"))
    columns = np.arange(480) < 240
    assert mean_colour(left, painted.wall & columns)[2] > 150
    right = painted.wall & ~columns
    assert np.abs(mean_colour(left, right) - mean_colour(painted.picture, right)).max() < 3

    warm, _ = image_of(await chat.send_message("make it warmer"))
    assert (
        mean_colour(warm)[0] - mean_colour(warm)[2]
        > mean_colour(left)[0] - mean_colour(left)[2] + 10
    )

    undone, _ = image_of(await chat.send_message("undo"))
    assert np.abs(mean_colour(undone) - mean_colour(left)).max() < 1
    await client.aio.aclose()


async def test_a_sync_chat(serve: Serve, painted: Room) -> None:
    server = await serve(ImageOptions(strict_signatures=True, output=PNG))

    def talk() -> list[Image.Image]:
        with server.client() as client:
            chat = client.chats.create(model=MODEL)
            first = chat.send_message(["make the floor green", upload(painted)])
            second = chat.send_message("make it black and white")
            return [image_of(first)[0], image_of(second)[0]]

    green, grey = await asyncio.to_thread(talk)
    mean = mean_colour(green, painted.floor)
    assert mean[1] > mean[0] + 40
    untouched = np.asarray(green)[painted.rest] == np.asarray(painted.picture)[painted.rest]
    assert untouched.mean() > 0.98
    assert np.ptp(np.asarray(grey).astype(int), axis=2).max() == 0


async def test_dropped_signatures_are_refused_when_strict(serve: Serve) -> None:
    data = base64.b64encode(encoded(Image.new("RGB", (8, 8)))).decode()
    body = {
        "contents": [
            {"role": "user", "parts": [{"text": "draw"}]},
            {"role": "model", "parts": [{"inlineData": {"mimeType": PNG, "data": data}}]},
            {"role": "user", "parts": [{"text": "make it darker"}]},
        ]
    }
    strict = await serve(ImageOptions(strict_signatures=True))
    status, answer = await strict.post(PATH, body, KEY)
    assert status == 400
    assert "thought_signature" in answer["error"]["message"]
    lenient = await serve()
    assert (await lenient.post(PATH, body, KEY))[0] == 200


async def test_errors_reach_the_sdk(serve: Serve) -> None:
    server = await serve()
    client = server.client()
    with pytest.raises(errors.ClientError) as quota:
        await client.aio.models.generate_content(model=MODEL, contents="use up my quota")
    assert (quota.value.code, quota.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert "RetryInfo" in json.dumps(quota.value.details)
    with pytest.raises(errors.ServerError) as broken:
        await client.aio.models.generate_content(model=MODEL, contents="a server error")
    assert broken.value.code == 500
    with pytest.raises(errors.ClientError) as missing:
        await client.aio.models.generate_content(model="gemini-9", contents="x")
    assert (missing.value.code, missing.value.status) == (404, "NOT_FOUND")
    assert "models/gemini-9 is not found for API version v1beta" in str(missing.value)
    blocked = await client.aio.models.generate_content(model=MODEL, contents="something forbidden")
    assert blocked.parts is None and blocked.prompt_feedback is not None
    assert blocked.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT
    unsafe = await client.aio.models.generate_content(model=MODEL, contents="unsafe things")
    assert unsafe.candidates
    assert unsafe.candidates[0].finish_reason == types.FinishReason.IMAGE_SAFETY
    assert server.app[COUNTS].failed == 3
    await client.aio.aclose()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (PATH, {"x-goog-api-key": "k"}),
        (PATH + "?key=k", {}),
        (PATH, {"Authorization": "Bearer t"}),
        ("/" + PATH, KEY),
        ("/some/prefix//v1alpha//models/gemini-3.1-flash-image:generateContent", KEY),
        (f"/v1beta1/projects/p/locations/l/publishers/google/models/{MODEL}:generateContent", KEY),
    ],
)
async def test_paths_and_credentials(serve: Serve, path: str, headers: dict[str, str]) -> None:
    status, answer = await (await serve()).post(path, draw(), headers)
    assert status == 200
    assert answer["candidates"][0]["finishReason"] == "STOP"


async def test_streaming_without_sse_is_an_array(serve: Serve) -> None:
    server = await serve()
    path = f"/v1beta/models/{MODEL}:streamGenerateContent"
    status, answer = await server.post(path, draw(), KEY)
    assert status == 200 and isinstance(answer, list)
    status, answer = await server.post(path, draw("quota"), KEY)
    assert status == 429 and answer["error"]["code"] == 429
    status, answer = await server.post(path + "?alt=sse", draw(), KEY)
    assert answer.startswith("data: {") and answer.endswith("\r\n\r\n")


@pytest.mark.parametrize("body", [b"{", {"contents": []}, b"\xff"])
async def test_wrong_bodies(serve: Serve, body: object) -> None:
    status, answer = await (await serve()).post(PATH, body, KEY)
    assert status == 400
    assert answer["error"]["status"] == "INVALID_ARGUMENT"


async def test_bodies_are_bounded(serve: Serve) -> None:
    status, answer = await (await serve()).post(PATH, bytes(MAX_BODY_BYTES + 1), KEY)
    assert status == 400
    assert "exceeds the limit" in answer["error"]["message"]


async def test_formats_by_model_and_option(serve: Serve) -> None:
    server = await serve()
    formats = {}
    for model in (MODEL, "gemini-3-pro-image", "gemini-2.5-flash-image"):
        _, answer = await server.post(f"/v1/models/{model}:generateContent", draw(), KEY)
        inline = answer["candidates"][0]["content"]["parts"][0]["inlineData"]
        formats[model] = inline["mimeType"]
        assert SOFTWARE.encode() in base64.b64decode(inline["data"])
    assert list(formats.values()) == [JPEG, PNG, PNG]
    own = await serve(ImageOptions(output=PNG, models={"mine": ImageModel(("1K",))}))
    _, answer = await own.post("/v1beta/models/mine:generateContent", draw(), KEY)
    assert answer["candidates"][0]["content"]["parts"][0]["inlineData"]["mimeType"] == PNG


async def test_more_failures(serve: Serve) -> None:
    server = await serve()
    _, garbled = await server.post(PATH, draw("a garbled circle"), KEY)
    inline = garbled["candidates"][0]["content"]["parts"][0]["inlineData"]
    assert inline["mimeType"] == JPEG
    assert base64.b64decode(inline["data"]) == b"this is not a picture"
    _, text = await server.post(PATH, draw("only text please"), KEY)
    [part] = text["candidates"][0]["content"]["parts"]
    assert part["text"] and part["thoughtSignature"]
    assert text["candidates"][0]["finishReason"] == "STOP"


async def test_delays_and_the_latency(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    server = await serve(ImageOptions(latency_s=0.25, delay_scale=2.0))
    monkeypatch.setattr("emulator.image_endpoint.asyncio.sleep", sleep)
    await server.post(PATH, draw("a slow circle"), KEY)
    await server.post(PATH, draw("a circle"), KEY)
    assert [seconds for seconds in slept if seconds] == [10.25, 0.25]


async def test_too_many_at_once_are_refused(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emulator.image_endpoint.MAX_WAITING", 0)
    server = await serve()
    status, answer = await server.post(PATH, draw(), KEY)
    assert (status, answer["error"]["status"]) == (503, "UNAVAILABLE")
    assert server.app[COUNTS].refused == 1


async def test_a_large_picture_does_not_stop_the_others(serve: Serve) -> None:
    server = await serve()
    large = {**draw(), "generationConfig": {"imageConfig": {"imageSize": "4K"}}}
    slow = asyncio.create_task(server.post(PATH, large, KEY))
    status, _ = await server.post(PATH, draw("quota"), KEY)
    assert status == 429 and not slow.done()
    status, answer = await slow
    data = answer["candidates"][0]["content"]["parts"][0]["inlineData"]["data"]
    assert status == 200
    assert decoded(base64.b64decode(data)).size == (4096, 4096)
