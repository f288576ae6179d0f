"""A written conversation: what to hear, say and call, and when. `docs/emulator.md` has the format.

Errors:

    ScenarioError      the scenario is wrong; the message names the step and the key
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from emulator.closes import NAMED, Close
from emulator.faults import Fault, FaultError, parse_fault
from emulator.json_types import JSON, JsonObject, number_of, object_of, text_of
from emulator.minds import Mind, Reply, ToolRequest, Words

ANY: Final = "*"
TRIGGERS: Final = ("hear", "result", "at")
ACTIONS: Final = ("say", "call", "close", "go_away")
FAULTS: Final = ("stall", "words", "poison", "fault")
STEP_KEYS: Final = frozenset((*TRIGGERS, *ACTIONS, *FAULTS, "transcript", "after", "repeat"))
CLOSE_KEYS: Final = frozenset(("code", "reason"))
SCENARIO_KEYS: Final = frozenset(("steps", "otherwise"))
BRAIN: Final = "brain"
SILENCE: Final = "silence"


class ScenarioError(ValueError):
    """The scenario's author made a mistake."""


@dataclass(frozen=True, slots=True)
class Step:
    """One trigger and its reply. Exactly one of `hear`, `result` and `at_s` is set."""

    reply: Reply
    hear: str | None = None
    result: str | None = None
    at_s: float | None = None
    transcript: str | None = None
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """Steps in the order of the file; `silent_otherwise`: nothing answers an unexpected turn."""

    steps: tuple[Step, ...]
    silent_otherwise: bool = False


def load_scenario(text: str) -> Scenario:
    """Read a scenario written as YAML or JSON.

    Raises:
        ScenarioError: the text is neither, or a step is wrong.
    """
    try:
        value: JSON = json.loads(text)
    except ValueError:
        value = _load_yaml(text)
    return parse_scenario(value)


def parse_scenario(value: JSON) -> Scenario:
    """Check a decoded scenario. Raises ScenarioError."""
    if not isinstance(value, dict):
        raise ScenarioError("a scenario is an object with `steps`")
    _only(value, SCENARIO_KEYS, "the scenario")
    steps = value.get("steps")
    if not isinstance(steps, list):
        raise ScenarioError("`steps` is a list")
    otherwise = value.get("otherwise", BRAIN)
    if otherwise not in (BRAIN, SILENCE):
        raise ScenarioError(f"`otherwise` is `{BRAIN}` or `{SILENCE}`")
    read = tuple(_step(step, f"step {number}") for number, step in enumerate(steps, 1))
    return Scenario(read, otherwise == SILENCE)


def holds(text: str, words: str) -> bool:
    """True when the words stand in the text in that order, side by side; `*` is any text."""
    return words == ANY or f" {_plain(words)} " in f" {_plain(text)} "


class ScenarioMind:
    """Plays a scenario for one session; turns that no step expects go to `otherwise`."""

    def __init__(self, scenario: Scenario, otherwise: Mind) -> None:
        self._unused = list(scenario.steps)
        self._otherwise = otherwise
        self._silent = scenario.silent_otherwise

    def transcript(self) -> str | None:
        """The transcript of the next step that hears anything, when it has one."""
        step = next((step for step in self._unused if step.hear is not None), None)
        return None if step is None else step.transcript

    def on_user(self, text: str, *, sight: str, tools: frozenset[str]) -> Reply:
        """The first unused step that hears its words in the text."""
        for step in self._unused:
            if step.hear is not None and holds(text, step.hear):
                return self._use(step)
        if self._silent:
            return Reply()
        return self._otherwise.on_user(text, sight=sight, tools=tools)

    def on_tool_result(self, name: str, response: JsonObject) -> Reply:
        """The first unused step for results of that function."""
        for step in self._unused:
            if step.result in (name, ANY):
                return self._use(step)
        return Reply() if self._silent else self._otherwise.on_tool_result(name, response)

    def next_at(self) -> float | None:
        """The earliest unused step with a time."""
        return min((step.at_s for step in self._unused if step.at_s is not None), default=None)

    def on_time(self) -> Reply:
        """The step that `next_at` announced."""
        timed = [step for step in self._unused if step.at_s is not None]
        if not timed:
            return Reply()
        return self._use(min(timed, key=lambda step: step.at_s or 0.0))

    def _use(self, step: Step) -> Reply:
        if not step.repeat:
            self._unused.remove(step)
        return step.reply


