"""The emulator's mind: from what was said and seen to words and tool calls. Pure, no clock.

Spoken text is one of the sentences of `phrases`; typed text may be anything. The order of the
rules in RULES is the order in which they are tried.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from emulator.colours import PAINT, SYNONYMS
from emulator.json_types import JSON, JsonObject

CREATE: Final = "create_image"
EDIT: Final = "edit_image"
SELECT: Final = "select_image"
NAME: Final = "name_image"
CANCEL: Final = "cancel_image"
CAMERA: Final = "camera"
UPLOAD: Final = "upload"
LAST: Final = "last"

WAIT: Final = "One moment."
MAX_ECHO_CHARACTERS: Final = 300
MAX_READ_CHARACTERS: Final = 400
MAX_EXPLAINED_CHARACTERS: Final = 600

# Longer than twelve seconds in every voice, so that there is time to interrupt it.
STORY: Final = (
    "Once upon a time there was a painter who had only one brush. Every morning she carried it to "
    "the harbour and painted the boats as they came home. One day the wind took the brush and "
    "dropped it into the sea. A little grey fish found it, and because nobody had told the fish "
    "that fish cannot paint, it began. It painted the stones, it painted the weeds, and at last it "
    "painted the water itself. When the painter came back the whole bay was full of colours, and "
    "she laughed so loudly that the fish came up to listen. From that day on they worked together. "
    "She painted what is above the water, and the fish painted what is below. And if you look into "
    "the sea on a quiet evening, you can still see both of them at work."
)
COUNT: Final = "One, two, three, four, five, six, seven, eight, nine, ten."
ABILITIES: Final = (
    "I am the emulator. I can say what I see, draw simple things, change the colour of a wall, "
    "make a picture warmer or grey, add a plant, count to ten and tell a story."
)
NOTHING_SEEN: Final = "I see nothing yet. Is your camera on?"
NOT_UNDERSTOOD: Final = "Sorry, I did not understand that."
NO_BRUSH: Final = "I have no way to draw in this conversation."


@dataclass(frozen=True)
class Call:
    """A tool call that the model makes."""

    name: str
    args: dict[str, JSON]


@dataclass(frozen=True)
class Thought:
    """What to say and which tools to call; both may be empty."""

    say: str = ""
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True)
class _Turn:
    """One user's turn: `text` as written, `words` in lower case without outer punctuation."""

    text: str
    words: str
    sight: str
    tools: frozenset[str]


