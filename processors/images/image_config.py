"""The config of an image request: settings in, google-genai's GenerateContentConfig out.

The settings have passed `profiles.check`; nothing is refused here.
"""

from __future__ import annotations

from google.genai import types

from processors.gemini.generation_config import media_resolution, safety_settings, thinking_level

from .settings import ImageSettings, ModelArmor


def generate_content_config(settings: ImageSettings) -> types.GenerateContentConfig:
    """The config of one request to `settings.model`. A new object each time."""
    tier = settings.service_tier
    return types.GenerateContentConfig(
        system_instruction=settings.system_instruction or None,
        temperature=settings.temperature,
        top_p=settings.top_p,
        top_k=settings.top_k,
        candidate_count=settings.candidate_count,
        max_output_tokens=settings.max_output_tokens,
        stop_sequences=list(settings.stop_sequences) or None,
        presence_penalty=settings.presence_penalty,
        frequency_penalty=settings.frequency_penalty,
        seed=settings.seed,
        safety_settings=safety_settings(settings),
        tools=_tools(settings),
        labels=settings.labels or None,
        response_modalities=[modality.upper() for modality in settings.response_modalities],
        media_resolution=media_resolution(settings),
        thinking_config=_thinking(settings),
        image_config=_image(settings),
        model_armor_config=_model_armor(settings),
        service_tier=types.ServiceTier(tier) if tier else None,
        store=settings.store,
    )


def _tools(settings: ImageSettings) -> types.ToolListUnion | None:
    if settings.google_image_search:
        # Naming one kind of search switches the others off.
        web = types.WebSearch() if settings.google_search else None
        kinds = types.SearchTypes(web_search=web, image_search=types.ImageSearch())
        return [types.Tool(google_search=types.GoogleSearch(search_types=kinds))]
    if settings.google_search:
        return [types.Tool(google_search=types.GoogleSearch())]
    return None


def _thinking(settings: ImageSettings) -> types.ThinkingConfig | None:
    thinking = settings.thinking
    if thinking.level is None and thinking.include_thoughts is None:
        return None
    return types.ThinkingConfig(
        thinking_level=thinking_level(thinking.level), include_thoughts=thinking.include_thoughts
    )


def _image(settings: ImageSettings) -> types.ImageConfig | None:
    people, famous = settings.person_generation, settings.prominent_people
    config = types.ImageConfig(
        aspect_ratio=settings.aspect_ratio,
        image_size=settings.size,
        person_generation=people.upper() if people else None,
        prominent_people=types.ProminentPeople(famous.upper()) if famous else None,
        output_mime_type=settings.output_mime_type,
        output_compression_quality=settings.output_compression_quality,
    )
    return config if config.model_dump(exclude_none=True) else None


def _model_armor(settings: ImageSettings) -> types.ModelArmorConfig | None:
    armor = settings.model_armor
    if armor == ModelArmor():
        return None
    return types.ModelArmorConfig(
        prompt_template_name=armor.prompt_template, response_template_name=armor.response_template
    )