def _load_yaml(text: str) -> JSON:
    try:
        # Needed for scenarios in YAML only.
        import yaml  # type: ignore[import-untyped, unused-ignore]  # it has no types of its own
    except ImportError:
        raise ScenarioError("not JSON, and reading YAML needs the package PyYAML") from None
    try:
        # YAML knows dates, binary data and keys that are no text; JSON, the wire, does not.
        value: JSON = json.loads(json.dumps(yaml.safe_load(text)))
    except yaml.YAMLError as error:
        raise ScenarioError(f"neither JSON nor YAML: {error}") from None
    except (TypeError, ValueError) as error:
        raise ScenarioError(f"a value that JSON cannot hold: {error}") from None
    return value


def _step(value: JSON, where: str) -> Step:
    if not isinstance(value, dict):
        raise ScenarioError(f"{where} is an object")
    _only(value, STEP_KEYS, where)
    triggers = [key for key in TRIGGERS if key in value]
    if len(triggers) != 1:
        raise ScenarioError(f"{where} has exactly one of {', '.join(TRIGGERS)}")
    step = Step(
        reply=_reply(value, where),
        hear=_text(value, "hear", where),
        result=_text(value, "result", where),
        at_s=_seconds(value, "at", where),
        transcript=_text(value, "transcript", where),
        repeat=_yes(value, "repeat", where),
    )
    if step.transcript is not None and (step.hear is None or not holds(step.transcript, step.hear)):
        raise ScenarioError(f"{where}: `transcript` does not hold the words of `hear`")
    if step.repeat and step.at_s is not None:
        raise ScenarioError(f"{where}: a step with `at` cannot repeat")
    return step


def _reply(value: JsonObject, where: str) -> Reply:
    return Reply(
        say=_text(value, "say", where) or "",
        calls=tuple(_call(call, where) for call in _as_list(value.get("call"))),
        after_s=_seconds(value, "after", where) or 0.0,
        close=_close(value.get("close"), where),
        go_away_s=_seconds(value, "go_away", where),
        stall_s=_seconds(value, "stall", where) or 0.0,
        words=_words(value, where),
        poison=_yes(value, "poison", where),
        faults=tuple(
            _fault(fault, where, number)
            for number, fault in enumerate(_as_list(value.get("fault")), 1)
        ),
    )


def _fault(value: JSON, where: str, number: int) -> Fault:
    if not isinstance(value, str):
        raise ScenarioError(f"{where}: a `fault` is text, as behind --fault")
    try:
        fault = parse_fault(value, f"{where}.{number}")
    except FaultError as error:
        raise ScenarioError(f"{where}: {error}") from None
    if fault.at_setup:
        raise ScenarioError(f"{where}: `{fault.kind.value}` belongs to a setup, not to a step")
    return fault


def _call(value: JSON, where: str) -> ToolRequest:
    call = object_of(value)
    name, args = text_of(call.get("name")), call.get("args", {})
    if not name or not isinstance(args, dict) or not call.keys() <= {"name", "args"}:
        raise ScenarioError(f"{where}: a call has a `name` and maybe `args`, an object")
    return ToolRequest(name, args)


def _close(value: JSON, where: str) -> Close | None:
    if value is None:
        return None
    if isinstance(value, str) and value in NAMED:
        return NAMED[value]
    written = object_of(value)
    _only(written, CLOSE_KEYS, f"{where}: `close`")
    code, reason = written.get("code"), written.get("reason", "")
    known = isinstance(code, int) and (code in (1001, 1007, 1008, 1011) or 3000 <= code <= 4999)
    if isinstance(code, int) and known and isinstance(reason, str):
        return Close(code, reason)
    names = ", ".join(NAMED)
    raise ScenarioError(f"{where}: `close` is {{code, reason}} or one of {names}")


def _words(value: JsonObject, where: str) -> Words:
    written = value.get("words", Words.ALONG.value)
    known = {words.value: words for words in Words}
    if not isinstance(written, str) or written not in known:
        raise ScenarioError(f"{where}: `words` is one of {', '.join(known)}")
    return known[written]


def _yes(value: JsonObject, key: str, where: str) -> bool:
    written = value.get(key, False)
    if not isinstance(written, bool):
        raise ScenarioError(f"{where}: `{key}` is true or false")
    return written


def _text(value: JsonObject, key: str, where: str) -> str | None:
    text = value.get(key)
    if text is None or isinstance(text, str):
        return text
    raise ScenarioError(f"{where}: `{key}` is text")


def _seconds(value: JsonObject, key: str, where: str) -> float | None:
    if value.get(key) is None:
        return None
    seconds = number_of(value[key])
    if seconds is None or not 0 <= seconds < float("inf"):
        raise ScenarioError(f"{where}: `{key}` is a number of seconds")
    return seconds


def _as_list(value: JSON) -> list[JSON]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _only(value: JsonObject, known: frozenset[str], where: str) -> None:
    unknown = sorted(value.keys() - known)
    if unknown:
        raise ScenarioError(f"{where} does not know `{unknown[0]}`")


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
