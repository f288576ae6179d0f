"""What a client asks for in words after a break: carry on, answer, take a tool's result. Pure.

A model understands such a text; the emulator knows its exact form. How an answer broke off it knows
from its own memory, or, when a handle brought back the time before the turn, from the words that
the client sent it since.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from emulator.json_types import JSON, JsonObject
from emulator.live_setup import Behavior
from emulator.minds import Reply

NOTHING_MORE: Final = "That was all."
NOTHING_TO_ANSWER: Final = "I have nothing to add."

_CARRY_ON: Final = re.compile(
    r'Your last answer broke off (?:after the words "(?P<words>.*)"\. Go on from there; do not '
    r"repeat them and do not greet|(?P<middle>in the middle)\. Go on from there, and do not greet|"
    r"before its first word\. Give it now)\.",
    re.DOTALL,
)
_NUDGE: Final = "Please answer what was just said."
_TOLD: Final = re.compile(
    r"The result of (?P<name>\S+), which you called before: (?P<value>.*)", re.DOTALL
)
_CALLED: Final = re.compile(
    r"\(Before the connection broke you called (?P<name>\S+) with .*?\. Its result "
    r"(?:will follow: do not call it again for this\.|was: .*?\})\)",
    re.DOTALL,
)
# In the place of a picture, or beside it.
_IMAGE: Final = re.compile(r"This is the current image\.|\[an image\]")
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class CarryOn:
    """Go on after these words of the last answer.

    '' gives it whole; None leaves it to the model where it broke off.
    """

    words: str | None


@dataclass(frozen=True, slots=True)
class Nudge:
    """Answer what is unanswered."""


@dataclass(frozen=True, slots=True)
class ToolTold:
    """A function's result, told instead of being sent under the call's id."""

    name: str
    response: JsonObject


Request: TypeAlias = CarryOn | Nudge | ToolTold


def read_request(text: str) -> Request | None:
    """What a text asks for; None when it is anything else."""
    if text == _NUDGE:
        return Nudge()
    if match := _CARRY_ON.fullmatch(text):
        return CarryOn(None if match["middle"] else match["words"] or "")
    if match := _TOLD.fullmatch(text):
        return ToolTold(match["name"], _response(match["value"]))
    return None


def read_notes(text: str) -> tuple[str, tuple[str, ...]]:
    """A text without what only tells, and the functions that it says were called before."""
    names = tuple(match["name"] for match in _CALLED.finditer(text))
    told = _IMAGE.sub(" ", _CALLED.sub(" ", text))
    return (text if told == text else " ".join(told.split())), names


def rest_of(answer: str, words: str) -> str:
    """The answer after these words, which fit whole, case and punctuation aside.

    All of it when it does not hold them.
    """
    wanted = [word.casefold() for word in _WORD.findall(words)]
    found = list(_WORD.finditer(answer))
    spoken = [match[0].casefold() for match in found]
    for first in range(len(spoken) - len(wanted) + 1 if wanted else 0):
        if spoken[first : first + len(wanted)] == wanted:
            following = found[first + len(wanted) :]
            return answer[following[0].start() :] if following else ""
    return answer


def carried_on(
    words: str, broken: Reply | None, again: Reply, behavior: Callable[[str], Behavior]
) -> Reply:
    """The rest of `broken`, the answer as it is remembered, or of `again`, the same made anew.

    Calls that do not block left before the first word, so what is made anew makes them only when
    nothing was heard of it.
    """
    reply = broken or again
    calls = tuple(
        call
        for call in reply.calls
        if broken or not words or behavior(call.name) is Behavior.BLOCKING
    )
    say = rest_of(reply.say, words)
    return Reply(say=say or ("" if calls else NOTHING_MORE), calls=calls)


def _response(text: str) -> JsonObject:
    try:
        value: JSON = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    return value if isinstance(value, dict) else {"output": value}
