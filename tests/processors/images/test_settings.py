"""Image settings: defaults, spellings, cross-checks."""

import typing

import pytest
from google.genai import types
from pydantic import ValidationError

from processors.gemini.refusals import refusals
from processors.images.settings import NOT_FOR_IMAGES, ImageSettings, ModelArmor


def refused(**given: object) -> str:
    with pytest.raises(ValidationError) as caught:
        ImageSettings.model_validate(given)
    return refusals(caught.value, ImageSettings, NOT_FOR_IMAGES)[0].sentence


def test_defaults_need_nothing() -> None:
    settings = ImageSettings()
    assert settings.model == "gemini-nano-banana-2.1"
    assert settings.response_modalities == ("text", "image")
    assert settings.timeout_s == 120
    assert settings.max_concurrent == 4


@pytest.mark.parametrize(
    ("given", "size"), [("1K", "1K"), ("2k", "2K"), (" 4k", "4K"), (512, "512"), ("512", "512")]
)
def test_sizes(given: object, size: str) -> None:
    assert ImageSettings.model_validate({"size": given}).size == size


@pytest.mark.parametrize("given", ["", "K", "0K", "big", "1K/../x", 0, -1])
def test_no_sizes(given: object) -> None:
    assert refused(size=given) == "size must be a size such as 1K, 2K or 4K."


@pytest.mark.parametrize("given", [True, 1.5, []])
def test_a_size_is_a_text(given: object) -> None:
    assert refused(size=given) == "size must be a text."


def test_aspect_ratios() -> None:
    assert ImageSettings.model_validate({"aspectRatio": "21:9"}).aspect_ratio == "21:9"
    for ratio in ("wide", "16x9", "0:1", "1:100", "16:9 "):
        assert refused(aspectRatio=ratio) == (
            "aspectRatio must be a ratio of width to height such as 16:9."
        )


def test_modalities() -> None:
    settings = ImageSettings.model_validate({"responseModalities": ["IMAGE"]})
    assert settings.response_modalities == ("image",)
    for modalities in (["text"], ["image", "image"], []):
        assert refused(responseModalities=modalities) == (
            "responseModalities must be image, or text and image."
        )


def test_stop_sequences() -> None:
    assert ImageSettings.model_validate({"stopSequences": [" x"]}).stop_sequences == (" x",)
    assert refused(stopSequences=[""]) == "stopSequences[0] must not be empty."
    assert ImageSettings(stop_sequences=("a" * 100,) * 5)
    assert refused(stopSequences=["a" * 101]) == (
        "stopSequences[0] must have at most 100 characters."
    )
    assert refused(stopSequences=["a"] * 6) == "stopSequences must have at most 5 entries."


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("candidateCount", 1, 8),
        ("outputCompressionQuality", 0, 100),
        ("timeoutS", 1, 600),
        ("maxConcurrent", 1, 16),
    ],
)
def test_ranges(field: str, low: int, high: int) -> None:
    for value in (low, high):
        assert ImageSettings.model_validate({"outputMimeType": "image/jpeg", field: value})
    assert refused(**{field: low - 1}) == f"{field} must be at least {low}."
    assert refused(**{field: high + 1}) == f"{field} must be at most {high}."


def test_what_costs_or_guards_is_the_operators() -> None:
    reserved = {
        name
        for settings in (ImageSettings, ModelArmor)
        for name, info in settings.model_fields.items()
        if isinstance(info.json_schema_extra, dict) and info.json_schema_extra["operator_only"]
    }
    templates = {"prompt_template", "response_template"}
    limits = {"timeout_s", "max_concurrent"}
    assert reserved == {"service_tier", "store", "model_armor", *templates, *limits}


def test_search_is_off_unless_asked_for() -> None:
    assert ImageSettings().google_search is False
    assert ImageSettings().google_image_search is False


def test_an_instruction_is_not_in_the_repr() -> None:
    assert "secret" not in repr(ImageSettings(system_instruction="a secret"))


def test_a_quality_goes_with_jpeg() -> None:
    jpeg = {"outputMimeType": "image/jpeg", "outputCompressionQuality": 80}
    assert ImageSettings.model_validate(jpeg).output_compression_quality == 80
    for other in ({}, {"outputMimeType": "image/png"}):
        assert refused(**other, outputCompressionQuality=80) == (
            "outputCompressionQuality must go with the outputMimeType image/jpeg."
        )


def test_model_armor_excludes_safety_settings() -> None:
    armor = {"promptTemplate": "p"}
    settings = ImageSettings.model_validate({"modelArmor": armor})
    assert settings.model_armor.prompt_template == "p"
    assert refused(modelArmor=armor, safetySettings={"harassment": "off"}) == (
        "modelArmor must not be given together with safetySettings."
    )


def test_what_images_never_take() -> None:
    assert refused(responseSchema={}) == ("responseSchema is not accepted: an image has no schema.")


@pytest.mark.parametrize(
    ("name", "field"),
    [("ProminentPeople", "prominent_people"), ("ServiceTier", "service_tier")],
)
def test_the_vocabulary_is_the_sdks(name: str, field: str) -> None:
    values = {member.value.lower() for member in getattr(types, name)}
    (choice, _) = typing.get_args(ImageSettings.model_fields[field].annotation)
    ours = set(typing.get_args(typing.get_args(choice)[0]))
    assert {value for value in values if not value.endswith("unspecified")} == ours


OFFERED = {
    *types.GenerateContentConfig.model_fields,
    *types.ImageConfig.model_fields,
    *types.ThinkingConfig.model_fields,
    *types.Tool.model_fields,
    *types.GoogleSearch.model_fields,
}
RENAMED = {"image_size": "size", "include_thoughts": "", "thinking_level": ""}


@pytest.mark.parametrize("name", sorted(OFFERED - set(ImageSettings.model_fields) - set(RENAMED)))
def test_what_the_sdk_offers_and_no_setting_is_refused_with_a_reason(name: str) -> None:
    assert refused(**{name: "x"}).endswith(f" is not accepted: {NOT_FOR_IMAGES[name]}.")
