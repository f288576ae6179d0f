from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from emulator.image_models import MODELS
from emulator.image_replies import (
    RETRY_AFTER_S,
    Reply,
    error_body,
    failing_reply,
    failing_status,
    missing_signature,
    parts_of,
    signature_of,
    streamed,
    usage,
    whole,
)
from emulator.image_requests import ImageRequest, parse_untrusted
from emulator.image_triggers import Trigger

FULL = Reply(
    image=b"final", mime_type="image/png", text="Here.", thoughts=("hm",), drafts=(b"draft",)
)


def request(contents: list[Any] | None = None, size: str = "2K") -> ImageRequest:
    body = {
        "contents": contents or [{"parts": [{"text": "draw it"}]}],
        "generationConfig": {"imageConfig": {"imageSize": size}},
    }
    return parse_untrusted(json.dumps(body).encode(), MODELS["gemini-nano-banana-2.1"])


def test_parts_come_in_order_and_signed() -> None:
    thought, draft, text, image = parts_of(FULL)
    assert thought == {"text": "hm", "thought": True}
    assert isinstance(draft, dict) and "thoughtSignature" not in draft and draft["thought"]
    assert isinstance(text, dict) and isinstance(image, dict)
    assert text["thoughtSignature"] == base64.b64encode(signature_of(b"Here.")).decode()
    assert image["thoughtSignature"] == base64.b64encode(signature_of(b"final")).decode()
    assert image["inlineData"] == {
        "mimeType": "image/png",
        "data": base64.b64encode(b"final").decode(),
    }


def test_a_whole_answer() -> None:
    answer = whole(request(), FULL, "m", 7)
    assert answer["modelVersion"] == "m"
    assert answer["responseId"] == "easel-emulator-7"
    assert answer["candidates"] == [
        {
            "index": 0,
            "finishReason": "STOP",
            "content": {"role": "model", "parts": parts_of(FULL)},
        }
    ]
    assert "promptFeedback" not in answer


def test_a_stream_has_one_part_for_each_event() -> None:
    events: list[Any] = streamed(request(), FULL, "m", 7)
    parts = [event["candidates"][0]["content"]["parts"] for event in events]
    assert [part for [part] in parts] == parts_of(FULL)
    assert [event["candidates"][0].get("finishReason") for event in events] == [
        None,
        None,
        None,
        "STOP",
    ]
    assert ["usageMetadata" in event for event in events] == [False, False, False, True]
    assert {event["responseId"] for event in events} == {"easel-emulator-7"}


def test_blocks_and_empty_answers_are_one_event() -> None:
    blocked = Reply(block="SAFETY")
    assert streamed(request(), blocked, "m", 1) == [whole(request(), blocked, "m", 1)]
    answer = whole(request(), blocked, "m", 1)
    assert "candidates" not in answer
    assert answer["promptFeedback"] == {"blockReason": "SAFETY"}
    empty = Reply(finish="NO_IMAGE")
    [event] = streamed(request(), empty, "m", 1)
    assert event["candidates"] == [{"index": 0, "finishReason": "NO_IMAGE"}]


def test_tokens_are_counted_by_modality() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    counts = usage(request([{"parts": [{"text": "12345678"}, picture]}]), FULL)
    assert counts["promptTokenCount"] == 2 + 258
    assert counts["promptTokensDetails"] == [
        {"modality": "TEXT", "tokenCount": 2},
        {"modality": "IMAGE", "tokenCount": 258},
    ]
    assert counts["candidatesTokensDetails"] == [
        {"modality": "IMAGE", "tokenCount": 1680},
        {"modality": "TEXT", "tokenCount": 2},
    ]
    assert counts["candidatesTokenCount"] == 1682
    assert counts["thoughtsTokenCount"] == 180
    assert counts["totalTokenCount"] == 260 + 1682 + 180
    nothing = usage(request(), Reply(finish="NO_IMAGE"))
    assert set(nothing) == {"promptTokenCount", "totalTokenCount", "promptTokensDetails"}


