"""The generation parameters in the SDK's own types, for both kinds of model."""

from __future__ import annotations

from google.genai import types

from .generation import GenerationSettings


def safety_settings(settings: GenerationSettings) -> list[types.SafetySetting] | None:
    """What is blocked; None leaves it to the model."""
    return [
        types.SafetySetting(
            category=types.HarmCategory(f"HARM_CATEGORY_{each.category.upper()}"),
            threshold=types.HarmBlockThreshold(each.threshold.upper()),
            method=types.HarmBlockMethod(each.method.upper()) if each.method else None,
        )
        for each in settings.safety_settings
    ] or None


def media_resolution(settings: GenerationSettings) -> types.MediaResolution | None:
    """How finely the model looks at images; None leaves it to the model."""
    resolution = settings.media_resolution
    return types.MediaResolution(f"MEDIA_RESOLUTION_{resolution.upper()}") if resolution else None


def thinking_level(level: str | None) -> types.ThinkingLevel | None:
    """How much the model thinks; None leaves it to the model."""
    return types.ThinkingLevel(level.upper()) if level else None
