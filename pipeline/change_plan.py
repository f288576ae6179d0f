"""Which of a room's settings can change while people talk, and how Gemini is told. Pure.

A connection's setup is fixed. What stands in it changes with the next connection, which resumes
the session; but a resumed session was seen to keep the instruction it began with, so instruction
and tools need a `contextUpdate`, and where the model takes none, a fresh session that is told
the history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from processors.gemini.generation import SettingsModel
from processors.gemini.refusals import Refusal, wire_name

from .catalogue import spoken
from .room_overrides import RoomSettingsRefused
from .room_settings import RoomSettings


class Way(Enum):
    """How a change is made, from the least disturbance to the greatest."""

    NOTHING = "nothing"
    AT_ONCE = "at-once"
    CONTEXT_UPDATE = "context-update"
    ROTATION = "rotation"
    FRESH_SESSION = "fresh-session"


class Kind(Enum):
    """Where a setting lives."""

    OURS = auto()
    """With us: it counts from the next image or picture on."""
    SETUP = auto()
    """In the setup, and a resumed session takes it over."""
    PREAMBLE = auto()
    """In the setup, and a resumed session may keep what it began with."""
    FIXED = auto()
    """In what the room was built from."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`reason` is the end of a sentence: why the setting is fixed, else why it is of its kind."""

    kind: Kind
    reason: str


_SETUP: Final = Rule(Kind.SETUP, "it stands in the setup of each connection")
_PREAMBLE: Final = Rule(Kind.PREAMBLE, "a session keeps what it was told first")

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "live.model": Rule(Kind.FIXED, "another model does not know this conversation"),
        "live.voice": _SETUP,
        "live.language": _SETUP,
        "live.system_instruction": _PREAMBLE,
        "live.thinking": _SETUP,
        "live.proactive_audio": _SETUP,
        "live.affective_dialog": _SETUP,
        "live.automatic_activity_detection": _SETUP,
        "live.automatic_activity_detection.enabled": Rule(
            Kind.FIXED, "the room was built for the one who marks where speech begins"
        ),
        "live.turn_coverage": _SETUP,
        "live.activity_handling": _SETUP,
        "live.interim_transcript_timestamps": _SETUP,
        "live.explicit_vad_signal": _SETUP,
        "live.context_window_compression": _SETUP,
        "live.session_resumption": Rule(
            Kind.FIXED, "the conversation is kept over breaks as it was from the start"
        ),
        "live.input_transcription": _SETUP,
        "live.output_transcription": _SETUP,
        "live.translation": _SETUP,
        "live.google_search": _PREAMBLE,
        "live.tools": _PREAMBLE,
        "live.labels": _SETUP,
        "live.history": Rule(Kind.FIXED, "it is what the conversation began with"),
        "live.temperature": _SETUP,
        "live.top_p": _SETUP,
        "live.top_k": _SETUP,
        "live.max_output_tokens": _SETUP,
        "live.seed": _SETUP,
        "live.presence_penalty": _SETUP,
        "live.frequency_penalty": _SETUP,
        "live.safety_settings": _SETUP,
        "live.media_resolution": _SETUP,
        "image": Rule(Kind.OURS, "each image is asked for by itself"),
        "video": Rule(Kind.OURS, "each picture is made by itself"),
        "audio": Rule(Kind.FIXED, "the room's queues were built with it"),
        "link": Rule(Kind.FIXED, "the service's operator set it"),
        "budget": Rule(Kind.FIXED, "it was agreed when the room was opened"),
        "greeting": Rule(Kind.FIXED, "the model is greeted once"),
    }
)
"""By the path of a setting in RoomSettings; the longest that holds it counts."""

INSTRUCTION: Final = ("live", "system_instruction")


@dataclass(frozen=True, slots=True)
class Plan:
    """`fields` are the settings that change, as clients spell them. `instruction` and `tools`:
    which of the two a context update must bring."""

    way: Way
    fields: tuple[str, ...]
    instruction: bool = False
    tools: bool = False


def plan(old: RoomSettings, new: RoomSettings, *, context_update: bool) -> Plan:
    """How to get from `old` to `new`; `context_update`: whether the model takes one.

    Raises `RoomSettingsRefused` for the first setting that cannot change in a call.
    """
    paths = list(_changed(old, new, ()))
    for path in paths:
        rule = rule_of(path)
        if rule.kind is Kind.FIXED:
            predicate = f"cannot change during a call: {rule.reason}"
            raise RoomSettingsRefused(Refusal(spoken(path), predicate))
    kinds = {rule_of(path).kind for path in paths}
    preamble = [path for path in paths if rule_of(path).kind is Kind.PREAMBLE]
    emptied = INSTRUCTION in preamble and not new.live.system_instruction
    return Plan(
        _way(kinds, context_update=context_update and not emptied),
        tuple(wire_name(spoken(path)) for path in paths),
        instruction=INSTRUCTION in preamble,
        tools=any(path != INSTRUCTION for path in preamble),
    )


def rule_of(path: tuple[str, ...]) -> Rule:
    """The rule of the setting at `path` in RoomSettings."""
    for length in range(len(path), 1, -1):
        if (rule := RULES.get(".".join(path[:length]))) is not None:
            return rule
    return RULES[path[0]]


def _way(kinds: set[Kind], *, context_update: bool) -> Way:
    if not kinds:
        return Way.NOTHING
    if Kind.PREAMBLE not in kinds:
        return Way.ROTATION if Kind.SETUP in kinds else Way.AT_ONCE
    # Resuming brings what stands in the setup, and may bring back the old instruction.
    if Kind.SETUP in kinds or not context_update:
        return Way.FRESH_SESSION
    return Way.CONTEXT_UPDATE


def _changed(
    old: SettingsModel, new: SettingsModel, path: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    """The paths of the single settings that differ."""
    for name in type(old).model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        if isinstance(before, SettingsModel) and isinstance(after, SettingsModel):
            yield from _changed(before, after, (*path, name))
        else:
            yield (*path, name)
