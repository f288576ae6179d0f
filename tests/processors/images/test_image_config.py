"""The image request: every lever of the SDK is mapped or explained, and reaches the wire."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, get_args

import pytest
from aiohttp import web
from google import genai
from google.genai import types
from pydantic import BaseModel

from processors.images.image_config import generate_content_config
from processors.images.profiles import check
from processors.images.settings import ImageSettings

# google-genai subclasses aiohttp's ClientSession, of which aiohttp warns.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")

NEW: Final = "gemini-9-image"

EVERYTHING: Final[Mapping[str, Any]] = {
    "model": NEW,
    "aspectRatio": "16:9",
    "size": "2K",
    "systemInstruction": "Draw in ink.",
    "temperature": 0.5,
    "topP": 0.9,
    "topK": 40,
    "maxOutputTokens": 1000,
    "seed": 7,
    "presencePenalty": 0.5,
    "frequencyPenalty": -1,
    "candidateCount": 2,
    "stopSequences": ["END"],
    "safetySettings": {"harassment": "block_none"},
    "mediaResolution": "high",
    "responseModalities": ["image"],
    "thinking": {"level": "high", "includeThoughts": True},
    "googleSearch": True,
    "googleImageSearch": True,
    "serviceTier": "flex",
    "labels": {"team": "art"},
}
"""Every lever that both backends take."""

FOR_VERTEX: Final[Mapping[str, Any]] = {
    "personGeneration": "allow_adult",
    "prominentPeople": "block_prominent_people",
    "outputMimeType": "image/jpeg",
    "outputCompressionQuality": 80,
}
ARMOR: Final = {"modelArmor": {"promptTemplate": "p", "responseTemplate": "r"}}

NOT_OURS: Final[Mapping[type[BaseModel], Mapping[str, str]]] = {
    types.GenerateContentConfig: {
        "audio_timestamp": "the image model hears nothing",
        "audio_transcription_config": "the image model hears nothing",
        "automatic_continuation": "concerns long texts; the SDK's default does no harm",
        "automatic_function_calling": "the image model calls no functions",
        "cached_content": "each request brings its own images",
        "continuation_token": "belongs to one answer, not to a setting",
        "enable_enhanced_civic_answers": "for text answers",
        "generation_output_config": "images are stored by the room",
        "http_options": "the client's: base URL, retries and time limits",
        "logprobs": "images come without token probabilities",
        "model_selection_config": "the setting `model` selects",
        "response_json_schema": "an image has no schema",
        "response_logprobs": "images come without token probabilities",
        "response_mime_type": "for structured text",
        "response_schema": "an image has no schema",
        "routing_config": "the setting `model` selects",
        "should_return_http_response": "how an answer is read is the client's business",
        "speech_config": "the image model says nothing",
        "tool_config": "the image model calls no functions",
    },
    types.ImageConfig: {
        "image_output_options": "the same two values as output_mime_type and "
        "output_compression_quality, which the SDK writes there",
    },
    types.ThinkingConfig: {"thinking_budget": "image models that think take a level"},
    types.SafetySetting: {},
    types.Tool: {
        "code_execution": "an image needs none",
        "computer_use": "there is no computer to use",
        "enterprise_web_search": "google_search is the search of a room",
        "exa_ai_search": "another vendor's key",
        "file_search": "each request brings its own images",
        "function_declarations": "the image model calls no functions",
        "google_maps": "not a source of images",
        "google_search_retrieval": "for models before 2.0",
        "mcp_servers": "the image model calls no functions",
        "parallel_ai_search": "another vendor's key",
        "retrieval": "each request brings its own images",
        "url_context": "each request brings its own images",
    },
    types.WebSearch: {},
    types.ImageSearch: {},
    types.GoogleSearch: {
        "blocking_confidence": "search is on or off",
        "exclude_domains": "search is on or off",
        "time_range_filter": "search is on or off",
    },
    types.SearchTypes: {},
    types.ModelArmorConfig: {},
}
"""What google-genai 2.34 offers and no setting reaches, with the reason."""


NOT_LEVERS: Final = {types.Content, types.Part, types.File}
"""The system instruction is a text."""


def kinds_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {kind for part in get_args(annotation) for kind in kinds_in(part)}


def test_no_kind_of_lever_is_left_out() -> None:
    """Fails when a lever that is mapped leads to a kind that nobody walked through."""
    # The annotation of `tools` says no more than that it is a list.
    waiting: list[type[BaseModel]] = [types.GenerateContentConfig, types.Tool]
    found: set[type[BaseModel]] = set()
    while waiting:
        kind = waiting.pop()
        found.add(kind)
        if kind in NOT_LEVERS:
            continue
        for name, field in kind.model_fields.items():
            if name not in NOT_OURS.get(kind, {}):
                waiting += kinds_in(field.annotation) - found
    assert found == set(NOT_OURS) | NOT_LEVERS


def configured(**given: Any) -> types.GenerateContentConfig:
    return generate_content_config(ImageSettings.model_validate(given))


def objects_in(value: object) -> list[BaseModel]:
    """`value` and everything of the SDK within it."""
    if isinstance(value, list):
        return [inner for each in value for inner in objects_in(each)]
    if not isinstance(value, BaseModel):
        return []
    inner = [
        part for field in type(value).model_fields for part in objects_in(getattr(value, field))
    ]
    return [value, *inner]


@pytest.mark.parametrize("kind", NOT_OURS, ids=lambda kind: kind.__name__)
def test_every_lever_is_mapped_or_explained(kind: type[BaseModel]) -> None:
    """Fails when an upgrade of google-genai brings a lever: map it, or say here why not."""
    method = [{"category": "harassment", "threshold": "off", "method": "severity"}]
    configs = [
        configured(**{**EVERYTHING, "safetySettings": method}, **FOR_VERTEX, store=False),
        configured(**ARMOR),
    ]
    ours = [part for config in configs for part in objects_in(config) if type(part) is kind]
    assert ours
    mapped = {
        field for part in ours for field in kind.model_fields if getattr(part, field) is not None
    }
    assert mapped & set(NOT_OURS[kind]) == set()
    assert mapped | set(NOT_OURS[kind]) == set(kind.model_fields)


def test_by_default_only_the_modalities_are_sent() -> None:
    assert configured().model_dump(exclude_none=True) == {"response_modalities": ["TEXT", "IMAGE"]}


def test_searches() -> None:
    web_search, image_search = types.WebSearch(), types.ImageSearch()
    for given, expected in (
        ({"googleSearch": True}, types.GoogleSearch()),
        (
            {"googleImageSearch": True},
            types.GoogleSearch(search_types=types.SearchTypes(image_search=image_search)),
        ),
        (
            {"googleImageSearch": True, "googleSearch": True},
            types.GoogleSearch(
                search_types=types.SearchTypes(web_search=web_search, image_search=image_search)
            ),
        ),
    ):
        assert configured(**given).tools == [types.Tool(google_search=expected)]


@asynccontextmanager
async def image_server() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """An HTTP server that keeps what it was sent and answers with an empty candidate."""
    received: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        received.append({"path": request.path, **json.loads(await request.read())})
        return web.json_response({"candidates": [{"finishReason": "NO_IMAGE"}]})

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", received
    finally:
        await runner.cleanup()


async def request_of(config: types.GenerateContentConfig, *, vertex: bool) -> dict[str, Any]:
    """The body that google-genai really sends for `config`."""
    async with image_server() as (url, received):
        client = genai.Client(
            vertexai=vertex, api_key="key", http_options=types.HttpOptions(base_url=url)
        )
        try:
            await client.aio.models.generate_content(model=NEW, contents="a cat", config=config)
        finally:
            await client.aio.aclose()
            client.close()
    (body,) = received
    return body


def plain(value: Any) -> Any:
    """JSON as the server reads it: the SDK mixes both spellings of a key."""
    if isinstance(value, dict):
        return {key.replace("_", "").lower(): plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list) else value


GENERATION: Final[Mapping[str, Any]] = {
    "temperature": 0.5,
    "topP": 0.9,
    "topK": 40,
    "candidateCount": 2,
    "maxOutputTokens": 1000,
    "stopSequences": ["END"],
    "presencePenalty": 0.5,
    "frequencyPenalty": -1,
    "seed": 7,
    "responseModalities": ["IMAGE"],
    "mediaResolution": "MEDIA_RESOLUTION_HIGH",
    "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "HIGH"},
}
AROUND: Final[Mapping[str, Any]] = {
    "contents": [{"parts": [{"text": "a cat"}], "role": "user"}],
    "systemInstruction": {"parts": [{"text": "Draw in ink."}], "role": "user"},
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    "tools": [{"googleSearch": {"searchTypes": {"webSearch": {}, "imageSearch": {}}}}],
    "labels": {"team": "art"},
    "serviceTier": "flex",
}


async def test_everything_reaches_the_gemini_api() -> None:
    given = {**EVERYTHING, "store": False}
    assert check(ImageSettings.model_validate(given), vertex=False) == []
    assert plain(await request_of(configured(**given), vertex=False)) == plain(
        {
            "path": f"/v1beta/models/{NEW}:generateContent",
            **AROUND,
            "store": False,
            "generationConfig": {
                **GENERATION,
                "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
            },
        }
    )


async def test_everything_reaches_vertex() -> None:
    given = {**EVERYTHING, **FOR_VERTEX}
    assert check(ImageSettings.model_validate(given), vertex=True) == []
    assert plain(await request_of(configured(**given), vertex=True)) == plain(
        {
            "path": f"/v1beta1/publishers/google/models/{NEW}:generateContent",
            **AROUND,
            "generationConfig": {
                **GENERATION,
                "imageConfig": {
                    "aspectRatio": "16:9",
                    "imageSize": "2K",
                    "personGeneration": "ALLOW_ADULT",
                    "prominentPeople": "BLOCK_PROMINENT_PEOPLE",
                    "imageOutputOptions": {"mimeType": "image/jpeg", "compressionQuality": 80},
                },
            },
        }
    )


async def test_model_armor_reaches_vertex() -> None:
    body = await request_of(configured(**ARMOR), vertex=True)
    assert plain(body["modelArmorConfig"]) == {
        "prompttemplatename": "p",
        "responsetemplatename": "r",
    }


@pytest.mark.parametrize(
    ("given", "vertex", "name"),
    [
        ({"personGeneration": "allow_all"}, False, "person_generation"),
        ({"prominentPeople": "allow_prominent_people"}, False, "prominent_people"),
        ({"outputMimeType": "image/png"}, False, "output_mime_type"),
        (ARMOR, False, "model_armor_config"),
        ({"store": True}, True, "store"),
        (
            {
                "safetySettings": [
                    {"category": "harassment", "threshold": "off", "method": "severity"}
                ]
            },
            False,
            "method",
        ),
    ],
)
async def test_what_is_refused_is_what_the_sdk_refuses(
    given: dict[str, Any], vertex: bool, name: str
) -> None:
    """The profile's refusals hold as long as the SDK still raises."""
    assert check(ImageSettings.model_validate(given), vertex=vertex)
    with pytest.raises(ValueError, match=name):
        await request_of(configured(**given), vertex=vertex)
