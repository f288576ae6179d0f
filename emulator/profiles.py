"""What each Live model accepts, and how it behaves; pure data and checks.

| profile | thinking | tools by default | events hold | usage |
|---|---|---|---|---|
| 2.5 | `thinkingBudget` | BLOCKING, NON_BLOCKING allowed | one field | at the end |
| 3.1 | `thinkingLevel` | BLOCKING only | several fields | before the output |
| 3.8 | none | NON_BLOCKING, BLOCKING allowed | several fields | at the end |
| 3.8 extended thinking | `thinkingLevel`, not MINIMAL | NON_BLOCKING only | several | at the end |

Where the real refusal's text is not known, the reason is the general one, INVALID_ARGUMENT for a
value and NOT_IMPLEMENTED for a whole feature.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from emulator.closes import (
    INVALID_ARGUMENT,
    NOT_IMPLEMENTED,
    VOICE_WITHOUT_AUDIO,
    Close,
    unknown_field,
    unknown_model,
)
from emulator.json_types import JsonObject, list_of, object_of, text_of
from emulator.live_setup import Backend, Behavior, Coverage, LiveSetup, read_tools
from emulator.voices import VOICE_NAMES

UNSUPPORTED_GENERATION_FIELDS: Final = (
    "responseLogprobs",
    "responseMimeType",
    "logprobs",
    "responseSchema",
    "responseJsonSchema",
    "stopSequences",
    "routingConfig",
    "audioTimestamp",
)
SUPPORTED_TOOLS: Final = frozenset({"functionDeclarations", "googleSearch"})
THINKING_LEVELS: Final = frozenset({"MINIMAL", "LOW", "MEDIUM", "HIGH"})


@dataclass(frozen=True, slots=True)
class Profile:
    """One family of Live models.

    `first_audio_s` is the measured time from the end of speech to the first sound. `schedules`:
    responses may say when to speak of them. `alpha_dialog_fields`: proactivity and affective
    dialog exist, under v1alpha only. `bundles` puts several content fields into one event.
    `usage_first`: usage is told before the output. `talks_over_user`: an INTERRUPT response does
    not wait until the user has finished. `cancels_turn_calls`: an interruption also cancels the
    NON_BLOCKING calls of the interrupted turn, not only the BLOCKING ones.
    """

    name: str
    models: frozenset[str]
    vertex_models: frozenset[str]
    first_audio_s: float
    coverage: Coverage
    default_behavior: Behavior
    behaviors: frozenset[Behavior]
    schedules: bool
    thinking_budget: bool
    thinking_levels: frozenset[str]
    alpha_dialog_fields: bool
    always_proactive: bool
    speaks_only: bool
    bundles: bool
    usage_first: bool
    interaction_status: bool
    context_updates: bool
    talks_over_user: bool
    cancels_turn_calls: bool
    seed_ends_with_user: bool


PROFILE_2_5: Final = Profile(
    name="2.5",
    models=frozenset(
        {
            "gemini-2.5-flash-native-audio-preview-12-2025",
            "gemini-2.5-flash-native-audio-latest",
        }
    ),
    vertex_models=frozenset({"gemini-live-2.5-flash-native-audio"}),
    first_audio_s=0.8,
    coverage=Coverage.ONLY_ACTIVITY,
    default_behavior=Behavior.BLOCKING,
    behaviors=frozenset(Behavior),
    schedules=True,
    thinking_budget=True,
    thinking_levels=frozenset(),
    alpha_dialog_fields=True,
    always_proactive=False,
    speaks_only=False,
    bundles=False,
    usage_first=False,
    interaction_status=False,
    context_updates=False,
    talks_over_user=True,
    cancels_turn_calls=True,
    seed_ends_with_user=True,
)
PROFILE_3_1: Final = Profile(
    name="3.1",
    models=frozenset({"gemini-3.1-flash-live-preview"}),
    vertex_models=frozenset({"gemini-3.1-flash-live-preview"}),
    first_audio_s=0.96,
    coverage=Coverage.ACTIVITY_AND_ALL_VIDEO,
    default_behavior=Behavior.BLOCKING,
    behaviors=frozenset({Behavior.BLOCKING}),
    schedules=False,
    thinking_budget=False,
    thinking_levels=THINKING_LEVELS,
    alpha_dialog_fields=False,
    always_proactive=False,
    speaks_only=False,
    bundles=True,
    usage_first=True,
    interaction_status=False,
    context_updates=False,
    talks_over_user=False,
    cancels_turn_calls=True,
    seed_ends_with_user=False,
)
PROFILE_3_8: Final = Profile(
    name="3.8",
    models=frozenset({"gemini-3.8-live"}),
    vertex_models=frozenset({"gemini-3.8-live"}),
    first_audio_s=1.18,
    coverage=Coverage.ACTIVITY_AND_ALL_VIDEO,
    default_behavior=Behavior.NON_BLOCKING,
    behaviors=frozenset(Behavior),
    schedules=True,
    thinking_budget=False,
    thinking_levels=frozenset(),
    alpha_dialog_fields=False,
    always_proactive=True,
    speaks_only=True,
    bundles=True,
    usage_first=False,
    interaction_status=False,
    context_updates=True,
    talks_over_user=False,
    cancels_turn_calls=False,
    seed_ends_with_user=False,
)
PROFILE_3_8_EXTENDED_THINKING: Final = Profile(
    name="3.8-extended-thinking",
    models=frozenset({"gemini-3.8-live-extended-thinking"}),
    vertex_models=frozenset({"gemini-3.8-live-extended-thinking"}),
    first_audio_s=1.35,
    coverage=Coverage.ACTIVITY_AND_ALL_VIDEO,
    default_behavior=Behavior.NON_BLOCKING,
    behaviors=frozenset({Behavior.NON_BLOCKING}),
    schedules=False,
    thinking_budget=False,
    thinking_levels=THINKING_LEVELS - {"MINIMAL"},
    alpha_dialog_fields=False,
    always_proactive=True,
    speaks_only=True,
    bundles=True,
    usage_first=False,
    interaction_status=True,
    context_updates=True,
    talks_over_user=False,
    cancels_turn_calls=False,
    seed_ends_with_user=False,
)

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        profile.name: profile
        for profile in (PROFILE_2_5, PROFILE_3_1, PROFILE_3_8, PROFILE_3_8_EXTENDED_THINKING)
    }
)


def profile_of(model_id: str, backend: Backend, aliases: Mapping[str, str]) -> Profile | None:
    """The profile of a model's id on that backend; `aliases` maps more ids to profile names."""
    if model_id in aliases:
        return PROFILES[aliases[model_id]]
    for profile in PROFILES.values():
        known = profile.models if backend is Backend.MLDEV else profile.vertex_models
        if model_id in known:
            return profile
    return None


