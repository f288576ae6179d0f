"""Against the emulator's image endpoint, and against servers that answer what it never would."""

import asyncio
import io
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from google import genai
from PIL import Image

from processors.gemini.client import Endpoint, make_client
from processors.images.client import (
    MAX_WORDS_CHARS,
    Draft,
    Exchange,
    ImageModel,
    ImageRequest,
    Made,
    Piece,
    Words,
    warm_up,
)
from processors.images.errors import (
    Blocked,
    ImageModelFailed,
    ImageNotMade,
    NothingMade,
    OverQuota,
    TooBig,
)
from processors.images.settings import ImageSettings
from tests.processors.images.hostile import encoded
from tests.processors.images.image_server import candidate, image_part, server

WAIT_LIMIT_S = 10.0
DECLINED = "The image model declined this wish."


async def made_by(
    client: genai.Client,
    settings: ImageSettings,
    prompt: str,
    sources: Sequence[tuple[str, bytes]],
) -> Made:
    """The last image of the answer."""
    request = ImageRequest(prompt, tuple(sources), edits=bool(sources))
    pieces = [piece async for piece in ImageModel(client, settings).ask(request).pieces()]
    return [piece for piece in pieces if isinstance(piece, Made)][-1]


def size_of(made: Made) -> tuple[int, int]:
    image = Image.open(io.BytesIO(made.data))
    image.load()
    return image.size


async def test_an_image_is_created(client: genai.Client) -> None:
    settings = ImageSettings(aspect_ratio="16:9")
    made = await made_by(client, settings, "a red circle", [])
    width, height = size_of(made)
    assert made.mime_type in ("image/jpeg", "image/png")
    assert width / height == pytest.approx(16 / 9, rel=0.05)


async def test_an_image_is_edited(client: genai.Client) -> None:
    """Grey it comes back; without the source the emulator would draw something of its own."""
    source = encoded(Image.new("RGB", (400, 300), (200, 40, 40)), "PNG")
    made = await made_by(
        client, ImageSettings(), "make it black and white", [("image/png", source)]
    )
    pixels = np.asarray(Image.open(io.BytesIO(made.data)).convert("RGB")).astype(int)
    assert np.ptp(pixels, axis=2).mean() < 12
    width, height = size_of(made)
    assert width / height == pytest.approx(4 / 3, rel=0.05)


