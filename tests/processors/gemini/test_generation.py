"""The shared generation parameters: spellings, ranges, and the SDK's vocabulary."""

import typing
from typing import Any

import pytest
from google.genai import types
from pydantic import ValidationError

from processors.gemini import generation
from processors.gemini.generation import (
    MAX_INSTRUCTION_BYTES,
    GenerationSettings,
    Instruction,
    Labels,
    ModelName,
    Phrases,
    SafetySetting,
    SettingsModel,
)
from processors.gemini.refusals import refusals


class Named(SettingsModel):
    model: ModelName = "m"
    labels: Labels = {}
    instruction: Instruction = ""
    phrases: Phrases = ()


def refused(settings: type[SettingsModel], **given: object) -> str:
    with pytest.raises(ValidationError) as caught:
        settings.model_validate(given)
    return refusals(caught.value, settings, {})[0].sentence


def words(annotated: Any) -> set[str]:
    return set(typing.get_args(typing.get_args(annotated)[0]))


def test_both_spellings_mean_the_same() -> None:
    assert GenerationSettings.model_validate({"topP": 0.5}) == GenerationSettings.model_validate(
        {"top_p": 0.5}
    )


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        GenerationSettings().temperature = 1


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("temperature", 0, 2),
        ("top_p", 0, 1),
        ("top_k", 1, 1000),
        ("max_output_tokens", 1, 65_536),
        ("seed", -(2**31), 2**31 - 1),
        ("presence_penalty", -2, 2),
        ("frequency_penalty", -2, 2),
    ],
)
def test_ranges(field: str, low: int, high: int) -> None:
    for value in (low, high):
        assert getattr(GenerationSettings.model_validate({field: value}), field) == value
    assert f"must be at least {low}." in refused(GenerationSettings, **{field: low - 1})
    assert f"must be at most {high}." in refused(GenerationSettings, **{field: high + 1})


def test_numbers_are_finite() -> None:
    for value in (float("nan"), float("inf")):
        assert refused(GenerationSettings, topP=value) == "topP must be a finite number."


def test_values_stay_out_of_the_text_of_errors() -> None:
    with pytest.raises(ValidationError) as caught:
        Named.model_validate({"model": "my secret"})
    assert "secret" not in str(caught.value)


def test_rooms_may_change_a_setting_unless_it_says_otherwise() -> None:
    extra = GenerationSettings.model_fields["top_p"].json_schema_extra
    assert extra == {"unit": "", "models": "all", "span": "", "operator_only": False}


@pytest.mark.parametrize("field", ["temperature", "seed"])
def test_a_boolean_is_no_number(field: str) -> None:
    assert refused(GenerationSettings, **{field: True}) == (
        f"{field} must be a number, not true or false."
    )


def test_a_number_too_large_for_a_float_is_refused() -> None:
    assert refused(GenerationSettings, temperature=10**400) == "temperature must be a number."


@pytest.mark.parametrize("spelling", ["low", "LOW", " Low ", "MEDIA_RESOLUTION_LOW"])
def test_constants_in_every_spelling(spelling: str) -> None:
    settings = GenerationSettings.model_validate({"mediaResolution": spelling})
    assert settings.media_resolution == "low"


def test_a_constant_must_be_a_text() -> None:
    assert refused(GenerationSettings, mediaResolution=1) == (
        "mediaResolution must be 'low', 'medium' or 'high'."
    )


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("ThinkingLevel", ""),
        ("MediaResolution", "media_resolution_"),
        ("HarmCategory", "harm_category_"),
        ("HarmBlockThreshold", ""),
        ("HarmBlockMethod", ""),
    ],
)
def test_the_vocabulary_is_the_sdks(name: str, prefix: str) -> None:
    ours = name.replace("HarmBlock", "Harm")
    constants = {
        member.value.lower().removeprefix(prefix)
        for member in getattr(types, name)
        if not member.value.endswith("UNSPECIFIED")
    }
    assert words(getattr(generation, ours)) == constants


def test_safety_settings_in_every_spelling() -> None:
    expected = (SafetySetting(category="harassment", threshold="off"),)
    for given in (
        [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
        {"harassment": "off"},
        ["harassment=off"],
        expected,
    ):
        settings = GenerationSettings.model_validate({"safetySettings": given})
        assert settings.safety_settings == expected


def test_safety_settings_refused() -> None:
    assert refused(GenerationSettings, safetySettings=[{"category": "harassment"}]) == (
        "safetySettings[0].threshold is required."
    )
    assert refused(GenerationSettings, safetySettings=["harassment=off", "harassment=off"]) == (
        "safetySettings must name each category once."
    )
    assert refused(GenerationSettings, safetySettings=["harassment=off"] * 17) == (
        "safetySettings must have at most 16 entries."
    )
    assert refused(GenerationSettings, safetySettings=5) == "safetySettings must be a list."


@pytest.mark.parametrize(
    "name", ["gemini-3.8-live", "models/m_1", "projects/p/locations/l/publishers/google/models/m"]
)
def test_names_of_models(name: str) -> None:
    assert Named(model=name).model == name


def test_the_length_of_names() -> None:
    assert Named(model="m" * 200).model == "m" * 200
    assert refused(Named, model="m" * 201) == "model must have at most 200 characters."
    assert refused(Named, model="") == "model must not be empty."


def test_phrases() -> None:
    assert Named(phrases=("a" * 200, "b")).phrases == ("a" * 200, "b")
    assert refused(Named, phrases=["a", "a" * 201]) == (
        "phrases[1] must have at most 200 characters."
    )
    assert refused(Named, phrases=[""]) == "phrases[0] must not be empty."
    with pytest.raises(ValidationError) as caught:
        Named.model_validate({"phrases": [1, 2, 3]})
    assert caught.value.error_count() == 1


@pytest.mark.parametrize(
    "name", ["a b", "a?key=b", "../x", "/x", "a%2e", "a#b", "a:b", "é", "-", "a\nb"]
)
def test_no_names_of_models(name: str) -> None:
    assert refused(Named, model=name) == "model must be the name of a model."


def test_labels() -> None:
    assert Named.model_validate({"labels": "a=b, c = d,"}).labels == {"a": "b", "c": "d"}
    assert Named(labels={"a": "b"}).labels == {"a": "b"}
    assert "at most 63 characters" in refused(Named, labels={"a": "b" * 64})
    assert "at most 64 entries" in refused(Named, labels={str(n): "" for n in range(65)})


def test_texts_must_be_unicode_and_of_bounded_bytes() -> None:
    assert Named(instruction="é").instruction == "é"
    assert refused(Named, instruction="\ud800") == "instruction must be valid Unicode text."
    Named(instruction="é" * (MAX_INSTRUCTION_BYTES // 2))
    assert refused(Named, instruction="é" * (MAX_INSTRUCTION_BYTES // 2) + "e") == (
        "instruction must have at most 65536 bytes."
    )
