"""What each Live model accepts, and how it behaves where models differ.

A model that is not known here gets a profile that lets everything through, so that a new model
can be tried before this table knows it. What a backend (the Gemini API or Vertex AI) refuses is
refused for every model. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from .refusals import Refusal, refuse
from .settings import DEFAULT_SYSTEM_INSTRUCTION, LiveSettings

Behavior = Literal["BLOCKING", "NON_BLOCKING"]

VOICES: Final = frozenset(
    "Achernar Achird Algenib Algieba Alnilam Aoede Autonoe Callirrhoe Charon Despina Enceladus "
    "Erinome Fenrir Gacrux Iapetus Kore Laomedeia Leda Orus Puck Pulcherrima Rasalgethi Sadachbia "
    "Sadaltager Schedar Sulafat Umbriel Vindemiatrix Zephyr Zubenelgenubi".split()
)
VERTEX_TRIGGER_TOKENS: Final = (5_000, 128_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelProfile:
    """How one family of models behaves. The defaults describe a model nobody has described."""

    family: str
    """Name for sentences and logs."""
    thinking_levels: tuple[str, ...] | None = None
    """Accepted levels; None when unknown, empty when the model has no levels."""
    default_thinking_level: str | None = None
    """Sent when no level is set, because the model's setup needs one."""
    thinking_budget: bool = True
    include_thoughts: bool = True
    proactive_audio: Literal["optional", "always", "never"] = "optional"
    affective_dialog: bool = True
    native_audio_api_version: str | None = None
    """API version of the Gemini API that proactive audio and affective dialog need."""
    default_turn_coverage: str | None = None
    refused_turn_coverages: frozenset[str] = frozenset()
    known_voices: bool = False
    """Whether the prebuilt voices are exactly VOICES."""
    max_output_tokens: int | None = None
    conversational: bool = True
    """False: sound in, sound out; no instruction, tools, history, search or resumption."""
    translation: Literal["optional", "required", "refused"] = "optional"
    tool_behavior: Behavior = "BLOCKING"
    """What a call does in a room: BLOCKING keeps the model silent until the tool's result."""
    declared_behavior: Behavior | None = None
    """What a declaration must say for `tool_behavior` to hold; None: nothing."""
    accepted_behaviors: frozenset[str] | None = None
    """What a declaration may say; None when unknown."""
    supports_scheduling: bool = False
    """Whether a tool's result may say when it is spoken of (and `willContinue`)."""
    supports_context_update: bool = False
    """Whether the system instruction and the tools can be replaced without a new connection."""
    seed_needs_history_config: bool = True
    """Whether turns to begin with need `historyConfig` in the setup."""
    seed_needs_nudge: bool = True
    """Whether the model answers a seed only after some realtime input."""
    seed_needs_user_last: bool = False
    """Whether turns to begin with must end with the user's."""
    interaction_status: bool = False
    """Whether a turn is over only with `interactionStatus` IDLE."""


_NONE: Final[frozenset[str]] = frozenset()

NATIVE_AUDIO_2_5: Final = ModelProfile(
    family="2.5 native audio",
    thinking_levels=(),
    native_audio_api_version="v1alpha",
    default_turn_coverage="only_activity",
    known_voices=True,
    max_output_tokens=8_192,
    translation="refused",
    tool_behavior="NON_BLOCKING",
    declared_behavior="NON_BLOCKING",
    accepted_behaviors=frozenset({"BLOCKING", "NON_BLOCKING"}),
    supports_scheduling=True,
    seed_needs_history_config=False,
    seed_needs_nudge=False,
    seed_needs_user_last=True,
)
FLASH_LIVE_3_1: Final = ModelProfile(
    family="3.1 flash live",
    thinking_levels=("minimal", "low", "medium", "high"),
    thinking_budget=False,
    proactive_audio="never",
    affective_dialog=False,
    default_turn_coverage="audio_activity_and_all_video",
    known_voices=True,
    translation="refused",
    accepted_behaviors=_NONE,
)
LIVE_3_8: Final = ModelProfile(
    family="3.8 live",
    thinking_levels=(),
    thinking_budget=False,
    include_thoughts=False,
    proactive_audio="always",
    affective_dialog=False,
    default_turn_coverage="audio_activity_and_all_video",
    known_voices=True,
    translation="refused",
    tool_behavior="NON_BLOCKING",
    accepted_behaviors=frozenset({"BLOCKING", "NON_BLOCKING"}),
    supports_scheduling=True,
)
EXTENDED_THINKING_3_8: Final = replace(
    LIVE_3_8,
    family="3.8 live extended thinking",
    thinking_levels=("low", "medium", "high"),
    default_thinking_level="medium",
    include_thoughts=True,
    accepted_behaviors=frozenset({"NON_BLOCKING"}),
    supports_scheduling=False,
    interaction_status=True,
)
LIVE_TRANSLATE: Final = ModelProfile(
    family="live translate",
    thinking_levels=(),
    thinking_budget=False,
    include_thoughts=False,
    proactive_audio="never",
    affective_dialog=False,
    conversational=False,
    translation="required",
    accepted_behaviors=_NONE,
    seed_needs_history_config=False,
    seed_needs_nudge=False,
)
UNKNOWN: Final = ModelProfile(family="unknown")

