"""What the Live API said, as a closed set of small values. Pure; `messages.py` makes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from processors.frames import Role, ToolCall

OUTPUT_HZ: Final = 24_000  # where the MIME type does not say
MAX_RATE_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """PCM16 little endian, mono."""

    pcm: bytes
    sample_rate: int


@dataclass(frozen=True, slots=True)
class ModelText:
    text: str
    thought: bool


@dataclass(frozen=True, slots=True)
class ModelImage:
    """No Live model sends one today; one that does is shown."""

    mime_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Transcript:
    """`replaces`: the text stands for the whole utterance so far, not for a fragment."""

    role: Role
    text: str
    finished: bool
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Interrupted:
    pass


@dataclass(frozen=True, slots=True)
class GenerationComplete:
    pass


@dataclass(frozen=True, slots=True)
class TurnComplete:
    """`in_progress`: an extended-thinking model will go on by itself."""

    reason: str | None
    in_progress: bool


@dataclass(frozen=True, slots=True)
class VoiceActivityEvent:
    started: bool


@dataclass(frozen=True, slots=True)
class ToolCalls:
    calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class ToolsCancelled:
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GoAway:
    time_left_s: float


@dataclass(frozen=True, slots=True)
class HandleUpdate:
    """`handle` is None while the session cannot be resumed from here."""

    handle: str | None
    last_consumed_index: int | None


@dataclass(frozen=True, slots=True)
class Usage:
    """The API's `usageMetadata`, camelCase, without absent fields."""

    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Citations:
    """The API's `groundingMetadata` or `urlContextMetadata`."""

    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The link's own word: what was being said on this connection will not be finished.

    `answer_broken`: an answer was being given. `utterance_again`: what the user was saying goes
    to the next connection, so that its words come again.
    """

    answer_broken: bool = False
    utterance_again: bool = False


@dataclass(frozen=True, slots=True)
class AudioDropped:
    """The link's own word, too: so much of what was said could not be kept."""

    seconds: float


LiveEvent = (
    AudioChunk
    | ModelText
    | ModelImage
    | Transcript
    | Interrupted
    | GenerationComplete
    | TurnComplete
    | VoiceActivityEvent
    | ToolCalls
    | ToolsCancelled
    | GoAway
    | HandleUpdate
    | Usage
    | Citations
    | Disconnected
    | AudioDropped
)


def rate_of(mime: str) -> int:
    """Samples a second, of a MIME type such as "audio/pcm;rate=24000"."""
    for parameter in mime.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name == "rate" and value.isdecimal() and len(value) <= MAX_RATE_DIGITS:
            return int(value)
    return OUTPUT_HZ
