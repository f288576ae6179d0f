"""What an image model answered, judged: facts in, findings out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.doctor.checks import Finding, Verdict, finding, judged, skipped

FORMATS: Final = frozenset({"image/jpeg", "image/png", "image/webp"})
GENERATED: Final = ("image", "image format", "image signature", "image usage")
REFUSING_STATUSES: Final = range(400, 404)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One image that is no thought. `shown_as` is what Pillow takes its bytes for, "" for none."""

    mime_type: str
    size: int
    shown_as: str
    width: int
    height: int
    signed: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is an HTTP status other than 200, or 0; `error` its words.

    `usage` is `usageMetadata` in camel case.
    """

    images: tuple[Drawn, ...] = ()
    thoughts: int = 0
    words: str = ""
    finish: str = ""
    block: str = ""
    usage: Mapping[str, Any] | None = None
    status: int = 0
    error: str = ""


def generated(answer: Answer) -> list[Finding]:
    """A wish for an image."""
    image = _one("image", answer)
    if not answer.images:
        return [image, *skipped(GENERATED[1:], "there was no image")]
    drawn = answer.images[-1]
    kind = f"{drawn.mime_type}, {drawn.width} x {drawn.height}, {drawn.size:,} bytes"
    honest = drawn.mime_type in FORMATS and drawn.shown_as == drawn.mime_type
    if not honest:
        kind += f"; its bytes are {drawn.shown_as or 'no image'}"
    signature = "a thoughtSignature" if drawn.signed else "no thoughtSignature"
    return [
        image,
        judged("image format", honest, kind),
        judged("image signature", drawn.signed, signature),
        _usage(answer),
    ]


def _one(name: str, answer: Answer) -> Finding:
    count = len(answer.images)
    if count == 0:
        return judged(name, False, _without_image(answer))
    thoughts = f", {answer.thoughts} thoughts" if answer.thoughts else ""
    return judged(name, count == 1, f"{count} image{'s' if count > 1 else ''}{thoughts}")


def _usage(answer: Answer) -> Finding:
    usage = answer.usage or {}
    details = usage.get("candidatesTokensDetails") or []
    tokens = sum(int(d.get("tokenCount") or 0) for d in details if d.get("modality") == "IMAGE")
    counts = ", ".join(f"{name} {count}" for name, count in usage.items() if name.endswith("Count"))
    if not tokens:
        return judged("image usage", False, counts or "no usageMetadata")
    return judged("image usage", bool(usage.get("totalTokenCount")), f"{tokens} of IMAGE; {counts}")


def edited(name: str, answer: Answer) -> Finding:
    """A wish to change an image."""
    return _one(name, answer)


def words_only(answer: Answer) -> Finding:
    """A wish for words: the model may draw nonetheless, and then nothing is known."""
    if answer.images:
        return finding("words only", Verdict.SKIPPED, "it drew an image nonetheless")
    fine = not answer.status and bool(answer.finish)
    return judged("words only", fine, _without_image(answer))


def blocked(answer: Answer) -> Finding:
    """A wish that the emulator refuses; a real model may fulfil it."""
    if answer.images:
        return finding("blocked", Verdict.SKIPPED, "nothing was refused")
    reason = answer.block or (answer.finish if answer.finish != "STOP" else "")
    return judged("blocked", not answer.status and bool(reason), _without_image(answer))


def wrong_key(answer: Answer) -> Finding:
    if not answer.status:
        return judged("image key", False, "it was accepted")
    seen = f"{answer.status} {answer.error}".rstrip()
    return judged("image key", answer.status in REFUSING_STATUSES, seen)


def _without_image(answer: Answer) -> str:
    if answer.status:
        return f"HTTP {answer.status} {answer.error}".rstrip()
    reasons = [
        f"blockReason {answer.block}" if answer.block else "",
        f"finishReason {answer.finish}" if answer.finish else "",
        f"{len(answer.words.split())} words" if answer.words else "",
    ]
    return "no image: " + (", ".join(reason for reason in reasons if reason) or "nothing at all")
