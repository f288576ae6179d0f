"""Live settings: defaults, spellings, cross-checks, and what is never accepted."""

import pytest
from pydantic import ValidationError

from processors.gemini.refusals import refusals
from processors.gemini.refused_levers import NOT_IN_LIVE
from processors.gemini.settings import (
    DEFAULT_SYSTEM_INSTRUCTION,
    LiveSettings,
    Transcription,
)


def refused(**given: object) -> str:
    with pytest.raises(ValidationError) as caught:
        LiveSettings.model_validate(given)
    return refusals(caught.value, LiveSettings, NOT_IN_LIVE)[0].sentence


def test_defaults_need_nothing() -> None:
    settings = LiveSettings()
    assert settings.model == "gemini-3.8-live"
    assert settings.context_window_compression.enabled
    assert settings.context_window_compression.trigger_tokens == 25_000
    assert settings.session_resumption.enabled
    assert settings.input_transcription.enabled
    assert settings.output_transcription.enabled
    assert settings.automatic_activity_detection.enabled
    assert settings.history == ()
    assert settings.google_search is False


def test_the_default_instruction_speaks_of_the_tools_and_of_honesty() -> None:
    for words in ("create_image", "edit_image", "be brief", "before the tool's result says so"):
        assert words in DEFAULT_SYSTEM_INSTRUCTION


def test_stop_sequences_are_refused_with_the_reason() -> None:
    expected = (
        "stopSequences is not accepted: the Live API takes no stop sequences; use "
        "imageStopSequences, which holds for the image model."
    )
    assert refused(stopSequences=["x"]) == expected
    assert refused(stop_sequences=["x"]).startswith("stopSequences is not a")


@pytest.mark.parametrize(
    "part",
    [
        "contextWindowCompression",
        "sessionResumption",
        "inputTranscription",
        "outputTranscription",
        "automaticActivityDetection",
    ],
)
def test_switches_take_booleans_and_objects(part: str) -> None:
    off = LiveSettings.model_validate({part: False})
    assert off == LiveSettings.model_validate({part: {"enabled": False}})
    assert LiveSettings.model_validate({part: True}) == LiveSettings()
    assert refused(**{part: "no"}) == f"{part} must be an object."


def test_thinking() -> None:
    assert LiveSettings.model_validate({"thinking": {"level": "HIGH"}}).thinking.level == "high"
    assert LiveSettings.model_validate({"thinking": {"budget": -1}}).thinking.budget == -1
    assert refused(thinking={"budget": 5, "level": "low"}) == (
        "thinking.level must not be given together with a budget."
    )
    assert refused(thinking={"budget": -2}) == "thinking.budget must be at least -1."


@pytest.mark.parametrize(
    ("part", "field", "low", "high"),
    [
        ("thinking", "budget", -1, 32_768),
        ("automaticActivityDetection", "prefixPaddingMs", 0, 10_000),
        ("automaticActivityDetection", "silenceDurationMs", 0, 10_000),
        ("contextWindowCompression", "triggerTokens", 1_000, 1_000_000),
    ],
)
def test_ranges(part: str, field: str, low: int, high: int) -> None:
    for value in (low, high):
        assert LiveSettings.model_validate({part: {field: value}})
    assert refused(**{part: {field: low - 1}}) == f"{part}.{field} must be at least {low}."
    assert refused(**{part: {field: high + 1}}) == f"{part}.{field} must be at most {high}."


def test_lengths() -> None:
    codes, words = {"languageCodes": ["en"] * 20}, {"customVocabulary": ["a"] * 500}
    assert LiveSettings.model_validate({"inputTranscription": {**codes, **words}})
    for part, most in (
        ({"languageCodes": ["en"] * 21}, 20),
        ({"customVocabulary": ["a"] * 501}, 500),
    ):
        sentence = refused(inputTranscription=part)
        assert sentence.endswith(f"must have at most {most} entries.")
    assert LiveSettings(tools=("a" * 128,) * 512)
    assert refused(tools=["a"] * 513) == "tools must have at most 512 entries."
    assert refused(tools=["a" * 129]) == "tools[0] must have at most 128 characters."
    compression = {"triggerTokens": None, "targetTokens": 0}
    assert refused(contextWindowCompression=compression) == (
        "contextWindowCompression.targetTokens must be at least 1."
    )


