from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.image_models import MODELS
from emulator.image_requests import ImageRequest, ImageRequestError, parse_untrusted

NEWEST = MODELS["gemini-nano-banana-2.1"]
BYTES = bytes([255, 254, 251, 239, 190])


def body(parts: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": parts or [{"text": "draw"}]}], **more}


def parse(value: Any, model: str = "gemini-nano-banana-2.1") -> ImageRequest:
    return parse_untrusted(json.dumps(value).encode(), MODELS[model])


def test_the_body_of_the_sdk() -> None:
    """As captured from the SDK: mixed spellings, URL-safe base64 with padding."""
    request = parse(
        {
            "contents": [
                {
                    "parts": [
                        {"text": "draw"},
                        {"inlineData": {"data": "_9j_-w==", "mime_type": "image/jpeg"}},
                    ],
                    "role": "user",
                }
            ],
            "generationConfig": {
                "responseModalities": ["TEXT", "IMAGE"],
                "thinkingConfig": {"include_thoughts": True, "thinking_level": "HIGH"},
                "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
            },
        }
    )
    assert request.prompt == "draw"
    assert request.turns[-1].images == (b"\xff\xd8\xff\xfb",)
    assert request.modalities == ("TEXT", "IMAGE")
    assert (request.ratio, request.size, request.include_thoughts) == ("16:9", "2K", True)


def test_snake_case_everywhere() -> None:
    request = parse(
        {
            "contents": {"parts": {"text": "draw", "thought_signature": "_w=="}},
            "generation_config": {
                "response_modalities": ["image"],
                "thinking_config": {"include_thoughts": True},
                "image_config": {"aspect_ratio": "1:8", "image_size": "4K"},
            },
            "safety_settings": [],
            "system_instruction": {"parts": [{"text": "x"}]},
        }
    )
    assert (request.ratio, request.size, request.include_thoughts) == ("1:8", "4K", True)
    assert request.modalities == ("IMAGE",)
    assert request.turns[0].parts[0].signature == b"\xff"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padded", [True, False])
def test_both_alphabets(encode: Any, padded: bool) -> None:
    text = encode(BYTES).decode()
    inline = {"mimeType": "image/png", "data": text if padded else text.rstrip("=")}
    assert parse(body([{"inline_data": inline}])).turns[0].images == (BYTES,)


def test_defaults() -> None:
    request = parse(body())
    assert (request.ratio, request.size, request.modalities) == ("", "", ())
    assert (request.ratio_or_default, request.size_or_default) == ("1:1", "1K")
    assert not request.include_thoughts
    assert request.turns[0].role == "user"


def test_thoughts_are_neither_text_nor_pictures() -> None:
    picture = {"mimeType": "image/png", "data": "AAAA"}
    request = parse(
        {
            "contents": [
                {"parts": [{"text": "one"}]},
                {
                    "role": "model",
                    "parts": [
                        {"text": "hm", "thought": True},
                        {"inlineData": picture, "thought": True},
                        {"text": "here"},
                        {"inlineData": picture},
                    ],
                },
                {"parts": [{"text": "two"}, {"text": "three"}]},
            ]
        }
    )
    assert request.turns[1].text == "here"
    assert len(request.turns[1].images) == 1
    assert request.prompt == "two three"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "object is expected"),
        ({}, "contents is not specified"),
        (body(contents=None), "contents is not specified"),
        (body(nonsense=1), 'Unknown name "nonsense": Cannot find field'),
        (body(contents=[3]), "object is expected"),
        (body(contents=[{"parts": []}]), "between 1 and"),
        (body(contents=[{"role": "user"}]), "between 1 and"),
        (body(contents=[{"role": "king", "parts": [{"text": "x"}]}]), "valid role"),
        (body(contents=[{"role": "model", "parts": [{"text": "x"}]}]), "last turn"),
        (body(contents=[{"parts": [{"text": "x"}]}] * 201), "More than 200 contents"),
        (body([{"text": ""}]), "must have a text"),
        (body([{"inlineData": {"mimeType": "image/png", "data": "!"}}]), "Base64"),
        (body([{"inlineData": {"mimeType": "audio/wav", "data": ""}}]), "only images"),
        (body([{"fileData": {"fileUri": "x"}}]), "keeps no files"),
        (body([{"text": "x", "thoughtSignature": "!"}]), "Base64"),
        (body(generationConfig=7), "generation_config"),
        (body(generationConfig={"responseModalities": ["AUDIO"]}), "modalities"),
        (body(generationConfig={"imageConfig": {"aspectRatio": "7:5"}}), "aspect_ratio"),
        (body(generationConfig={"imageConfig": {"imageSize": "1k"}}), "image_size"),
        (body(generationConfig={"imageConfig": {"imageSize": ["1K"]}}), "image_size"),
        (body(generationConfig={"imageConfig": {"imageSize": "512"}}), "not supported"),
        (
            body(generationConfig={"imageConfig": {"outputMimeType": "image/png"}}),
            "outputMimeType.*image_config",
        ),
    ],
)
def test_wrong_requests(value: Any, message: str) -> None:
    with pytest.raises(ImageRequestError, match=message) as caught:
        parse(value)
    assert (caught.value.status, caught.value.name) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json(raw: bytes) -> None:
    with pytest.raises(ImageRequestError, match="Invalid JSON"):
        parse_untrusted(raw, NEWEST)


def test_what_models_accept_differs() -> None:
    narrow = body(generationConfig={"imageConfig": {"aspectRatio": "1:8"}})
    assert parse(narrow).ratio == "1:8"
    with pytest.raises(ImageRequestError, match="not supported"):
        parse(narrow, "gemini-3-pro-image")
    small = body(generationConfig={"imageConfig": {"imageSize": "512"}})
    assert parse(small, "gemini-3.1-flash-image").size == "512"
    four = body([{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}] * 4)
    assert len(parse(four).turns[0].images) == 4
    with pytest.raises(ImageRequestError, match="At most 3"):
        parse(four, "gemini-2.5-flash-image")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["contents", "parts", "text", "inlineData", "data", "mimeType", "role", "thought"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_any_json_is_a_request_or_the_one_error(value: Any) -> None:
    try:
        request = parse(value)
    except ImageRequestError:
        return
    assert request.turns[-1].role == "user"


def test_a_seed_is_a_number() -> None:
    assert parse(body()).seed == 0
    assert parse(body(generationConfig={"seed": 7})).seed == 7
    for wrong in ("7", True, 1.5):
        with pytest.raises(ImageRequestError, match="seed"):
            parse(body(generationConfig={"seed": wrong}))
