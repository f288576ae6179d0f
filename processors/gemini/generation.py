"""What the settings of the Live model and of the image model have in common.

`SettingsModel` is the base of every settings object of Easel: a frozen value whose fields are
accepted in camel case and in snake case, and nothing else is. `GenerationSettings` holds the
generation parameters that both kinds of model take.

Words of a fixed vocabulary are the API's constants in lower case without their common prefix
(`low` for `MEDIA_RESOLUTION_LOW`); the API's own spelling is accepted as well.

Pure: no SDK.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic.alias_generators import to_camel

MAX_INSTRUCTION_BYTES: Final = 64 * 1024
MAX_MODEL_NAME_CHARS: Final = 200
MAX_LABELS: Final = 64
MAX_LABEL_CHARS: Final = 63
"""Google Cloud allows 64 labels of 63 characters on a resource."""


class SettingsModel(BaseModel):
    """A frozen settings value.

    Raises pydantic's ValidationError; `refusals.refusals` turns it into sentences. The text of
    that error leaves the values out, because they may be secrets or somebody's words.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        loc_by_alias=False,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )


def setting(
    default: Any,
    description: str,
    *,
    unit: str = "",
    models: str = "all",
    span: str = "",
    operator_only: bool = False,
    **limits: Any,
) -> Any:
    """A field with what the configuration page says of it.

    `unit` is the unit of the value, `models` says which models accept it, `span` describes the
    accepted values where the type and `limits` (pydantic's `ge`, `le`, `max_length`, `repr`) do
    not show them. `operator_only` fields cannot be set by the body of `POST /start`.
    """
    page: dict[str, Any] = {
        "unit": unit,
        "models": models,
        "span": span,
        "operator_only": operator_only,
    }
    return Field(default, description=description, json_schema_extra=page, **limits)


def constant(prefix: str = "") -> BeforeValidator:
    """Accepts an API constant in any case, with or without `prefix` (given in lower case)."""

    def shorten(value: object) -> object:
        return value.strip().lower().removeprefix(prefix) if isinstance(value, str) else value

    return BeforeValidator(shorten)


Value = TypeVar("Value")


def not_a_boolean(value: Value) -> Value:
    """For numbers of any kind."""
    # bool is an int to Python and to pydantic; in JSON `true` is no number.
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


def _unicode(text: object) -> object:
    # JSON can smuggle in half of a surrogate pair, which no UTF-8 wire carries.
    if isinstance(text, str) and not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("must be valid Unicode text") from None
    return text


def _model_name(name: str) -> str:
    plain = name.replace("-", "").replace(".", "").replace("_", "").replace("/", "")
    # The name becomes a part of a URL's path.
    if not (plain.isascii() and plain.isalnum()) or ".." in name or name.startswith("/"):
        raise ValueError("must be the name of a model")
    return name


def _instruction(text: str) -> str:
    if len(text.encode()) > MAX_INSTRUCTION_BYTES:
        raise ValueError(f"must have at most {MAX_INSTRUCTION_BYTES} bytes")
    return text


def _pairs(value: object) -> object:
    """`a=b,c=d` as a mapping: the spelling for the environment."""
    if not isinstance(value, str):
        return value
    pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
    return {key.strip(): text.strip() for key, _, text in pairs}


def _labels(labels: dict[str, str]) -> dict[str, str]:
    if any(len(text) > MAX_LABEL_CHARS for pair in labels.items() for text in pair):
        raise ValueError(f"must have keys and values of at most {MAX_LABEL_CHARS} characters")
    return labels


Real = Annotated[float, BeforeValidator(not_a_boolean)]
Whole = Annotated[int, BeforeValidator(not_a_boolean)]
Text = Annotated[str, BeforeValidator(_unicode)]
Phrase = Annotated[Text, Field(min_length=1, max_length=200)]
STOP_AT_FIRST: Final[Any] = Field(fail_fast=True)
"""For lists from clients: describing each of a million wrong entries would take seconds."""
Phrases = Annotated[tuple[Phrase, ...], STOP_AT_FIRST]
ModelName = Annotated[
    str, Field(min_length=1, max_length=MAX_MODEL_NAME_CHARS), AfterValidator(_model_name)
]
Instruction = Annotated[Text, AfterValidator(_instruction)]
Labels = Annotated[
    dict[Text, Text], Field(max_length=MAX_LABELS), BeforeValidator(_pairs), AfterValidator(_labels)
]

