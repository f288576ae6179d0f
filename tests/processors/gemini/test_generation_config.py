"""The shared parameters in the SDK's types: every word of the settings has its constant."""

import typing

import pytest
from google.genai import types

from processors.gemini import generation
from processors.gemini.generation import GenerationSettings
from processors.gemini.generation_config import media_resolution, safety_settings, thinking_level


def words(name: str) -> tuple[str, ...]:
    return typing.get_args(typing.get_args(getattr(generation, name))[0])


def test_nothing_is_left_to_the_model() -> None:
    assert safety_settings(GenerationSettings()) is None
    assert media_resolution(GenerationSettings()) is None
    assert thinking_level(None) is None


@pytest.mark.parametrize("category", words("HarmCategory"))
@pytest.mark.parametrize("threshold", words("HarmThreshold"))
def test_safety_settings(category: str, threshold: str) -> None:
    settings = GenerationSettings.model_validate({"safetySettings": {category: threshold}})
    assert safety_settings(settings) == [
        types.SafetySetting(
            category=types.HarmCategory[f"HARM_CATEGORY_{category.upper()}"],
            threshold=types.HarmBlockThreshold[threshold.upper()],
        )
    ]


@pytest.mark.parametrize("method", words("HarmMethod"))
def test_safety_methods(method: str) -> None:
    given = [{"category": "harassment", "threshold": "off", "method": method}]
    settings = GenerationSettings.model_validate({"safetySettings": given})
    (only,) = safety_settings(settings) or []
    assert only.method is types.HarmBlockMethod[method.upper()]


@pytest.mark.parametrize("resolution", words("MediaResolution"))
def test_media_resolution(resolution: str) -> None:
    settings = GenerationSettings.model_validate({"mediaResolution": resolution})
    expected = types.MediaResolution[f"MEDIA_RESOLUTION_{resolution.upper()}"]
    assert media_resolution(settings) is expected


@pytest.mark.parametrize("level", words("ThinkingLevel"))
def test_thinking_level(level: str) -> None:
    assert thinking_level(level) is types.ThinkingLevel[level.upper()]