_VERSION: Final = r"(-preview)?(-\d{2}-\d{4}|-\d{3}|-latest)?"
_FAMILIES: Final[Mapping[str, ModelProfile]] = MappingProxyType(
    {
        rf"gemini-2\.5-flash-native-audio{_VERSION}": NATIVE_AUDIO_2_5,
        rf"gemini-live-2\.5-flash-native-audio{_VERSION}": NATIVE_AUDIO_2_5,
        rf"gemini-3\.1-flash-live{_VERSION}": FLASH_LIVE_3_1,
        rf"gemini-3\.8-live-extended-thinking{_VERSION}": EXTENDED_THINKING_3_8,
        rf"gemini-3\.8-live{_VERSION}": LIVE_3_8,
        rf"gemini-[\d.]+-live-translate{_VERSION}": LIVE_TRANSLATE,
    }
)
_REFUSED_MODELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        r"gemini-[\d.]+-transcribe-live.*": "only writes down what it hears, so it cannot hold a "
        "conversation",
        r"gemini-2\.0-flash-live-001|gemini-live-2\.5-flash-preview": "was shut down on 2025-12-09",
        r"gemini-.*image.*|gemini-nano-banana.*|nano-banana.*|imagen-.*": "makes images and does "
        "not converse; set it as imageModel",
    }
)
_MLDEV_NAME: Final = re.compile(r"gemini-2\.5-flash-native-audio.*")
_VERTEX_NAME: Final = re.compile(r"gemini-live-2\.5-flash-native-audio.*")


def base_name(model: str) -> str:
    """The model's own name, without `models/` or a Vertex AI resource path before it."""
    return model.rpartition("/")[2]


def profile_for(model: str, *, vertex: bool) -> ModelProfile:
    """The profile of `model` on the backend it will be reached through."""
    name = base_name(model)
    for pattern, profile in _FAMILIES.items():
        if re.fullmatch(pattern, name):
            return _on_vertex(profile) if vertex else profile
    return _on_vertex(UNKNOWN) if vertex else UNKNOWN


def _on_vertex(profile: ModelProfile) -> ModelProfile:
    # Vertex AI takes no scheduling, no historyConfig and, before 3.8, no behavior.
    synchronous = profile.declared_behavior is not None
    return replace(
        profile,
        native_audio_api_version=None,
        refused_turn_coverages=frozenset({"audio_activity_and_all_video"}),
        tool_behavior="BLOCKING" if synchronous else profile.tool_behavior,
        declared_behavior=None,
        accepted_behaviors=_NONE if synchronous else profile.accepted_behaviors,
        supports_scheduling=False,
        supports_context_update=profile.family == LIVE_3_8.family,
        seed_needs_history_config=False,
    )


def check(settings: LiveSettings, *, vertex: bool) -> list[Refusal]:
    """What the model and the backend would not accept of `settings`; empty when all is well.

    To be asked before anything connects.
    """
    profile = profile_for(settings.model, vertex=vertex)
    return [
        *_model(settings, vertex),
        *_thinking(settings, profile),
        *_speech(settings, profile),
        *_limits(settings, profile, vertex),
        *_interpreting(settings, profile),
        *_backend(settings, vertex),
    ]


def _model(settings: LiveSettings, vertex: bool) -> Iterator[Refusal]:
    name = base_name(settings.model)
    for pattern, reason in _REFUSED_MODELS.items():
        if re.fullmatch(pattern, name):
            yield refuse("model", f"is not usable here: {name} {reason}")
    if vertex and _MLDEV_NAME.fullmatch(name):
        yield refuse(
            "model", "is unknown to Vertex AI: gemini-live-2.5-flash-native-audio is its name there"
        )
    if not vertex and _VERTEX_NAME.fullmatch(name):
        yield refuse(
            "model",
            "is unknown to the Gemini API: gemini-2.5-flash-native-audio-latest is its name there",
        )


