"""Model profiles: which model is which, what each refuses, and where models behave differently."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from processors.gemini import profiles
from processors.gemini.profiles import (
    EXTENDED_THINKING_3_8,
    FLASH_LIVE_3_1,
    LIVE_3_8,
    LIVE_TRANSLATE,
    NATIVE_AUDIO_2_5,
    UNKNOWN,
    VOICES,
    ModelProfile,
    base_name,
    check,
    prebuilt_voice,
    profile_for,
)
from processors.gemini.settings import LiveSettings

M25 = "gemini-2.5-flash-native-audio-preview-12-2025"
M31 = "gemini-3.1-flash-live-preview"
M38 = "gemini-3.8-live"
THINKING = "gemini-3.8-live-extended-thinking"
TRANSLATE = "gemini-3.5-live-translate-preview"
NEW = "gemini-9-live"
ON_VERTEX = "gemini-live-2.5-flash-native-audio"


def refused(model: str, *, vertex: bool = False, **given: object) -> dict[str, str]:
    settings = LiveSettings.model_validate({"model": model, **given})
    return {refusal.field: refusal.sentence for refusal in check(settings, vertex=vertex)}


@pytest.mark.parametrize(
    ("model", "profile"),
    [
        (M25, NATIVE_AUDIO_2_5),
        ("gemini-2.5-flash-native-audio-latest", NATIVE_AUDIO_2_5),
        (ON_VERTEX, NATIVE_AUDIO_2_5),
        (M31, FLASH_LIVE_3_1),
        (M38, LIVE_3_8),
        ("models/gemini-3.8-live-001", LIVE_3_8),
        (THINKING, EXTENDED_THINKING_3_8),
        (TRANSLATE, LIVE_TRANSLATE),
        (NEW, UNKNOWN),
        ("gemini-3.8-live-something-else", UNKNOWN),
    ],
)
def test_which_profile(model: str, profile: ModelProfile) -> None:
    assert profile_for(model, vertex=False) is profile


def test_the_own_name_of_a_model() -> None:
    assert base_name("projects/p/locations/l/publishers/google/models/m") == "m"
    assert base_name("m") == "m"


@pytest.mark.parametrize("model", [M25, M31, M38, THINKING, NEW])
@pytest.mark.parametrize("vertex", [False, True])
def test_the_defaults_suit_every_model(model: str, vertex: bool) -> None:
    name = ON_VERTEX if vertex and model == M25 else model
    assert refused(name, vertex=vertex) == {}


def test_models_that_hold_no_conversation() -> None:
    for model, words in {
        "gemini-3.5-transcribe-live": "only writes down",
        "gemini-2.0-flash-live-001": "was shut down on 2025-12-09",
        "gemini-live-2.5-flash-preview": "was shut down on 2025-12-09",
        "gemini-3.1-flash-image": "set it as imageModel",
        "gemini-nano-banana-2.1": "set it as imageModel",
    }.items():
        sentence = refused(model)["model"]
        assert sentence.startswith(f"model is not usable here: {model} ")
        assert words in sentence


def test_names_of_the_other_backend() -> None:
    assert refused(M25, vertex=True)["model"] == (
        "model is unknown to Vertex AI: gemini-live-2.5-flash-native-audio is its name there."
    )
    assert refused(ON_VERTEX)["model"] == (
        "model is unknown to the Gemini API: gemini-2.5-flash-native-audio-latest is its name "
        "there."
    )


@pytest.mark.parametrize(
    ("model", "thinking", "field", "words"),
    [
        (M38, {"level": "low"}, "thinking.level", "takes no thinking settings"),
        (M38, {"budget": 0}, "thinking.budget", "takes no thinking settings"),
        (M38, {"includeThoughts": False}, "thinking.includeThoughts", "no thinking settings"),
        (THINKING, {"level": "minimal"}, "thinking.level", "it takes low, medium, high"),
        (THINKING, {"budget": 5}, "thinking.budget", "use thinking.level"),
        (M31, {"budget": 5}, "thinking.budget", "use thinking.level"),
        (TRANSLATE, {"budget": 5}, "thinking.budget", "takes no thinking settings"),
        (TRANSLATE, {"includeThoughts": True}, "thinking.includeThoughts", "no thinking settings"),
        (M25, {"level": "low"}, "thinking.level", "use thinking.budget"),
    ],
)
def test_thinking_refused(
    model: str, thinking: Mapping[str, object], field: str, words: str
) -> None:
    translation = {"targetLanguageCode": "pl"} if model == TRANSLATE else None
    found = refused(model, thinking=thinking, translation=translation)
    assert list(found) == [field]
    assert re.match(rf"{re.escape(field)} is not accepted by {re.escape(model)}", found[field])
    assert words in found[field]


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        (THINKING, {"level": "high", "includeThoughts": True}),
        (M31, {"level": "minimal", "includeThoughts": True}),
        (M25, {"budget": 0, "includeThoughts": False}),
        (NEW, {"level": "minimal", "includeThoughts": True}),
        (NEW, {"budget": 5}),
    ],
)
def test_thinking_accepted(model: str, thinking: Mapping[str, object]) -> None:
    assert refused(model, thinking=thinking) == {}


def test_proactive_audio() -> None:
    for model in (M38, THINKING):
        assert refused(model, proactiveAudio=True) == {}
        assert refused(model, proactiveAudio=False) == {
            "proactiveAudio": f"proactiveAudio must not be false: {model} is always proactive."
        }
    for value in (True, False):
        expected = {"proactiveAudio": f"proactiveAudio is not accepted by {M31}."}
        assert refused(M31, proactiveAudio=value) == expected
        assert refused(M25, proactiveAudio=value) == {}
        assert refused(NEW, proactiveAudio=value) == {}


@pytest.mark.parametrize("value", [True, False])
def test_affective_dialog(value: bool) -> None:
    for model in (M38, THINKING, M31):
        assert list(refused(model, affectiveDialog=value)) == ["affectiveDialog"]
    for model in (M25, NEW):
        assert refused(model, affectiveDialog=value) == {}


def test_voices() -> None:
    assert len(VOICES) == 30
    assert prebuilt_voice("KORE") == "Kore"
    assert prebuilt_voice("Nobody") is None
    assert refused(M38, voice="kore") == {}
    assert refused(M38, voice="voices/mine") == {}
    assert refused(NEW, voice="Nobody") == {}
    for model in (M25, M31, M38, THINKING):
        assert "it has Achernar, Achird" in refused(model, voice="Nobody")["voice"]


def test_limits() -> None:
    assert refused(M38, maxOutputTokens=65_536) == {}
    assert refused(M25, maxOutputTokens=8_192) == {}
    assert refused(M25, maxOutputTokens=8_193)["maxOutputTokens"] == (
        f"maxOutputTokens must be at most 8192 with {M25}."
    )


def test_turn_coverage_of_video_is_not_for_vertex() -> None:
    coverage = "audio_activity_and_all_video"
    assert refused(M38, turnCoverage=coverage) == {}
    assert refused(M38, turnCoverage="all_input", vertex=True) == {}
    assert list(refused(M38, turnCoverage=coverage, vertex=True)) == ["turnCoverage"]
    assert list(refused(NEW, turnCoverage=coverage, vertex=True)) == ["turnCoverage"]


@pytest.mark.parametrize(("tokens", "accepted"), [(5000, True), (4999, False), (128_001, False)])
def test_compression_on_vertex(tokens: int, accepted: bool) -> None:
    compression = {"triggerTokens": tokens}
    assert refused(M38, contextWindowCompression=compression) == {}
    found = refused(M38, contextWindowCompression=compression, vertex=True)
    assert (found == {}) is accepted
    unset = {"triggerTokens": None}
    assert refused(M38, contextWindowCompression=unset, vertex=True) == {}


def test_only_interpreters_translate() -> None:
    translation = {"targetLanguageCode": "pl"}
    for model in (M25, M31, M38, THINKING):
        assert list(refused(model, translation=translation)) == ["translation"]
    assert refused(NEW, translation=translation) == {}
    assert refused(TRANSLATE, translation=translation) == {}
    assert refused(TRANSLATE)["translation"] == (
        f"translation is required by {TRANSLATE}: it needs a targetLanguageCode."
    )


def test_interpreters_do_nothing_else() -> None:
    found = refused(
        TRANSLATE,
        translation={"targetLanguageCode": "pl"},
        systemInstruction="Be kind.",
        tools=["weather"],
        googleSearch=True,
        history=[{"role": "user", "parts": [{"text": "a"}]}],
        affectiveDialog=True,
        proactiveAudio=True,
        thinking={"level": "low"},
    )
    only_interprets = {"systemInstruction", "tools", "googleSearch", "history"}
    assert set(found) == only_interprets | {"affectiveDialog", "proactiveAudio", "thinking.level"}
    assert all("only interprets" in found[field] for field in only_interprets)
    language = {"targetLanguageCode": "pl"}
    assert refused(TRANSLATE, translation=language, systemInstruction=None, tools=[]) == {}


@pytest.mark.parametrize("model", [M25, M31, M38, THINKING, NEW])
def test_who_converses_may_be_told_things(model: str) -> None:
    found = refused(
        model,
        systemInstruction="Be kind.",
        tools=["weather"],
        googleSearch=True,
        history=[{"role": "user", "parts": [{"text": "a"}]}],
    )
    assert found == {}


@pytest.mark.parametrize("model", [M38, NEW])
def test_what_only_vertex_accepts(model: str) -> None:
    given: dict[str, Any] = {
        "sessionResumption": {"transparent": True},
        "explicitVadSignal": False,
        "safetySettings": [
            {"category": "harassment", "threshold": "off", "method": "severity"},
        ],
    }
    assert refused(model, **given) == {
        "sessionResumption.transparent": "sessionResumption.transparent is accepted by Vertex AI "
        "only.",
        "explicitVadSignal": "explicitVadSignal is accepted by Vertex AI only.",
        "safetySettings": "safetySettings must not have a method: only Vertex AI takes one.",
    }
    assert refused(model, vertex=True, **given) == {}


def test_every_sentence_begins_with_its_field() -> None:
    given: dict[str, Any] = {
        "thinking": {"budget": 1, "includeThoughts": True},
        "affectiveDialog": True,
    }
    for field, sentence in refused(M38, voice="Nobody", **given).items():
        assert sentence.startswith(f"{field} ")
        assert sentence.endswith(".")


def behaviour(model: str, vertex: bool) -> tuple[object, ...]:
    profile = profile_for(model, vertex=vertex)
    return (
        profile.tool_behavior,
        profile.declared_behavior,
        profile.supports_scheduling,
        profile.supports_context_update,
        profile.seed_needs_history_config,
        profile.seed_needs_nudge,
        profile.seed_needs_user_last,
        profile.interaction_status,
    )


@pytest.mark.parametrize(
    ("model", "vertex", "expected"),
    [
        (M38, False, ("NON_BLOCKING", None, True, False, True, True, False, False)),
        (M38, True, ("NON_BLOCKING", None, False, True, False, True, False, False)),
        (THINKING, False, ("NON_BLOCKING", None, False, False, True, True, False, True)),
        (THINKING, True, ("NON_BLOCKING", None, False, False, False, True, False, True)),
        (M31, False, ("BLOCKING", None, False, False, True, True, False, False)),
        (M25, False, ("NON_BLOCKING", "NON_BLOCKING", True, False, False, False, True, False)),
        (ON_VERTEX, True, ("BLOCKING", None, False, False, False, False, True, False)),
        (NEW, False, ("BLOCKING", None, False, False, True, True, False, False)),
        (NEW, True, ("BLOCKING", None, False, False, False, True, False, False)),
        (TRANSLATE, False, ("BLOCKING", None, False, False, False, False, False, False)),
    ],
)
def test_where_models_behave_differently(
    model: str, vertex: bool, expected: tuple[object, ...]
) -> None:
    assert behaviour(model, vertex) == expected


def test_declared_behaviors() -> None:
    both = frozenset({"BLOCKING", "NON_BLOCKING"})
    assert profile_for(M38, vertex=True).accepted_behaviors == both
    assert profile_for(THINKING, vertex=False).accepted_behaviors == frozenset({"NON_BLOCKING"})
    assert profile_for(M31, vertex=False).accepted_behaviors == frozenset()
    assert profile_for(ON_VERTEX, vertex=True).accepted_behaviors == frozenset()
    assert profile_for(NEW, vertex=False).accepted_behaviors is None


def test_default_turn_coverage() -> None:
    assert profile_for(M25, vertex=False).default_turn_coverage == "only_activity"
    for profile in (FLASH_LIVE_3_1, LIVE_3_8, EXTENDED_THINKING_3_8):
        assert profile.default_turn_coverage == "audio_activity_and_all_video"
    assert profiles.UNKNOWN.default_turn_coverage is None
