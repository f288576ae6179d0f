"""Easel's own frames, beside pipecat's. Only `pipeline/fan_out.py` turns them into messages.

Those that must outlive an interruption are not interruptible (pipecat drops queued frames
that are).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pipecat.frames.frames import DataFrame, SystemFrame


class Role(Enum):
    """As in Gemini's `Content.role`."""

    USER = "user"
    MODEL = "model"


@dataclass
class SpeakerActivityFrame(SystemFrame):
    """The local detector's word: this peer began or ceased to speak."""

    peer_id: str
    speaking: bool


@dataclass
class AudioPausedFrame(SystemFrame):
    """No peer has sent audio for a while: nothing more will close the user's turn."""


@dataclass
class AudioDroppedFrame(SystemFrame):
    """So much of what was said in the room will never reach Gemini: it was away for too long."""

    seconds: float


@dataclass
class UserTextFrame(DataFrame):
    """Text that a peer typed. `run_immediately`: the model should answer now."""

    text: str
    peer_id: str
    run_immediately: bool = True
    interruptible: bool = field(default=False, init=False)


@dataclass
class UserImagesFrame(DataFrame):
    """Images that a peer put into the conversation, with words or without.

    `images` are (MIME type, bytes), decoded and checked before; `kept` are small copies of them
    for the record.
    """

    images: tuple[tuple[str, bytes], ...]
    text: str
    peer_id: str
    run_immediately: bool = True
    kept: tuple[tuple[str, bytes], ...] = ()
    interruptible: bool = field(default=False, init=False)


@dataclass
class TranscriptDeltaFrame(DataFrame):
    """A fragment of what somebody said, to append to what came before in the turn."""

    role: Role
    text: str
    finished: bool = False
    interruptible: bool = field(default=False, init=False)


@dataclass
class TranscriptFrame(DataFrame):
    """One side of a turn so far. `text` is cumulative; a final one is followed by no other.

    Unless it is empty, or followed by a final one that is: then it is said, or given, again.
    """

    role: Role
    turn: int
    text: str
    final: bool
    peer_id: str | None = None
    interrupted: bool = False
    delta: str = ""
    interruptible: bool = field(default=False, init=False)


@dataclass
class GenerationCompleteFrame(DataFrame):
    """Gemini has sent all of the answer; it may still be playing."""

    interruptible: bool = field(default=False, init=False)


@dataclass
class TurnCompleteFrame(DataFrame):
    """Gemini waits for input again. `reason` is the API's, when it gave one."""

    reason: str | None = None
    interruptible: bool = field(default=False, init=False)


@dataclass
class AnswerSoundFrame(DataFrame):
    """A piece of the answer's sound that will be played, unless the answer is cut.

    `heard` as `processors.spoken_text.audible` tells it.
    """

    duration_s: float
    heard: bytes
    interruptible: bool = field(default=False, init=False)


@dataclass
class AnswerBrokenFrame(DataFrame):
    """The connection broke within an answer: what came is played, the rest never comes."""

    interruptible: bool = field(default=False, init=False)


@dataclass
class UtteranceReplayedFrame(DataFrame):
    """What the user was saying goes to the model again, so its words will come again."""

    interruptible: bool = field(default=False, init=False)


@dataclass
class AnswerCutFrame(SystemFrame):
    """An interruption silenced the answer: `heard_s` of the `received_s` had been played."""

    heard_s: float
    received_s: float


@dataclass(frozen=True)
class ToolCall:
    """One function call of the model. `id` is Gemini's, `args` its JSON."""

    id: str
    name: str
    args: Mapping[str, Any]


@dataclass
class ToolCallFrame(DataFrame):
    calls: tuple[ToolCall, ...]
    interruptible: bool = field(default=False, init=False)


@dataclass
class ToolCancelFrame(SystemFrame):
    """The model no longer wants the results of these calls."""

    ids: tuple[str, ...]


@dataclass
class ToolResultFrame(DataFrame):
    """Travels upstream. `response` goes to the model as it is; `scheduling` is the API's, for
    models that take it."""

    call: ToolCall
    response: Mapping[str, Any]
    will_continue: bool = False
    scheduling: str | None = None
    interruptible: bool = field(default=False, init=False)


@dataclass
class ImageEventFrame(DataFrame):
    """What became of an image; the fields of the door's `image-event` but for `seq`."""

    event: Mapping[str, Any]
    interruptible: bool = field(default=False, init=False)


@dataclass
class ModelImageFrame(DataFrame):
    """An image that the Live model itself sent, as it came: not checked yet."""

    data: bytes
    interruptible: bool = field(default=False, init=False)


@dataclass
class ModelThoughtFrame(DataFrame):
    """A piece of what the model thinks before it answers; only when a room asked for it."""

    text: str
    interruptible: bool = field(default=False, init=False)


@dataclass
class CitationsFrame(DataFrame):
    """What the answer rests on: the API's `groundingMetadata` or `urlContextMetadata`."""

    sources: Mapping[str, Any]
    interruptible: bool = field(default=False, init=False)


@dataclass
class ModelNoteFrame(DataFrame):
    """A text for the model that nobody said: a tool that ended (then upstream), a greeting."""

    text: str
    interruptible: bool = field(default=False, init=False)


@dataclass
class ContextNoteFrame(DataFrame):
    """A text for the model that starts no answer: what people did without a word."""

    text: str
    interruptible: bool = field(default=False, init=False)


@dataclass
class UsageFrame(DataFrame):
    """Tokens of one message of the Live API, by the API's names.

    `connection` counts the link's connections, each of which reports by itself.
    """

    usage: Mapping[str, Any]
    connection: int = 0
    interruptible: bool = field(default=False, init=False)


@dataclass
class ImageUsageFrame(DataFrame):
    """Tokens of one request to an image model, by the API's names."""

    usage: Mapping[str, Any]
    model: str
    image_id: str
    interruptible: bool = field(default=False, init=False)


class LinkStatus(Enum):
    """What peers are told of the connection to Gemini."""

    CONNECTING = "connecting"
    READY = "ready"
    RECONNECTING = "reconnecting"
    FAILED = "failed"


@dataclass
class LinkStatusFrame(SystemFrame):
    status: LinkStatus
    sentence: str = ""
