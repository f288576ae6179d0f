"""What decides how the model answers: a small brain, a written scenario, or an echo.

The parts are described by protocols, so that the Live session needs none of them to be installed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from emulator.closes import Close
from emulator.faults import Fault
from emulator.json_types import JSON, JsonObject


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A call that the model wants to make."""

    name: str
    args: JsonObject


class Words(Enum):
    """When the transcript of an answer leaves; all but ALONG are faults that clients must bear."""

    ALONG = "along"
    # All of it before the sound.
    EARLY = "early"
    # All of it after the turn is complete.
    LATE = "late"
    # Every fragment a second time.
    TWICE = "twice"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: first `after_s` of silence, then calls and words, then a close or a goAway.

    Faults: `stall_s` of silence after the first piece of the words, `words` that leave at another
    time than their sound, `poison` for all handles from now on (see Memory), everything `bundled`
    in one message, and `faults` that are armed when the reply is given.
    """

    say: str = ""
    calls: tuple[ToolRequest, ...] = ()
    after_s: float = 0.0
    close: Close | None = None
    go_away_s: float | None = None
    stall_s: float = 0.0
    words: Words = Words.ALONG
    poison: bool = False
    bundled: bool = False
    faults: tuple[Fault, ...] = ()

    @property
    def empty(self) -> bool:
        """True when nothing at all follows."""
        does = self.say or self.calls or self.close or self.poison or self.faults
        return not does and self.go_away_s is None


def merged(replies: tuple[Reply, ...]) -> Reply:
    """One answer to several results."""
    closes = [reply.close for reply in replies if reply.close]
    times = [reply.go_away_s for reply in replies if reply.go_away_s is not None]
    faults = [reply.words for reply in replies if reply.words is not Words.ALONG]
    return Reply(
        say=" ".join(reply.say for reply in replies if reply.say),
        calls=tuple(call for reply in replies for call in reply.calls),
        after_s=max(reply.after_s for reply in replies),
        close=closes[0] if closes else None,
        go_away_s=times[0] if times else None,
        stall_s=max(reply.stall_s for reply in replies),
        words=faults[0] if faults else Words.ALONG,
        poison=any(reply.poison for reply in replies),
        bundled=any(reply.bundled for reply in replies),
        faults=tuple(fault for reply in replies for fault in reply.faults),
    )


class Mind(Protocol):
    """Answers for one session. Must survive `copy.deepcopy`: a handle holds a copy of it."""

    def transcript(self) -> str | None:
        """What the next utterance is to be heard as; None asks the ears."""

    def on_user(self, text: str, *, sight: str, tools: frozenset[str]) -> Reply:
        """Answer a user's turn; `sight` describes the latest picture, empty when there is none."""

    def on_tool_result(self, name: str, response: JsonObject) -> Reply:
        """Answer a function's response."""

    def next_at(self) -> float | None:
        """The age of the session in seconds at which `on_time` has something to say."""

    def on_time(self) -> Reply:
        """Speak without being spoken to."""


class EyeLike(Protocol):
    """Looks at pictures and describes them in words."""

    def look(self, image: bytes, now: float) -> None: ...

    def describe(self) -> str: ...


class CallLike(Protocol):
    """A brain's call."""

    @property
    def name(self) -> str: ...

    @property
    def args(self) -> Mapping[str, JSON]: ...


class ThoughtLike(Protocol):
    """A brain's answer."""

    @property
    def say(self) -> str: ...

    @property
    def calls(self) -> Sequence[CallLike]: ...


class BrainLike(Protocol):
    """A brain that knows nothing of time."""

    def on_user(self, text: str, *, sight: str, tools: frozenset[str]) -> ThoughtLike: ...

    def on_tool_result(self, name: str, response: JsonObject) -> ThoughtLike: ...


class EchoBrain:
    """Repeats what it heard: enough to see that the wire works."""

    def on_user(self, text: str, *, sight: str, tools: frozenset[str]) -> Reply:
        """Say what was heard and seen."""
        heard = f"You said: {text}." if text else "I heard you, but no words."
        return Reply(say=f"{heard} I see {sight}." if sight else heard)

    def on_tool_result(self, name: str, response: JsonObject) -> Reply:
        """Say that the function is done."""
        return Reply(say=f"{name.replace('_', ' ')} is done.")


class BrainMind:
    """A mind that asks a brain and never speaks first."""

    def __init__(self, brain: BrainLike) -> None:
        self._brain = brain

    def transcript(self) -> str | None:
        """Always None: the ears are asked."""
        return None

    def on_user(self, text: str, *, sight: str, tools: frozenset[str]) -> Reply:
        """The brain's answer to a user's turn."""
        return _reply(self._brain.on_user(text, sight=sight, tools=tools))

    def on_tool_result(self, name: str, response: JsonObject) -> Reply:
        """The brain's answer to a function's response."""
        return _reply(self._brain.on_tool_result(name, response))

    def next_at(self) -> float | None:
        """Never."""
        return None

    def on_time(self) -> Reply:
        """Nothing."""
        return Reply()


def _reply(thought: ThoughtLike) -> Reply:
    calls = tuple(ToolRequest(call.name, dict(call.args)) for call in thought.calls)
    return Reply(say=thought.say, calls=calls)
