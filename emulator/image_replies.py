"""The bodies of answers: candidates, parts, signatures, usage, failures. Pure.

A thought signature is a hash of the part it belongs to, so that a strict endpoint can tell, without
remembering anything, whether a model turn came back as it was sent.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

from emulator.image_models import IMAGE_TOKENS, INPUT_IMAGE_TOKENS
from emulator.image_requests import ImageRequest, Part
from emulator.image_triggers import Trigger
from emulator.json_types import JSON, JsonObject

RETRY_AFTER_S: Final = 7
THOUGHT_TOKENS: Final = 180
CHARACTERS_PER_TOKEN: Final = 4
_SALT: Final = b"easel emulator thought signature\0"

_BLOCKS: Final = {
    Trigger.PROMPT_BLOCKED: "PROHIBITED_CONTENT",
    Trigger.PROMPT_UNSAFE: "IMAGE_SAFETY",
}
_FINISHES: Final = {
    Trigger.IMAGE_UNSAFE: "IMAGE_SAFETY",
    Trigger.RECITATION: "IMAGE_RECITATION",
    Trigger.NO_IMAGE: "NO_IMAGE",
}
_STATUSES: Final = {
    Trigger.QUOTA: (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota."),
    Trigger.OVERLOADED: (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    Trigger.BROKEN: (500, "INTERNAL", "An internal error has occurred."),
}


@dataclass(frozen=True)
class Reply:
    """What the model answers. `image` is None when there is no picture.

    `drafts` are thoughts; `more` are further words and pictures of the same answer.
    """

    image: bytes | None = None
    mime_type: str = ""
    text: str = ""
    thoughts: tuple[str, ...] = ()
    drafts: tuple[bytes, ...] = ()
    more: tuple[tuple[str, bytes], ...] = ()
    finish: str = "STOP"
    block: str = ""


def signature_of(content: bytes) -> bytes:
    """The thought signature of a part's bytes or UTF-8 text."""
    return hashlib.sha256(_SALT + content).digest()


def missing_signature(request: ImageRequest) -> str:
    """Where an echoed model turn lacks its signatures, '' when it has all of them.

    Wanted on every picture that is no thought, and on the first text of a turn before any picture.
    """
    for index, turn in enumerate(request.turns):
        if turn.role != "model":
            continue
        first = True
        for number, part in enumerate(turn.parts):
            if part.thought:
                continue
            if (part.data is not None or first) and not _is_signed(part):
                return f"contents[{index}].parts[{number}]"
            first = False
    return ""


def _is_signed(part: Part) -> bool:
    content = part.text.encode() if part.data is None else part.data
    return part.signature == signature_of(content)


def parts_of(reply: Reply) -> list[JSON]:
    """The parts of the answer in the order in which they stream."""
    parts: list[JSON] = [{"text": text, "thought": True} for text in reply.thoughts]
    for draft in reply.drafts:
        parts.append({"inlineData": _inline(draft, reply.mime_type), "thought": True})
    if reply.text:
        signature = _base64(signature_of(reply.text.encode()))
        parts.append({"text": reply.text, "thoughtSignature": signature})
    if reply.image is not None:
        parts.append(_signed(reply.image, reply.mime_type))
    for text, image in reply.more:
        parts += [{"text": text}, _signed(image, reply.mime_type)]
    return parts


def _signed(image: bytes, mime_type: str) -> JsonObject:
    signature = _base64(signature_of(image))
    return {"inlineData": _inline(image, mime_type), "thoughtSignature": signature}


def whole(request: ImageRequest, reply: Reply, model: str, number: int) -> JsonObject:
    """The body of an unstreamed answer."""
    body = _frame(model, number)
    body["usageMetadata"] = usage(request, reply)
    if reply.block:
        body["promptFeedback"] = {"blockReason": reply.block}
        return body
    candidate: JsonObject = {"index": 0, "finishReason": reply.finish}
    parts = parts_of(reply)
    if parts:
        candidate["content"] = {"role": "model", "parts": parts}
    body["candidates"] = [candidate]
    return body


def streamed(request: ImageRequest, reply: Reply, model: str, number: int) -> list[JsonObject]:
    """The events of a streamed answer: one for each part, the last one with the finish."""
    parts = parts_of(reply)
    if reply.block or not parts:
        return [whole(request, reply, model, number)]
    events: list[JsonObject] = []
    for index, part in enumerate(parts):
        candidate: JsonObject = {"index": 0, "content": {"role": "model", "parts": [part]}}
        event = _frame(model, number)
        if index == len(parts) - 1:
            candidate["finishReason"] = reply.finish
            event["usageMetadata"] = usage(request, reply)
        event["candidates"] = [candidate]
        events.append(event)
    return events


def usage(request: ImageRequest, reply: Reply) -> JsonObject:
    """Token counts by modality."""
    images = sum(len(turn.images) for turn in request.turns) * INPUT_IMAGE_TOKENS
    texts = sum(_tokens(part.text) for turn in request.turns for part in turn.parts)
    pictures = (reply.image is not None) + len(reply.more)
    drawn = IMAGE_TOKENS[request.size_or_default] * pictures
    told = _tokens(reply.text) + sum(_tokens(text) for text, _ in reply.more)
    thought = THOUGHT_TOKENS if reply.thoughts else 0
    counts: JsonObject = {
        "promptTokenCount": images + texts,
        "totalTokenCount": images + texts + drawn + told + thought,
        "promptTokensDetails": _details(TEXT=texts, IMAGE=images),
    }
    if drawn or told:
        counts["candidatesTokenCount"] = drawn + told
        counts["candidatesTokensDetails"] = _details(IMAGE=drawn, TEXT=told)
    if thought:
        counts["thoughtsTokenCount"] = thought
    return counts


def failing_reply(trigger: Trigger) -> Reply | None:
    """The answer with status 200 that a trigger brings about, None for the others."""
    if trigger in _BLOCKS:
        return Reply(block=_BLOCKS[trigger])
    if trigger in _FINISHES:
        return Reply(finish=_FINISHES[trigger])
    if trigger is Trigger.TEXT_ONLY:
        return Reply(text="I can describe it, but I made no picture.")
    return None


def failing_status(trigger: Trigger) -> tuple[int, JsonObject] | None:
    """The HTTP status and body that a trigger brings about, None for the others."""
    if trigger not in _STATUSES:
        return None
    status, name, message = _STATUSES[trigger]
    details: list[JSON] = []
    if status == 429:
        retry: JsonObject = {
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": f"{RETRY_AFTER_S}s",
        }
        details.append(retry)
    return status, error_body(status, name, message, details)


def error_body(
    status: int, name: str, message: str, details: list[JSON] | None = None
) -> JsonObject:
    """An error in Google's form."""
    error: JsonObject = {"code": status, "message": message, "status": name}
    if details:
        error["details"] = details
    return {"error": error}


def _frame(model: str, number: int) -> JsonObject:
    return {"modelVersion": model, "responseId": f"easel-emulator-{number}"}


def _inline(data: bytes, mime_type: str) -> JsonObject:
    return {"mimeType": mime_type, "data": _base64(data)}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def _details(**counts: int) -> list[JSON]:
    return [{"modality": name, "tokenCount": count} for name, count in counts.items() if count]
