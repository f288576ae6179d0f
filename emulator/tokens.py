"""What a session's input and output would cost: a token meter by modality; pure."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import Final

from emulator.json_types import JSON, JsonObject
from emulator.live_setup import Backend, Compression

AUDIO_TOKENS_PER_S: Final = 25
FRAME_TOKENS: Final = 258
CHARACTERS_PER_TOKEN: Final = 4
CONTEXT_TOKENS: Final = 131_072


class Modality(Enum):
    TEXT = "TEXT"
    AUDIO = "AUDIO"
    VIDEO = "VIDEO"


class TokenMeter:
    """Counts the context and the current answer. The whole context is billed at every turn."""

    def __init__(self, compression: Compression | None) -> None:
        # A resuming connection may bring another.
        self.compression = compression
        self._context: Counter[Modality] = Counter()
        self._answer: Counter[Modality] = Counter()
        self._thoughts = 0
        # Audio arrives in slices shorter than a token; the rest must not be lost.
        self._audio_in_s = 0.0

    @property
    def context_tokens(self) -> int:
        """Tokens of everything the model would read now."""
        return self._context.total()

    @property
    def exhausted(self) -> bool:
        """True when the context no longer fits, which is fatal for the session."""
        return self.context_tokens > CONTEXT_TOKENS

    def hear(self, seconds: float) -> None:
        """Audio that became part of the context."""
        self._audio_in_s += seconds
        tokens = int(self._audio_in_s * AUDIO_TOKENS_PER_S)
        self._audio_in_s -= tokens / AUDIO_TOKENS_PER_S
        self._add(Modality.AUDIO, tokens)

    def see_frame(self) -> None:
        """One still frame or image."""
        self._add(Modality.VIDEO, FRAME_TOKENS)

    def read(self, text: str) -> None:
        """Text input, tool results and instructions included."""
        self._add(Modality.TEXT, text_tokens(text))

    def speak(self, seconds: float) -> None:
        """Audio of the current answer."""
        self._answer[Modality.AUDIO] += round(seconds * AUDIO_TOKENS_PER_S)

    def write(self, text: str) -> None:
        """Text of the current answer: a text-only answer, calls, transcripts of the output."""
        self._answer[Modality.TEXT] += text_tokens(text)

    def think(self, text: str) -> None:
        """Thoughts of the current answer."""
        self._thoughts += text_tokens(text)

    def prompt_usage(self, backend: Backend) -> JsonObject:
        """`usageMetadata` before the output: the prompt alone."""
        return self._usage(Counter(), 0, backend)

    def finish_turn(self, backend: Backend) -> JsonObject:
        """`usageMetadata` of the turn; its answer then joins the context."""
        usage = self._usage(self._answer, self._thoughts, backend)
        answer, self._answer = self._answer, Counter()
        self._thoughts = 0
        for modality, tokens in answer.items():
            self._add(modality, tokens)
        return usage

    def _usage(self, answer: Counter[Modality], thoughts: int, backend: Backend) -> JsonObject:
        response = "response" if backend is Backend.MLDEV else "candidates"
        usage: JsonObject = {"promptTokenCount": self.context_tokens}
        if answer.total():
            usage[f"{response}TokenCount"] = answer.total()
        if thoughts:
            usage["thoughtsTokenCount"] = thoughts
        # The real total leaves the thoughts out.
        usage["totalTokenCount"] = self.context_tokens + answer.total()
        if self.context_tokens:
            usage["promptTokensDetails"] = _details(self._context)
        if answer.total():
            usage[f"{response}TokensDetails"] = _details(answer)
        return usage

    def _add(self, modality: Modality, tokens: int) -> None:
        self._context[modality] += tokens
        compression = self.compression
        if compression is not None and self.context_tokens > compression.trigger:
            share = compression.target / self.context_tokens
            for kept in self._context:
                self._context[kept] = int(self._context[kept] * share)


def text_tokens(text: str) -> int:
    """A rough count: four characters a token, at least one for any text."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def _details(counts: Counter[Modality]) -> list[JSON]:
    return [
        {"modality": modality.value, "tokenCount": tokens}
        for modality, tokens in counts.items()
        if tokens
    ]