class Brain:
    """Answers one session. Remembers the last colour.

    Survives copy.deepcopy.
    """

    def __init__(self) -> None:
        self._colour = ""

    def on_user(self, text: str, *, sight: str, tools: frozenset[str]) -> Thought:
        """The answer to one turn; `sight` describes the latest picture, '' when there is none."""
        text = REMARKS.sub("", text)
        words = re.sub(r"\s+", " ", text.lower()).strip(" .!?,;:\n\t")
        turn = _Turn(text.strip(), words, sight, tools)
        if not words:
            return Thought(NOT_UNDERSTOOD)
        for pattern, answer in RULES:
            match = pattern.search(words)
            if match is not None:
                return answer(self, turn)
        return Thought(f"You said: {turn.text[:MAX_ECHO_CHARACTERS]}")

    def on_tool_result(self, name: str, response: JsonObject) -> Thought:
        """What to say to a tool's response: its success, its reason for failing, or its words."""
        reason = failure(response)
        if name in (CREATE, EDIT):
            return self._on_picture(response, reason)
        if reason is None and name in _DONE:
            return Thought(_DONE[name])
        if reason is not None:
            return Thought(f"{_speakable(name)} failed: {reason}")
        return Thought(f"{_speakable(name)} says: {read_out(response)}")

    def _on_picture(self, response: JsonObject, reason: str | None) -> Thought:
        if reason is not None:
            return Thought(f"That did not work: {reason}")
        if not response:
            return Thought("I got no answer, so I cannot say how it went.")
        if str(response.get("status", "")).lower() in PENDING:
            return Thought("It is being drawn.")
        output = response.get("output")
        several = isinstance(output, dict) and "images" in output
        words = output.get("text") if isinstance(output, dict) and several else None
        if isinstance(words, str) and words:
            return Thought(f"Here it is. {words[:MAX_EXPLAINED_CHARACTERS]}")
        return Thought("Here it is.")

    def create(self, turn: _Turn) -> Thought:
        """Draw something new."""
        if CREATE not in turn.tools:
            return Thought(NO_BRUSH)
        return Thought(WAIT, (Call(CREATE, {"prompt": turn.text}),))

    def poster(self, turn: _Turn) -> Thought:
        """Something with words on it, in as many variants as are asked for."""
        many = re.search(r",? in (two|three|four) (variants|versions)$", turn.words)
        prompt = turn.text.rstrip(" .!?")
        args: dict[str, JSON] = {"prompt": prompt}
        if many is not None:
            args = {"prompt": prompt[: many.start()], "count": _NUMBERS[many.group(1)]}
        return self._create(turn, args)

    def same_again(self, turn: _Turn) -> Thought:
        """The character of the last picture in another scene."""
        return self._create(turn, {"prompt": turn.text, "like": [LAST]})

    def put_together(self, turn: _Turn) -> Thought:
        """One uploaded thing on another."""
        return self._create(turn, {"prompt": turn.text, "like": [f"{UPLOAD} 1", f"{UPLOAD} 2"]})

    def explain(self, turn: _Turn) -> Thought:
        """What is held to the camera, in pictures with words between them."""
        like: list[JSON] = [CAMERA] if turn.sight else []
        return self._create(turn, {"prompt": turn.text, "like": like})

    def _create(self, turn: _Turn, args: dict[str, JSON]) -> Thought:
        return Thought(WAIT, (Call(CREATE, args),)) if CREATE in turn.tools else Thought(NO_BRUSH)

    def instead(self, turn: _Turn) -> Thought:
        """Another change in place of the one that is being made."""
        prompt = re.sub(r",? instead$", "", turn.text.rstrip(" .!?"))
        self._colour = last_colour(turn.words) or self._colour
        if EDIT not in turn.tools:
            return Thought(NO_BRUSH)
        args: dict[str, JSON] = {"prompt": prompt, "source": LAST, "replaces_pending": True}
        return Thought(WAIT, (Call(EDIT, args),))

    def add_to_first(self, turn: _Turn) -> Thought:
        """Change the first picture: `go back to the first one and add a plant`."""
        return self._edit(turn, re.split(r" and ", turn.text, maxsplit=1)[1], "first")

    def select(self, turn: _Turn) -> Thought:
        """`take the second one`, `show me the blue one`, `redo`."""
        found = re.search(r"\b(the .+)$", turn.words)
        return self._use(turn, SELECT, {"which": found.group(1) if found else "redo"})

    def call_it(self, turn: _Turn) -> Thought:
        """A name for the last picture."""
        name = re.sub(r"^.*?\bcall (it|this) ", "", turn.words)
        return self._use(turn, NAME, {"name": name})

    def cancel(self, turn: _Turn) -> Thought:
        """What is being drawn is not wanted any more."""
        return self._use(turn, CANCEL, {})

    def _use(self, turn: _Turn, tool: str, args: dict[str, JSON]) -> Thought:
        return Thought("", (Call(tool, args),)) if tool in turn.tools else Thought("Okay.")

    def change(self, turn: _Turn) -> Thought:
        """Change the camera's picture, or an upload when the words name one."""
        source = UPLOAD if _names_an_upload(turn.words) else CAMERA
        return self._edit(turn, turn.text, source)

    def follow_up(self, turn: _Turn) -> Thought:
        """Change the last picture, or an upload when the words name one. Before there is a picture
        it is the tool's to know what stands in for it."""
        source = UPLOAD if _names_an_upload(turn.words) else LAST
        return self._edit(turn, turn.text, source)

    def narrow(self, turn: _Turn) -> Thought:
        """Keep the last change to one side only: `only the left wall`."""
        colour = f", in {self._colour}" if self._colour else ""
        return self._edit(turn, f"{turn.text.rstrip('.!?')}{colour}", LAST)

    def go_back(self, turn: _Turn) -> Thought:
        """Back to an earlier picture, by a tool made for it when there is one."""
        wanted = "undo" if "undo" in turn.words else "first"
        for tool in sorted(turn.tools - {CREATE, EDIT}):
            if re.search(r"undo|revert|go_back|select_image", tool):
                return Thought(WAIT, (Call(tool, {"which": wanted}),))
        return self._edit(turn, turn.text, LAST)

    def _edit(self, turn: _Turn, prompt: str, source: str) -> Thought:
        colour = last_colour(turn.words)
        self._colour = colour or self._colour
        if EDIT not in turn.tools:
            return Thought(NO_BRUSH)
        return Thought(WAIT, (Call(EDIT, {"prompt": prompt, "source": source}),))

    def tell_time(self, turn: _Turn) -> Thought:
        """The time by the first tool that has it."""
        for tool in sorted(turn.tools):
            if "time" in tool.lower() or "clock" in tool.lower():
                return Thought(WAIT, (Call(tool, {}),))
        return Thought("I have no clock, and nobody gave me a tool that tells the time.")

    def call_tool(self, turn: _Turn) -> Thought:
        """`call <tool>` or `use <tool> with {json}`: for testing any tool."""
        match = TOOL_CALL.match(turn.text)
        if match is None:
            return Thought(f"You said: {turn.text[:MAX_ECHO_CHARACTERS]}")
        name, written = match.group("name"), match.group("args")
        if name not in turn.tools:
            return Thought(f"I have no tool called {_speakable(name)}.")
        try:
            args = json.loads(written) if written else {}
        except (ValueError, RecursionError):
            return Thought("I cannot read the arguments: they are not JSON.")
        return Thought(WAIT, (Call(name, args),))


