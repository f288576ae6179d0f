"""Against the emulator's image endpoint, and against servers that answer what it never would."""

import asyncio
import io
import json
import random
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from google import genai
from PIL import Image

from processors.gemini.client import Endpoint, make_client
from processors.images.client import MAX_WORDS_CHARS, ImageModel, Made, warm_up
from processors.images.errors import (
    Blocked,
    ImageModelFailed,
    ImageNotMade,
    NothingMade,
    OverQuota,
)
from processors.images.settings import ImageSettings
from tests.processors.images.hostile import encoded
from tests.processors.images.image_server import candidate, image_part, server

WAIT_LIMIT_S = 10.0
DECLINED = "The image model declined this wish."


def size_of(made: Made) -> tuple[int, int]:
    image = Image.open(io.BytesIO(made.data))
    image.load()
    return image.size


async def test_an_image_is_created(client: genai.Client) -> None:
    settings = ImageSettings(aspect_ratio="16:9")
    made = await ImageModel(client, settings).make("a red circle", [])
    width, height = size_of(made)
    assert made.mime_type in ("image/jpeg", "image/png")
    assert width / height == pytest.approx(16 / 9, rel=0.05)


async def test_an_image_is_edited(client: genai.Client) -> None:
    """Grey it comes back; without the source the emulator would draw something of its own."""
    source = encoded(Image.new("RGB", (400, 300), (200, 40, 40)), "PNG")
    made = await ImageModel(client, ImageSettings()).make(
        "make it black and white", [("image/png", source)]
    )
    pixels = np.asarray(Image.open(io.BytesIO(made.data)).convert("RGB")).astype(int)
    assert np.ptp(pixels, axis=2).mean() < 12
    width, height = size_of(made)
    assert width / height == pytest.approx(4 / 3, rel=0.05)


async def test_two_images_are_sent(client: genai.Client) -> None:
    colours = ("red", "blue")
    sources = [("image/png", encoded(Image.new("RGB", (64, 64), c), "PNG")) for c in colours]
    assert (await ImageModel(client, ImageSettings()).make("combine them", sources)).data


