"""An answer's sound and words say what they would through the SDK, all else is left to it."""

import base64
import json
from typing import Any

import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from processors.frames import Role
from processors.gemini.events import AudioChunk, Transcript
from processors.gemini.messages import events_of
from processors.gemini.streamed import streamed_events


def sound(data: bytes, mime: str = "audio/pcm;rate=24000", **more: Any) -> dict[str, Any]:
    blob = {"mimeType": mime, "data": base64.b64encode(data).decode()}
    return {"modelTurn": {"parts": [{"inlineData": blob}], **more}}


def words(text: str, **more: Any) -> dict[str, Any]:
    return {"outputTranscription": {"text": text, **more}}


def written(content: Any, **more: Any) -> bytes:
    return json.dumps({"serverContent": content, **more}).encode()


@given(st.binary(min_size=1, max_size=200), st.sampled_from(["", ";rate=16000", ";rate=48000"]))
def test_sound_is_what_the_sdk_makes_of_it(data: bytes, rate: str) -> None:
    content = sound(data, f"audio/pcm{rate}", role="model")
    by_sdk = types.LiveServerMessage.model_validate({"serverContent": content})
    (event,) = streamed_events(written(content)) or []
    assert isinstance(event, AudioChunk)
    assert [event] == events_of(by_sdk)


@given(st.text(min_size=1))
def test_words_are_what_the_sdk_makes_of_them(text: str) -> None:
    by_sdk = types.LiveServerMessage.model_validate({"serverContent": words(text)})
    assert streamed_events(written(words(text))) == events_of(by_sdk)


def test_both_in_one_message_come_in_the_usual_order() -> None:
    content = sound(b"ab") | words("hi")
    by_sdk = types.LiveServerMessage.model_validate({"serverContent": content})
    assert streamed_events(written(content)) == events_of(by_sdk)
    assert streamed_events(written(content)) == [
        Transcript(Role.MODEL, "hi", False),
        AudioChunk(b"ab", 24_000),
    ]


def test_base64_may_be_that_of_urls() -> None:
    raw = written(sound(b"\xfb\xff\xfe"))
    assert b"+//+" in raw
    assert streamed_events(raw.replace(b"+//+", b"-__-")) == [AudioChunk(b"\xfb\xff\xfe", 24_000)]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"{}",
        written(None),
        written({}),
        written({"turnComplete": True}),
        written(sound(b"ab") | {"turnComplete": True}),
        written(sound(b"ab"), usageMetadata={"totalTokenCount": 1}),
        written(sound(b"")),
        written(sound(b"ab", "image/png")),
        written({"modelTurn": {"parts": []}}),
        written({"modelTurn": {"parts": [{"text": "x"}]}}),
        written({"modelTurn": {"parts": sound(b"ab")["modelTurn"]["parts"] * 2}}),
        written({"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm"}}]}}),
        written(sound(b"ab")).replace(b"YWI=", b"???="),
        written(words("")),
        written(words("x", finished=True)),
        written({"inputTranscription": {"text": "x"}}),
        json.dumps({"setupComplete": {}}).encode(),
    ],
)
def test_all_else_is_for_the_sdk(raw: bytes) -> None:
    assert streamed_events(raw) is None