_NUMBERS: Final = {"two": 2, "three": 3, "four": 4}
_DONE: Final = {SELECT: "There it is.", NAME: "I will remember the name.", CANCEL: "Cancelled."}
# What a client tells of people's doings, beside what they say.
REMARKS: Final = re.compile(r"^\s*(?:\(Somebody .*?\)\s+)+(?=\S)", re.DOTALL)
PENDING: Final = frozenset(
    {"started", "pending", "running", "accepted", "in_progress", "in progress"}
)
_FAILED: Final = frozenset({"failed", "failure", "error", "cancelled", "canceled", "rejected"})
TOOL_CALL: Final = re.compile(
    r"\s*(?:call|use)\s+(?:the\s+)?(?:tool\s+)?(?P<name>\w(?:[\w.\-]*\w)?)"
    r"(?:\s+tool)?(?:\s+with)?\s*(?P<args>\{.*\})?[\s.!?]*$",
    re.IGNORECASE | re.DOTALL,
)


def _says(*answer: str) -> Callable[[Brain, _Turn], Thought]:
    thought = Thought(" ".join(answer))
    return lambda _brain, _turn: thought


def _see(_brain: Brain, turn: _Turn) -> Thought:
    return Thought(turn.sight or NOTHING_SEEN)


def _rule(
    pattern: str, answer: Callable[[Brain, _Turn], Thought]
) -> tuple[re.Pattern[str], Callable[[Brain, _Turn], Thought]]:
    return re.compile(pattern), answer


_NEW: Final = r"(picture|image|photo|drawing|painting|sketch|scene|illustration)"