ThinkingLevel = Annotated[Literal["minimal", "low", "medium", "high"], constant()]
MediaResolution = Annotated[Literal["low", "medium", "high"], constant("media_resolution_")]
HarmCategory = Annotated[
    Literal[
        "harassment",
        "hate_speech",
        "sexually_explicit",
        "dangerous_content",
        "civic_integrity",
        "jailbreak",
        "image_hate",
        "image_dangerous_content",
        "image_harassment",
        "image_sexually_explicit",
    ],
    constant("harm_category_"),
]
HarmThreshold = Annotated[
    Literal[
        "block_low_and_above", "block_medium_and_above", "block_only_high", "block_none", "off"
    ],
    constant(),
]
HarmMethod = Annotated[Literal["severity", "probability"], constant()]


class SafetySetting(SettingsModel):
    """From which probability or severity on content of one category is blocked."""

    category: HarmCategory = setting(..., "What kind of harm.")
    threshold: HarmThreshold = setting(..., "From where on it is blocked.")
    method: HarmMethod | None = setting(
        None, "Whether probability or severity is measured.", models="Vertex AI only"
    )

    @model_validator(mode="before")
    @classmethod
    def _from_pair(cls, value: Any) -> Any:
        """`category=threshold`: the spelling for the environment."""
        if not isinstance(value, str):
            return value
        category, _, threshold = value.partition("=")
        return {"category": category, "threshold": threshold}


def _safety_objects(value: object) -> object:
    """`{category: threshold}` as a list of settings."""
    if not isinstance(value, dict):
        return value
    return [{"category": category, "threshold": threshold} for category, threshold in value.items()]


def _one_each(settings: tuple[SafetySetting, ...]) -> tuple[SafetySetting, ...]:
    if len({each.category for each in settings}) < len(settings):
        raise ValueError("must name each category once")
    return settings


SafetySettings = Annotated[
    tuple[SafetySetting, ...],
    STOP_AT_FIRST,
    BeforeValidator(_safety_objects),
    AfterValidator(_one_each),
]


class GenerationSettings(SettingsModel):
    """The generation parameters of both kinds of model. None leaves a value to the model."""

    temperature: Real | None = setting(
        None, "How freely the next token is chosen; 0 is the most likely one.", ge=0, le=2
    )
    top_p: Real | None = setting(
        None, "Choose among the most likely tokens that add up to this probability.", ge=0, le=1
    )
    top_k: Whole | None = setting(
        None, "Choose among this many of the most likely tokens.", unit="tokens", ge=1, le=1000
    )
    max_output_tokens: Whole | None = setting(
        None,
        "The longest answer.",
        unit="tokens",
        models="all; Live 2.5: at most 8192",
        ge=1,
        le=65_536,
    )
    seed: Whole | None = setting(
        None,
        "The same seed makes the same answer likelier.",
        ge=-(2**31),
        le=2**31 - 1,
    )
    presence_penalty: Real | None = setting(
        None, "Above 0 makes tokens that were used already less likely.", ge=-2, le=2
    )
    frequency_penalty: Real | None = setting(
        None, "Above 0 makes tokens less likely the more often they were used.", ge=-2, le=2
    )
    safety_settings: SafetySettings = setting(
        (),
        "What is blocked: objects with `category`, `threshold` and, on Vertex AI, `method`; or "
        "`category=threshold` pairs. Empty leaves it to the model.",
        span="the API's HarmCategory and HarmBlockThreshold",
        max_length=16,
    )
    media_resolution: MediaResolution | None = setting(
        None, "How many tokens an image the model sees is turned into."
    )