@pytest.mark.parametrize(
    ("prompt", "kind", "sentence"),
    [
        ("something forbidden", Blocked, DECLINED),
        ("a blocked prompt", Blocked, DECLINED),
        ("something unsafe", Blocked, DECLINED),
        ("a copyrighted mouse", Blocked, DECLINED),
        ("no image please", NothingMade, "The image model made no image."),
        (
            "only text please",
            NothingMade,
            "The image model made no image, but said: I can describe it, but I made no picture.",
        ),
        ("over quota", OverQuota, "The image model is at its limit. Try again in a minute."),
        ("overloaded", ImageModelFailed, "The image model has trouble. Try again in a minute."),
        ("server error", ImageModelFailed, "The image model has trouble. Try again in a minute."),
    ],
)
async def test_each_failure_has_its_words(
    client: genai.Client, prompt: str, kind: type[ImageNotMade], sentence: str
) -> None:
    with pytest.raises(kind) as told:
        await ImageModel(client, ImageSettings()).make(prompt, [])
    assert str(told.value) == sentence


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK tries again after 1 to 10 s, drawn by lot."""
    monkeypatch.setattr(random, "randint", lambda low, high: low)


async def refusal_of(endpoint: Endpoint, settings: ImageSettings | None = None) -> ImageNotMade:
    client = make_client(endpoint, vertex=False)
    try:
        with pytest.raises(ImageNotMade) as told:
            await ImageModel(client, settings or ImageSettings()).make("a cat called Ada", [])
        return told.value
    finally:
        await client.aio.aclose()


async def test_a_bad_key_is_a_refusal(emulator: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    error = await refusal_of(replace(emulator, api_key="invalid-key"))
    assert str(error) == "The image model refuses the request."
    assert "image model answered 400 INVALID_ARGUMENT" in caplog.text
    assert "invalid-key" not in caplog.text


async def test_an_unknown_model_is_a_refusal(emulator: Endpoint) -> None:
    error = await refusal_of(emulator, ImageSettings(model="gemini-nobody-image"))
    assert str(error) == "The image model refuses the request."


@pytest.mark.usefixtures("impatient")
async def test_a_server_that_is_not_there_cannot_be_reached(
    emulator: Endpoint, unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    error = await refusal_of(replace(emulator, base_url=f"https://127.0.0.1:{unused_tcp_port}"))
    assert isinstance(error, ImageModelFailed)
    assert str(error) == "The image model cannot be reached."
    assert "Ada" not in caplog.text


@pytest.mark.usefixtures("impatient")
async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(emulator: Endpoint) -> None:
    error = await refusal_of(replace(emulator, tls=None))
    assert str(error) == "The image model cannot be reached."


async def test_a_request_can_be_cancelled_while_the_model_draws() -> None:
    asked, hung_up = asyncio.Event(), asyncio.Event()

    async def draw_without_end(_request: web.Request) -> web.Response:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            hung_up.set()
        raise AssertionError

    async with server(draw_without_end) as client, asyncio.timeout(WAIT_LIMIT_S):
        making = asyncio.create_task(ImageModel(client, ImageSettings()).make("a cat", []))
        await asked.wait()
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
    assert hung_up.is_set()


async def outcome_of(body: Any, *, status: int = 200) -> Made | ImageNotMade:
    """What comes of this answer to a wish for a cat."""

    async def answer(_request: web.Request) -> web.Response:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(text=text, status=status, content_type="application/json")

    async with server(answer) as client:
        try:
            return await ImageModel(client, ImageSettings()).make("a cat", [])
        except ImageNotMade as error:
            return error


async def test_a_thought_is_not_the_image() -> None:
    parts = (image_part(b"draft", thought=True), {"text": "so"}, image_part(b"final"))
    assert await outcome_of({"candidates": [candidate(*parts)]}) == Made("image/png", b"final")


async def test_of_several_images_the_last_counts() -> None:
    parts = (image_part(b"first"), image_part(b"second"))
    assert await outcome_of({"candidates": [candidate(*parts)]}) == Made("image/png", b"second")


async def test_an_image_in_any_candidate_will_do() -> None:
    blocked = {"finishReason": "IMAGE_SAFETY"}
    body = {"candidates": [blocked, candidate(image_part(b"second"))]}
    assert await outcome_of(body) == Made("image/png", b"second")


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ({}, NothingMade, "made no image."),
        ({"candidates": []}, NothingMade, "made no image."),
        ({"candidates": [{}]}, NothingMade, "made no image."),
        ({"candidates": [{"content": {}}]}, NothingMade, "made no image."),
        (
            {"candidates": [candidate(image_part(b"draft", thought=True))]},
            NothingMade,
            "made no image.",
        ),
        ({"candidates": [candidate(image_part(b""))]}, NothingMade, "made no image."),
        (
            {"candidates": [candidate({"inlineData": {"mimeType": "audio/wav", "data": "AA=="}})]},
            NothingMade,
            "made no image.",
        ),
        (
            {"candidates": [candidate({"text": "No."}, finishReason="MAX_TOKENS")]},
            NothingMade,
            "but said: No.",
        ),
        (
            {"candidates": [candidate({"text": "I may not."}, finishReason="SAFETY")]},
            Blocked,
            "declined",
        ),
        ({"promptFeedback": {"blockReason": "OTHER"}}, Blocked, "declined"),
        ("no JSON at all", ImageModelFailed, "cannot be reached"),
    ],
)
async def test_an_answer_without_an_image_says_why(
    body: Any, kind: type[ImageNotMade], words: str
) -> None:
    error = await outcome_of(body)
    assert isinstance(error, kind)
    assert words in str(error)


async def test_what_the_model_says_instead_is_bounded() -> None:
    error = await outcome_of({"candidates": [candidate({"text": "no " * 1000})]})
    assert len(str(error)) < MAX_WORDS_CHARS + 60


@pytest.mark.parametrize("status", [401, 403, 404, 413])
async def test_what_the_caller_may_not_do_is_a_refusal(status: int) -> None:
    error = await outcome_of({"error": {"code": status, "message": "no"}}, status=status)
    assert str(error) == "The image model refuses the request."


async def test_an_error_page_of_something_in_between_is_no_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = await outcome_of("<html>502 a cat</html>", status=502)
    assert str(error) == "The image model cannot be reached."
    assert "a cat" not in caplog.text


def test_warming_up_builds_what_a_request_needs() -> None:
    """In a process of its own, where nothing has been built yet."""
    program = """
from google.genai import types
from processors.images.client import warm_up

def is_built(kind):
    return kind.__pydantic_complete__

kinds = (types.GenerateContentConfig, types.GenerateContentResponse, types.Part)
before = [is_built(kind) for kind in kinds]
warm_up()
print(all(before), all(is_built(kind) for kind in kinds))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "False True\n", done.stderr
    warm_up()  # a second time there is nothing to do
