"""Settings of the image model: every lever of `generateContent` that makes images.

None leaves a lever to the model. Which model accepts what is in `profiles`; the request's config
is made in `image_config`. Pure: no SDK.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
)

from processors.gemini.generation import (
    STOP_AT_FIRST,
    GenerationSettings,
    Instruction,
    Labels,
    ModelName,
    Real,
    SettingsModel,
    Text,
    ThinkingLevel,
    Whole,
    constant,
    setting,
)

DEFAULT_MODEL: Final = "gemini-nano-banana-2.1"

_ONLY_SEARCH: Final = "googleSearch and googleImageSearch are all that the image model may use"

NOT_FOR_IMAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "response_schema": "an image has no schema",
        "response_json_schema": "an image has no schema",
        "response_mime_type": "it is for structured text; use outputMimeType for the image",
        "response_logprobs": "images come without token probabilities",
        "logprobs": "images come without token probabilities",
        "tools": "the image model calls no functions; use googleSearch to let it look things up",
        "tool_config": "the image model calls no functions",
        "automatic_function_calling": "the image model calls no functions",
        "http_options": "the connection belongs to the operator of the service",
        "should_return_http_response": "the connection belongs to the operator of the service",
        "audio_timestamp": "the image model hears nothing",
        "audio_transcription_config": "the image model hears nothing",
        "speech_config": "the image model says nothing",
        "automatic_continuation": "it is for long texts",
        "continuation_token": "it belongs to one answer, not to a room",
        "enable_enhanced_civic_answers": "it is for answers in text",
        "cached_content": "each request brings its own images",
        "generation_output_config": "images are stored by the room",
        "model_selection_config": "the setting model selects the model",
        "routing_config": "the setting model selects the model",
        "thinking_budget": "image models that think take thinking.level",
        "thinking_config": "use thinking",
        "model_armor_config": "use modelArmor",
        "image_config": "its parts are settings of their own, such as aspectRatio",
        "image_output_options": "use outputMimeType and outputCompressionQuality",
        "code_execution": _ONLY_SEARCH,
        "computer_use": _ONLY_SEARCH,
        "enterprise_web_search": _ONLY_SEARCH,
        "exa_ai_search": _ONLY_SEARCH,
        "file_search": _ONLY_SEARCH,
        "function_declarations": _ONLY_SEARCH,
        "google_maps": _ONLY_SEARCH,
        "google_search_retrieval": _ONLY_SEARCH,
        "mcp_servers": _ONLY_SEARCH,
        "parallel_ai_search": _ONLY_SEARCH,
        "retrieval": _ONLY_SEARCH,
        "url_context": _ONLY_SEARCH,
        "search_types": "use googleSearch and googleImageSearch",
        "blocking_confidence": "googleSearch is on or off",
        "exclude_domains": "googleSearch is on or off",
        "time_range_filter": "googleSearch is on or off",
    }
)
"""Names that look like image settings, with the reason why they are none."""

_RATIO: Final = re.compile(r"[1-9]\d?:[1-9]\d?")
_SIZE: Final = re.compile(r"[1-9]\d{0,3}K?")


def _ratio(ratio: str) -> str:
    if not _RATIO.fullmatch(ratio):
        raise ValueError("must be a ratio of width to height such as 16:9")
    return ratio


def _shouted(value: object) -> object:
    # The API wants an upper-case K, and JSON clients write 512 as a number.
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value).strip().upper() if is_number or isinstance(value, str) else value


def _size(size: str) -> str:
    if not _SIZE.fullmatch(size):
        raise ValueError("must be a size such as 1K, 2K or 4K")
    return size


AspectRatio = Annotated[str, AfterValidator(_ratio)]
ImageSize = Annotated[str, BeforeValidator(_shouted), AfterValidator(_size)]
ImageModality = Annotated[Literal["text", "image"], constant()]


class ImageThinking(SettingsModel):
    """How much the image model plans before it draws."""

    level: ThinkingLevel | None = setting(
        None,
        "How much it plans.",
        models="2.1 (minimal, medium, high); 3.1 flash (minimal, high)",
    )
    include_thoughts: bool | None = setting(
        None,
        "Whether its plans and drafts are sent, which makes an early preview possible.",
        models="all but 2.5",
    )


class ModelArmor(SettingsModel):
    """Google Cloud's Model Armor templates that screen what goes in and out."""

    prompt_template: Text | None = setting(
        None,
        "Resource name of the template for prompts.",
        models="Vertex AI only",
        operator_only=True,
        max_length=300,
    )
    response_template: Text | None = setting(
        None,
        "Resource name of the template for answers.",
        models="Vertex AI only",
        operator_only=True,
        max_length=300,
    )