RULES: Final = (
    _rule(r"^(please )?call (it|this) \S", Brain.call_it),
    _rule(r"^(call|use) \S", Brain.call_tool),
    _rule(
        r"^(hello|hi|hey|good (morning|evening|afternoon))\b", _says("Hello. I am the emulator.")
    ),
    _rule(r"^(goodbye|bye|see you)\b", _says("Goodbye.")),
    _rule(r"^(thank you|thanks)\b", _says("You are welcome.")),
    _rule(r"^(stop|be quiet|wait)$", _says("Okay.")),
    _rule(r"\bwhat (do|can) you see\b|\bdescribe (what|the (camera|picture|view))", _see),
    _rule(r"\bwhat can you do\b|^help$|\bwho are you\b", _says(ABILITIES)),
    _rule(r"\bwhat time\b|\bwhat's the time\b|\bwhat is the time\b", Brain.tell_time),
    _rule(r"\btell me a (long )?story\b", _says(STORY)),
    _rule(r"\bcount to ten\b", _says(COUNT)),
    _rule(r"^(never mind|cancel( that| it)?)$", Brain.cancel),
    _rule(r"\bback to the first( one)? and \S", Brain.add_to_first),
    _rule(r"^redo$|^(take|choose|pick|show me) the (\w+ )?(one|variant)$", Brain.select),
    _rule(r"\bstep by step\b", Brain.explain),
    _rule(r"^(please )?make an? poster\b", Brain.poster),
    _rule(r"^(please )?show (me )?the \w+ (in|at|on) \S", Brain.same_again),
    _rule(r"^(please )?put (this|the) \w+ on (that|the|this) \w+$", Brain.put_together),
    _rule(r"\binstead$", Brain.instead),
    _rule(r"^undo\b|^go back\b|\bback to the (first|original|one before)\b", Brain.go_back),
    _rule(r"^(only|just|but only) ", Brain.narrow),
    _rule(r"^(please )?(draw|create|generate|sketch|imagine)\b", Brain.create),
    _rule(rf"^(please )?(make|paint|show)( me)? an? (\w+ )?{_NEW}\b", Brain.create),
    _rule(r"^(please )?(change|recolou?r|repaint|paint|show me|replace)\b", Brain.change),
    _rule(
        r"^(now )?(please )?(make|turn|add|put|blur|mirror|flip|rotate|crop|write|caption|remove"
        r"|combine|brighten|darken|warmer|cooler|brighter|darker)\b",
        Brain.follow_up,
    ),
)


def failure(response: JsonObject) -> str | None:
    """The reason a tool gives for failing, or None when it did not fail."""
    error = response.get("error")
    if error:
        return read_out(error)
    failed = response.get("success") is False or response.get("ok") is False
    if failed or str(response.get("status", "")).lower() in _FAILED:
        reason = response.get("reason") or response.get("message") or response.get("detail")
        return read_out(reason) if reason else "no reason was given."
    return None


def read_out(value: JSON) -> str:
    """A JSON value as words, at most MAX_READ_CHARACTERS."""
    if isinstance(value, dict):
        for key in ("output", "result", "message", "reason", "text"):
            if key in value:
                return read_out(value[key])
        pairs = (f"{_speakable(key)} {read_out(inner)}" for key, inner in value.items())
        return (", ".join(pairs) or "nothing")[:MAX_READ_CHARACTERS]
    if isinstance(value, list):
        return (", ".join(read_out(one) for one in value) or "nothing")[:MAX_READ_CHARACTERS]
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)[:MAX_READ_CHARACTERS]


def last_colour(words: str) -> str:
    """The last colour named in lower-case text, '' when there is none."""
    named = [word for word in re.findall(r"[a-z]+", words) if word in PAINT or word in SYNONYMS]
    return named[-1] if named else ""


def _names_an_upload(words: str) -> bool:
    return bool(re.search(r"\b(upload(ed)?|attached|attachment|my (photo|picture|image))\b", words))


def _speakable(name: str) -> str:
    return re.sub(r"[_\-.]+", " ", name)