def test_compression_keeps_less_than_it_starts_from() -> None:
    assert refused(contextWindowCompression={"triggerTokens": 5000, "targetTokens": 5000}) == (
        "contextWindowCompression.targetTokens must be less than triggerTokens."
    )
    assert refused(contextWindowCompression={"triggerTokens": 1, "targetTokens": 5000}) == (
        "contextWindowCompression.triggerTokens must be at least 1000."
    )
    left_to_the_server = {"triggerTokens": None, "targetTokens": 5000}
    settings = LiveSettings.model_validate({"contextWindowCompression": left_to_the_server})
    assert settings.context_window_compression.target_tokens == 5000


@pytest.mark.parametrize("extra", ["wordTimestamp", "diarization"])
def test_smart_transcripts_stand_alone(extra: str) -> None:
    assert refused(inputTranscription={"mode": "smart", extra: True}) == (
        "inputTranscription.mode must not be smart together with wordTimestamp or diarization."
    )
    assert Transcription.model_validate({"mode": "verbatim", extra: True}).mode == "verbatim"
    assert Transcription.model_validate({"mode": "smart", extra: False}).mode == "smart"


@pytest.mark.parametrize("tag", ["en", "en-US", "cmn-Hans-CN"])
def test_languages(tag: str) -> None:
    assert LiveSettings(language=tag).language == tag


@pytest.mark.parametrize("tag", ["", "english language", "e", "en_US", "en-"])
def test_no_languages(tag: str) -> None:
    assert refused(language=tag) == "language must be a BCP-47 language tag such as en-US."


def test_voices() -> None:
    assert LiveSettings(voice="Kore").voice == "Kore"
    assert LiveSettings(voice="voices/mine").voice == "voices/mine"
    assert refused(voice="a b") == "voice must be the name of a voice, such as Kore."
    assert refused(voice="") == "voice must be the name of a voice, such as Kore."
    assert refused(voice="a" * 129) == "voice must have at most 128 characters."


@pytest.mark.parametrize("everything", [True, "all", ["all"], ["true"], None])
def test_all_tools(everything: object) -> None:
    settings = LiveSettings.model_validate({"tools": everything})
    assert settings.tools is None
    assert settings.allows_tool("anything")


@pytest.mark.parametrize("nothing", [False, "none", ["none"], ["false"], []])
def test_no_tools(nothing: object) -> None:
    settings = LiveSettings.model_validate({"tools": nothing})
    assert settings.tools == ()
    assert not settings.allows_tool("anything")


def test_some_tools() -> None:
    settings = LiveSettings.model_validate({"tools": ["create_image", "weather"]})
    assert settings.allows_tool("weather")
    assert not settings.allows_tool("edit_image")
    assert refused(tools=5) == "tools must be a list."
    assert refused(tools=[""]) == "tools[0] must not be empty."


def test_translation_needs_a_language() -> None:
    assert refused(translation={}) == "translation.targetLanguageCode is required."


@pytest.mark.parametrize(
    ("field", "spelling", "value"),
    [
        ("turnCoverage", "TURN_INCLUDES_ALL_INPUT", "all_input"),
        ("turnCoverage", "only_activity", "only_activity"),
        ("activityHandling", "NO_INTERRUPTION", "no_interruption"),
    ],
)
def test_constants_of_the_api(field: str, spelling: str, value: str) -> None:
    settings = LiveSettings.model_validate({field: spelling})
    assert settings.model_dump(by_alias=True)[field] == value


def test_sensitivities_in_the_apis_spelling() -> None:
    detection = {"startSensitivity": "START_SENSITIVITY_LOW", "endSensitivity": "high"}
    settings = LiveSettings.model_validate({"automaticActivityDetection": detection})
    assert settings.automatic_activity_detection.start_sensitivity == "low"
    assert settings.automatic_activity_detection.end_sensitivity == "high"


def test_what_people_say_is_not_in_the_repr() -> None:
    turns = [{"role": "user", "parts": [{"text": "my secret"}]}]
    settings = LiveSettings.model_validate({"history": turns, "systemInstruction": "a secret"})
    assert "secret" not in repr(settings)


def test_too_many_turns() -> None:
    turns = [{"role": "user", "parts": [{"text": "a"}]}] * 201
    assert refused(history=turns) == "history must have at most 200 entries."