class ImageSettings(GenerationSettings):
    """The settings of the image model, before it is known which model will take them."""

    model: ModelName = setting(DEFAULT_MODEL, "The image model.", span="a model's name")
    aspect_ratio: AspectRatio | None = setting(
        None,
        "Width to height. Unset: that of the edited image, else 1:1.",
        models="2.1, 3.1 flash: all 14; 3 pro, 2.5: without 1:4, 1:8, 4:1, 8:1",
        span="1:1 1:4 1:8 2:3 3:2 3:4 4:1 4:3 4:5 5:4 8:1 9:16 16:9 21:9",
    )
    size: ImageSize | None = setting(
        None,
        "Resolution. Unset: 1K.",
        models="512: 3.1 flash only; 2K and 4K: not 2.5 and 3.1 flash lite",
        span="512, 1K, 2K, 4K",
    )
    system_instruction: Instruction | None = setting(
        None, "What the image model is told before each prompt.", span="at most 64 KiB", repr=False
    )
    candidate_count: Whole | None = setting(
        None,
        "Answers per request. The API gives no promise to return as many.",
        unit="answers",
        ge=1,
        le=8,
    )
    stop_sequences: Annotated[
        tuple[Annotated[Text, Field(min_length=1, max_length=100)], ...], STOP_AT_FIRST
    ] = setting(
        (),
        "Texts at which the answer ends.",
        span="texts of at most 100 characters",
        max_length=5,
    )
    response_modalities: Annotated[tuple[ImageModality, ...], STOP_AT_FIRST] = setting(
        ("text", "image"),
        "What an answer holds; text tells why there is no image.",
        span="image, or text and image",
        max_length=2,
    )
    thinking: ImageThinking = setting(ImageThinking(), "How much the image model plans.")
    google_search: bool = setting(
        False, "Whether the image model may search the web.", models="all but 2.5"
    )
    google_image_search: bool = setting(
        False,
        "Whether the image model may look at images it finds in the web.",
        models="2.1, 3.1 flash",
    )
    person_generation: Annotated[Literal["allow_all", "allow_adult", "allow_none"], constant()] | (
        None
    ) = setting(None, "Which people may be drawn.", models="Vertex AI only")
    prominent_people: (
        Annotated[Literal["allow_prominent_people", "block_prominent_people"], constant()] | None
    ) = setting(None, "Whether famous people may be drawn.", models="Vertex AI only")
    output_mime_type: Annotated[Literal["image/png", "image/jpeg"], constant()] | None = setting(
        None, "The format of the image.", models="Vertex AI only"
    )
    output_compression_quality: Whole | None = setting(
        None, "The quality of a JPEG.", unit="%", models="Vertex AI only", ge=0, le=100
    )
    service_tier: Annotated[Literal["flex", "standard", "priority"], constant()] | None = setting(
        None, "How urgent requests are, and what they cost.", operator_only=True
    )
    store: bool | None = setting(
        None,
        "Whether Google may log the requests of this project.",
        models="Gemini API only",
        operator_only=True,
    )
    model_armor: ModelArmor = setting(
        ModelArmor(), "Screening by Model Armor.", models="Vertex AI only", operator_only=True
    )
    labels: Labels = setting(
        {},
        "Labels of the requests, for billing: an object, or `key=value` pairs.",
        span="at most 64, of at most 63 characters",
    )
    images_per_wish: Whole = setting(
        1,
        "Pictures of one wish to choose from, where none are asked for.",
        unit="images",
        ge=1,
        le=4,
    )
    timeout_s: Real = setting(
        120.0, "After this time an image has failed.", unit="s", operator_only=True, ge=1, le=600
    )
    max_concurrent: Whole = setting(
        4, "Images one room makes at the same time.", unit="images", operator_only=True, ge=1, le=16
    )

    @field_validator("response_modalities")
    @classmethod
    def _with_image(cls, modalities: tuple[str, ...]) -> tuple[str, ...]:
        if "image" not in modalities or len(set(modalities)) < len(modalities):
            raise ValueError("must be image, or text and image")
        return modalities

    @field_validator("output_compression_quality")
    @classmethod
    def _jpeg_only(cls, quality: int | None, info: ValidationInfo) -> int | None:
        if quality is not None and info.data.get("output_mime_type") != "image/jpeg":
            raise ValueError("must go with the outputMimeType image/jpeg")
        return quality

    @field_validator("model_armor")
    @classmethod
    def _instead_of_safety(cls, armor: ModelArmor, info: ValidationInfo) -> ModelArmor:
        if armor != ModelArmor() and info.data.get("safety_settings"):
            raise ValueError("must not be given together with safetySettings")
        return armor
