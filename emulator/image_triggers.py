"""Words in a prompt that make the image endpoint fail on purpose. Pure data.

They are documented in docs/emulator-brain.md; each is matched as whole words, in any case.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Trigger(StrEnum):
    """What a word brings about."""

    PROMPT_BLOCKED = "promptFeedback.blockReason PROHIBITED_CONTENT"
    PROMPT_UNSAFE = "promptFeedback.blockReason IMAGE_SAFETY"
    IMAGE_UNSAFE = "finishReason IMAGE_SAFETY"
    RECITATION = "finishReason IMAGE_RECITATION"
    NO_IMAGE = "finishReason NO_IMAGE"
    TEXT_ONLY = "text, no image, finishReason STOP"
    GARBLED = "a part that says image and is none"
    QUOTA = "429 RESOURCE_EXHAUSTED"
    OVERLOADED = "503 UNAVAILABLE"
    BROKEN = "500 INTERNAL"


WORDS: Final[tuple[tuple[str, Trigger], ...]] = (
    ("forbidden", Trigger.PROMPT_BLOCKED),
    ("blocked prompt", Trigger.PROMPT_UNSAFE),
    ("unsafe", Trigger.IMAGE_UNSAFE),
    ("copyrighted", Trigger.RECITATION),
    ("no image", Trigger.NO_IMAGE),
    ("only text", Trigger.TEXT_ONLY),
    ("garbled", Trigger.GARBLED),
    ("quota", Trigger.QUOTA),
    ("overloaded", Trigger.OVERLOADED),
    ("server error", Trigger.BROKEN),
)
# Each makes the answer that many seconds later.
DELAYS_S: Final[tuple[tuple[str, float], ...]] = (("very slow", 30.0), ("slow", 5.0))


def trigger_in(prompt: str) -> Trigger | None:
    """The first trigger of WORDS that the prompt holds."""
    for words, trigger in WORDS:
        if _holds(prompt, words):
            return trigger
    return None


def delay_s(prompt: str) -> float:
    """The extra seconds that the prompt asks for."""
    return next((seconds for words, seconds in DELAYS_S if _holds(prompt, words)), 0.0)


def _holds(prompt: str, words: str) -> bool:
    return re.search(rf"\b{words}\b", prompt, re.IGNORECASE) is not None