def _thinking(settings: LiveSettings, profile: ModelProfile) -> Iterator[Refusal]:
    thinking, levels = settings.thinking, profile.thinking_levels
    of = f"by {base_name(settings.model)}"
    if thinking.budget is not None and not profile.thinking_budget:
        instead = "; use thinking.level" if levels else ", which takes no thinking settings"
        yield refuse("thinking.budget", f"is not accepted {of}{instead}")
    if thinking.level is not None and levels is not None and thinking.level not in levels:
        if levels:
            reason = f"is not accepted {of}; it takes {', '.join(levels)}"
        elif profile.thinking_budget:
            reason = f"is not accepted {of}; use thinking.budget"
        else:
            reason = f"is not accepted {of}, which takes no thinking settings"
        yield refuse("thinking.level", reason)
    if thinking.include_thoughts is not None and not profile.include_thoughts:
        yield refuse(
            "thinking.include_thoughts", f"is not accepted {of}, which takes no thinking settings"
        )


def _speech(settings: LiveSettings, profile: ModelProfile) -> Iterator[Refusal]:
    name = base_name(settings.model)
    if settings.proactive_audio is not None and profile.proactive_audio == "never":
        yield refuse("proactive_audio", f"is not accepted by {name}")
    if settings.proactive_audio is False and profile.proactive_audio == "always":
        yield refuse("proactive_audio", f"must not be false: {name} is always proactive")
    if settings.affective_dialog is not None and not profile.affective_dialog:
        yield refuse("affective_dialog", f"is not accepted by {name}")
    voice = settings.voice
    if voice and profile.known_voices and "/" not in voice and prebuilt_voice(voice) is None:
        yield refuse("voice", f"is not a voice of {name}; it has {', '.join(sorted(VOICES))}")


def prebuilt_voice(name: str) -> str | None:
    """The prebuilt voice of this name, whatever its capitals; None when there is none."""
    return next((voice for voice in VOICES if voice.lower() == name.lower()), None)


def _limits(settings: LiveSettings, profile: ModelProfile, vertex: bool) -> Iterator[Refusal]:
    name, most = base_name(settings.model), profile.max_output_tokens
    if most is not None and (settings.max_output_tokens or 0) > most:
        yield refuse("max_output_tokens", f"must be at most {most} with {name}")
    if settings.turn_coverage in profile.refused_turn_coverages:
        yield refuse("turn_coverage", "must not be audio_activity_and_all_video on Vertex AI")
    trigger = settings.context_window_compression.trigger_tokens
    low, high = VERTEX_TRIGGER_TOKENS
    if vertex and trigger is not None and not low <= trigger <= high:
        yield refuse(
            "context_window_compression.trigger_tokens",
            f"must be at least {low} and at most {high} on Vertex AI",
        )


def _interpreting(settings: LiveSettings, profile: ModelProfile) -> Iterator[Refusal]:
    name = base_name(settings.model)
    if settings.translation is None and profile.translation == "required":
        yield refuse("translation", f"is required by {name}: it needs a targetLanguageCode")
    if settings.translation is not None and profile.translation == "refused":
        yield refuse("translation", f"is not accepted by {name}; only live-translate models do it")
    if profile.conversational:
        return
    given = {
        "system_instruction": settings.system_instruction not in (None, DEFAULT_SYSTEM_INSTRUCTION),
        "tools": bool(settings.tools),
        "google_search": settings.google_search,
        "history": bool(settings.history),
    }
    for field in (field for field, is_given in given.items() if is_given):
        yield refuse(field, f"is not accepted by {name}, which only interprets")


def _backend(settings: LiveSettings, vertex: bool) -> Iterator[Refusal]:
    # google-genai raises for these on the Gemini API, whatever the model.
    if vertex:
        return
    given = {
        "session_resumption.transparent": settings.session_resumption.transparent is not None,
        "explicit_vad_signal": settings.explicit_vad_signal is not None,
        "safety_settings": any(each.method for each in settings.safety_settings),
    }
    predicates = {"safety_settings": "must not have a method: only Vertex AI takes one"}
    for field in (field for field, is_given in given.items() if is_given):
        yield refuse(field, predicates.get(field, "is accepted by Vertex AI only"))