def refusal(
    setup: LiveSetup, profile: Profile | None, backend: Backend, version: str
) -> Close | None:
    """The close that answers a setup, or None when the model accepts it."""
    if profile is None:
        return unknown_model(setup.model, version)
    checks = (
        _foreign_fields(setup.raw, profile, backend, version),
        _thinking(setup.raw, profile),
        _generation(setup, profile, backend),
        tools_refusals(list_of(setup.raw.get("tools")), profile),
    )
    return next((close for check in checks for close in check), None)


def tools_refusals(tools: Iterable[object], profile: Profile) -> Iterator[Close]:
    """Why the model refuses these tools (canonical keys), if it does."""
    for tool in tools:
        if isinstance(tool, dict) and not tool.keys() <= SUPPORTED_TOOLS:
            yield NOT_IMPLEMENTED
    declared = read_tools([tool for tool in tools if isinstance(tool, dict)])
    for function in declared:
        if not function.name:
            yield INVALID_ARGUMENT
        elif function.behavior is not None and function.behavior not in profile.behaviors:
            yield NOT_IMPLEMENTED


def _foreign_fields(
    raw: JsonObject, profile: Profile, backend: Backend, version: str
) -> Iterator[Close]:
    """Fields of another backend or API version: to this one they do not exist."""
    generation = object_of(raw.get("generationConfig"))
    if backend is Backend.MLDEV:
        if "transparent" in object_of(raw.get("sessionResumption")):
            yield unknown_field("transparent", "setup.session_resumption")
        if "explicitVadSignal" in raw:
            yield unknown_field("explicitVadSignal", "setup")
        if "avatarConfig" in raw:
            yield NOT_IMPLEMENTED
        if profile.alpha_dialog_fields and version != "v1alpha":
            if "proactivity" in raw:
                yield unknown_field("proactivity", "setup")
            if "enableAffectiveDialog" in generation:
                yield unknown_field("enableAffectiveDialog", "setup.generation_config")
    elif _coverage_text(raw) == Coverage.ACTIVITY_AND_ALL_VIDEO.value:
        yield INVALID_ARGUMENT
    if profile.alpha_dialog_fields:
        return
    if "enableAffectiveDialog" in generation:
        yield INVALID_ARGUMENT
    proactive = object_of(raw.get("proactivity")).get("proactiveAudio")
    if proactive is not None and proactive is not profile.always_proactive:
        yield INVALID_ARGUMENT


def _thinking(raw: JsonObject, profile: Profile) -> Iterator[Close]:
    thinking = object_of(raw.get("generationConfig")).get("thinkingConfig")
    if not isinstance(thinking, dict):
        return
    if not profile.thinking_budget and not profile.thinking_levels:
        yield INVALID_ARGUMENT
    if "thinkingBudget" in thinking and not profile.thinking_budget:
        yield INVALID_ARGUMENT
    if "thinkingLevel" in thinking:
        level = text_of(thinking["thinkingLevel"]).upper()
        if level not in profile.thinking_levels:
            yield INVALID_ARGUMENT


def _generation(setup: LiveSetup, profile: Profile, backend: Backend) -> Iterator[Close]:
    generation = object_of(setup.raw.get("generationConfig"))
    if not generation.keys().isdisjoint(UNSUPPORTED_GENERATION_FIELDS):
        yield INVALID_ARGUMENT
    speech = object_of(generation.get("speechConfig"))
    if not setup.speaks and "voiceConfig" in speech:
        yield VOICE_WITHOUT_AUDIO
    modalities = list_of(generation.get("responseModalities"))
    if not setup.speaks and (profile.speaks_only or modalities != ["TEXT"]):
        yield INVALID_ARGUMENT
    if len(modalities) > 1 or "multiSpeakerVoiceConfig" in speech:
        yield INVALID_ARGUMENT
    if setup.voice.lower() not in {name.lower() for name in VOICE_NAMES}:
        yield INVALID_ARGUMENT
    compression = setup.compression
    if compression is not None and not 0 < compression.target < compression.trigger:
        yield INVALID_ARGUMENT


def _coverage_text(raw: JsonObject) -> str:
    return text_of(object_of(raw.get("realtimeInputConfig")).get("turnCoverage"))