async def test_two_images_are_sent(client: genai.Client) -> None:
    colours = ("red", "blue")
    sources = [("image/png", encoded(Image.new("RGB", (64, 64), c), "PNG")) for c in colours]
    assert (await made_by(client, ImageSettings(), "combine them", sources)).data


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
        ("over quota", OverQuota, "The image model is at its limit. Try again in 7 seconds."),
        ("overloaded", ImageModelFailed, "The image model has trouble. Try again in a minute."),
        ("server error", ImageModelFailed, "The image model has trouble. Try again in a minute."),
    ],
)
async def test_each_failure_has_its_words(
    client: genai.Client, prompt: str, kind: type[ImageNotMade], sentence: str
) -> None:
    with pytest.raises(kind) as told:
        await made_by(client, ImageSettings(), prompt, [])
    assert str(told.value) == sentence


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK tries again after 1 to 10 s, drawn by lot."""
    monkeypatch.setattr(random, "randint", lambda low, high: low)


async def refusal_of(endpoint: Endpoint, settings: ImageSettings | None = None) -> ImageNotMade:
    client = make_client(endpoint, vertex=False)
    try:
        with pytest.raises(ImageNotMade) as told:
            await made_by(client, settings or ImageSettings(), "a cat called Ada", [])
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
        making = asyncio.create_task(made_by(client, ImageSettings(), "a cat", []))
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
            return await made_by(client, ImageSettings(), "a cat", [])
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


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_what_the_caller_may_not_do_is_a_refusal(status: int) -> None:
    error = await outcome_of({"error": {"code": status, "message": "no"}}, status=status)
    assert str(error) == "The image model refuses the request."


async def test_a_request_that_is_too_large_says_so() -> None:
    body = {"error": {"code": 413, "message": "no"}}
    assert isinstance(await outcome_of(body, status=413), TooBig)
    message = "Request payload size exceeds the limit: 20971520 bytes."
    body = {"error": {"code": 400, "message": message}}
    assert isinstance(await outcome_of(body, status=400), TooBig)


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ([], "in a minute"), ([{"retryDelay": "0.4s"}], "in 1 seconds"),
        ([{"retryDelay": "3600s"}], "later"), ([{"retryDelay": 7}], "in a minute"),
    ],
)  # fmt: skip
async def test_over_quota_says_when_to_come_back(details: list[Any], words: str) -> None:
    error = {"code": 429, "message": "no", "status": "RESOURCE_EXHAUSTED", "details": details}
    told = await outcome_of({"error": error}, status=429)
    assert isinstance(told, OverQuota)
    assert f"Try again {words}." in str(told)


async def pieces_of(
    client: genai.Client, request: ImageRequest
) -> tuple[list[Piece], Exchange | None, list[Any]]:
    used: list[Any] = []
    answer = ImageModel(client, ImageSettings()).ask(request, used.append)
    return [piece async for piece in answer.pieces()], answer.exchange, used


async def test_words_drafts_and_images_come_in_their_order(client: genai.Client) -> None:
    pieces, exchange, used = await pieces_of(client, ImageRequest("explain 3 + 4 step by step"))
    kinds = [type(piece) for piece in pieces]
    assert kinds == [Draft, Words, Made, Words, Made, Words, Made]
    assert exchange is not None
    assert exchange.size > 10_000
    assert len(used) == 1


async def test_a_chat_goes_back_exactly_as_it_came(strict: genai.Client) -> None:
    """The emulator refuses a model turn that comes back without its signatures."""
    _, first, _ = await pieces_of(strict, ImageRequest("draw a red circle"))
    assert first is not None
    request = ImageRequest("make it grey", history=(first,), edits=True)
    pieces, second, _ = await pieces_of(strict, request)
    assert second is not None
    pixels = np.asarray(Image.open(io.BytesIO(pieces[-1].data)).convert("RGB")).astype(int)  # type: ignore[union-attr]  # the last is the image
    assert np.ptp(pixels, axis=2).max() < 12
    pieces, _, _ = await pieces_of(strict, ImageRequest("undo", history=(first, second)))
    assert isinstance(pieces[-1], Made)


async def test_a_chat_without_its_signatures_is_refused(strict: genai.Client) -> None:
    """So that the test above can fail."""
    _, first, _ = await pieces_of(strict, ImageRequest("draw a red circle"))
    assert first is not None
    contents = tuple(content.model_copy(deep=True) for content in first.contents)
    for part in contents[1].parts or []:
        part.thought_signature = None
    with pytest.raises(ImageModelFailed):
        await pieces_of(strict, ImageRequest("undo", history=(Exchange(contents, 1),)))


async def test_an_answer_that_breaks_off_tells_after_what_came() -> None:
    events = [{"candidates": [candidate({"text": "First."}, image_part(b"one"))]}]

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: " + json.dumps(events[0]).encode() + b"\r\n\r\n")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with server(answer) as client:  # type: ignore[arg-type]  # any response will do
        answered = ImageModel(client, ImageSettings()).ask(ImageRequest("a cat"))
        pieces: list[Piece] = []
        with pytest.raises(ImageModelFailed):
            async for piece in answered.pieces():
                pieces.append(piece)
    assert pieces == [Words("First."), Made("image/png", b"one")]
    assert answered.exchange is None


async def test_settings_of_the_wish_go_before_the_rooms() -> None:
    bodies: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        return web.json_response({"candidates": [candidate(image_part(b"x"))]})

    async with server(answer) as client:
        request = ImageRequest("a cat", aspect_ratio="16:9", size="2K", seed=7)
        await pieces_of(client, request)
    config = bodies[0]["generationConfig"]
    assert config["imageConfig"] == {"aspectRatio": "16:9", "imageSize": "2K"}
    assert config["seed"] == 7
    assert config["thinkingConfig"] == {"include_thoughts": True}


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
