"""What a session knows: everything that a resumption handle must bring back."""

from __future__ import annotations

import copy
import dataclasses
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from emulator.fault_plan import FaultHistory
from emulator.json_types import JsonObject
from emulator.live_setup import DeclaredTool, LiveSetup
from emulator.minds import EyeLike, Mind, Reply
from emulator.tokens import TokenMeter
from emulator.tool_calls import ToolLedger
from emulator.user_audio import UserAudio

MAX_WAITING_PROMPTS: Final = 32


@dataclass(frozen=True, slots=True)
class Prompt:
    """Something for the model to answer: an utterance, words, or a reply that is made already.

    `kind` is `audio`, `text`, `content`, `tool` or `scenario`; `audio` are the samples of the
    connection's sound that an utterance has, from and to.
    """

    kind: str
    started_at: float
    text: str = ""
    pcm: bytes = b""
    reply: Reply | None = None
    audio: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a snapshot was taken: the connection, and what of it the snapshot knows.

    `audio_samples` (16 kHz) of its sound were consumed, and it had made `calls` calls.
    """

    connection: int
    audio_samples: int
    calls: int

    def to_json(self) -> JsonObject:
        """As a record shows it."""
        return {
            "id": self.connection,
            "audio_samples": self.audio_samples,
            "calls": self.calls,
        }


@dataclass
class Memory:
    """One session's mind and senses, across the connections that resume it.

    `unanswered` are the user's words that no output has answered yet, `unheard` the utterances
    (PCM16 mono 16 kHz by turn) at which the ears are still at work; `waiting` prompts wait for the
    floor, the oldest dropped beyond MAX_WAITING_PROMPTS. A `poisoned` memory `dies` at the first
    prompt after every resumption. `origin` is None but in a snapshot and what resumes it.
    `asked` are the words that the last answer answered and `said` its own, as far as they were sent
    or told; `broken` is what was cut of it: all of its words, and the calls that were not made.
    `called` are functions that the client says were called already for what it repeats.
    """

    model_id: str
    mind: Mind
    eyes: EyeLike
    meter: TokenMeter
    ledger: ToolLedger
    user: UserAudio
    tools: tuple[DeclaredTool, ...]
    user_setup: tuple[object, ...]
    history: FaultHistory
    instruction: str = ""
    origin: Origin | None = None
    seeding: bool = False
    unanswered: list[str] = field(default_factory=list)
    waiting: deque[Prompt] = field(default_factory=lambda: deque(maxlen=MAX_WAITING_PROMPTS))
    unheard: dict[int, bytes] = field(default_factory=dict)
    last_role: str = "user"
    turn_number: int = 0
    age_s: float = 0.0
    sees: bool = False
    user_started_at: float = 0.0
    poisoned: bool = False
    dies: bool = False
    asked: str = ""
    broken: Reply | None = None
    said: str = ""
    called: list[str] = field(default_factory=list)

    def snapshot(self, age_s: float, origin: Origin | None = None) -> Memory:
        """A copy that later changes do not touch."""
        taken = copy.deepcopy(self)
        taken.age_s = age_s
        taken.origin = origin
        return taken

    def adopt(self, setup: LiveSetup) -> None:
        """Take over what a resuming connection's setup may change."""
        self.tools = setup.tools
        if setup.instruction:
            self.instruction = setup.instruction
        self.meter.compression = setup.compression
        self.dies = self.poisoned
        # Their sound came on a connection that is gone.
        self.waiting = deque(
            (dataclasses.replace(prompt, audio=None) for prompt in self.waiting),
            maxlen=MAX_WAITING_PROMPTS,
        )
        if self.user_setup != activity_setup(setup):
            self.user = UserAudio(setup)
            self.user_setup = activity_setup(setup)


def activity_setup(setup: LiveSetup) -> tuple[object, ...]:
    """The part of a setup that decides how activity is found."""
    return (setup.manual_activity, setup.detection)