@pytest.mark.parametrize(
    ("trigger", "block", "finish"),
    [
        (Trigger.PROMPT_BLOCKED, "PROHIBITED_CONTENT", "STOP"),
        (Trigger.PROMPT_UNSAFE, "IMAGE_SAFETY", "STOP"),
        (Trigger.IMAGE_UNSAFE, "", "IMAGE_SAFETY"),
        (Trigger.RECITATION, "", "IMAGE_RECITATION"),
        (Trigger.NO_IMAGE, "", "NO_IMAGE"),
        (Trigger.TEXT_ONLY, "", "STOP"),
    ],
)
def test_failures_with_status_200(trigger: Trigger, block: str, finish: str) -> None:
    reply = failing_reply(trigger)
    assert reply is not None
    assert (reply.block, reply.finish, reply.image) == (block, finish, None)
    assert bool(reply.text) == (trigger is Trigger.TEXT_ONLY)
    assert failing_status(trigger) is None


@pytest.mark.parametrize(
    ("trigger", "status", "name"),
    [
        (Trigger.QUOTA, 429, "RESOURCE_EXHAUSTED"),
        (Trigger.OVERLOADED, 503, "UNAVAILABLE"),
        (Trigger.BROKEN, 500, "INTERNAL"),
    ],
)
def test_failures_with_a_status(trigger: Trigger, status: int, name: str) -> None:
    failed: Any = failing_status(trigger)
    assert failed is not None
    assert failed[0] == status
    assert failed[1]["error"]["code"] == status
    assert failed[1]["error"]["status"] == name
    assert failing_reply(trigger) is None


def test_the_quota_says_when_to_come_back() -> None:
    failed: Any = failing_status(Trigger.QUOTA)
    [detail] = failed[1]["error"]["details"]
    assert detail["@type"].endswith("google.rpc.RetryInfo")
    assert detail["retryDelay"] == f"{RETRY_AFTER_S}s"


def test_errors_have_googles_form() -> None:
    assert error_body(404, "NOT_FOUND", "gone") == {
        "error": {"code": 404, "message": "gone", "status": "NOT_FOUND"}
    }


def echoed(*parts: dict[str, Any]) -> ImageRequest:
    return request(
        [
            {"role": "user", "parts": [{"text": "draw"}]},
            {"role": "model", "parts": list(parts)},
            {"role": "user", "parts": [{"text": "again"}]},
        ]
    )


def test_an_echo_as_received_is_complete() -> None:
    parts: list[Any] = parts_of(FULL)
    assert missing_signature(echoed(*parts)) == ""
    assert missing_signature(request()) == ""
    assert missing_signature(echoed(*parts, {"text": "a later text"})) == ""


@pytest.mark.parametrize("dropped", [2, 3])
def test_a_dropped_signature_is_found(dropped: int) -> None:
    parts: list[Any] = parts_of(FULL)
    del parts[dropped]["thoughtSignature"]
    assert missing_signature(echoed(*parts)) == f"contents[1].parts[{dropped}]"


def test_a_signature_of_another_part_is_none() -> None:
    parts: list[Any] = parts_of(FULL)
    parts[3]["thoughtSignature"] = parts[2]["thoughtSignature"]
    assert missing_signature(echoed(*parts)) == "contents[1].parts[3]"


def test_further_words_and_pictures_follow_in_their_order() -> None:
    reply = Reply(image=b"one", mime_type="image/png", text="First.", more=(("Then.", b"two"),))
    parts: list[Any] = parts_of(reply)
    assert [part.get("text") for part in parts] == ["First.", None, "Then.", None]
    assert ["thoughtSignature" in part for part in parts] == [True, True, False, True]
    counts: Any = usage(request(), reply)
    assert {"modality": "IMAGE", "tokenCount": 2 * 1680} in counts["candidatesTokensDetails"]
