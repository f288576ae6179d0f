"""What each image model accepts. A model that is not known here may be given anything.

What a backend (the Gemini API or Vertex AI) refuses is refused for every model. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from processors.errors import ToolError
from processors.gemini.profiles import base_name
from processors.gemini.refusals import Refusal, refuse

from .settings import ImageSettings, ModelArmor

ALL_RATIOS: Final = tuple("1:1 1:4 1:8 2:3 3:2 3:4 4:1 4:3 4:5 5:4 8:1 9:16 16:9 21:9".split())
MODERATE_RATIOS: Final = tuple(
    ratio for ratio in ALL_RATIOS if ratio not in ("1:4", "1:8", "4:1", "8:1")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageProfile:
    """What one family of image models accepts. None means that it is not known."""

    family: str
    sizes: tuple[str, ...] | None = None
    aspect_ratios: tuple[str, ...] | None = None
    thinking_levels: tuple[str, ...] | None = None
    """Empty: the model takes no level."""
    include_thoughts: bool = True
    drafts: bool = True
    """It is known to take `include_thoughts`, which shows its drafts."""
    google_search: bool = True
    google_image_search: bool = True


NANO_BANANA_2_1: Final = ImageProfile(
    family="Nano Banana 2.1",
    sizes=("1K", "2K", "4K"),
    aspect_ratios=ALL_RATIOS,
    thinking_levels=("minimal", "medium", "high"),
)
FLASH_3_1: Final = ImageProfile(
    family="3.1 flash image",
    sizes=("512", "1K", "2K", "4K"),
    aspect_ratios=ALL_RATIOS,
    thinking_levels=("minimal", "high"),
)
FLASH_LITE_3_1: Final = ImageProfile(family="3.1 flash lite image", sizes=("1K",))
PRO_3: Final = ImageProfile(
    family="3 pro image",
    sizes=("1K", "2K", "4K"),
    aspect_ratios=MODERATE_RATIOS,
    thinking_levels=(),
    google_image_search=False,
)
FLASH_2_5: Final = replace(
    PRO_3,
    family="2.5 flash image",
    sizes=("1K",),
    include_thoughts=False,
    drafts=False,
    google_search=False,
)
UNKNOWN: Final = ImageProfile(family="unknown", drafts=False)

_FAMILIES: Final[Mapping[str, ImageProfile]] = MappingProxyType(
    {
        r"gemini-nano-banana-2\.1": NANO_BANANA_2_1,
        r"gemini-3\.1-flash-image": FLASH_3_1,
        r"gemini-3\.1-flash-lite-image": FLASH_LITE_3_1,
        r"gemini-3-pro-image|nano-banana-pro-preview": PRO_3,
        r"gemini-2\.5-flash-image": FLASH_2_5,
    }
)
_REFUSED_MODELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        r"gemini-.*-live(-.*)?|gemini-live-.*|gemini-.*-native-audio.*": "is a Live model and "
        "makes no images; set it as model",
        r"imagen-.*": "is not reached by generateContent and has been shut down",
        r"gemini-3(\.1-flash|-pro)-image-preview": "was retired on 2026-06-25; leave out -preview",
        r"gemini-2\.0-flash.*": "was shut down on 2026-06-01",
    }
)


def profile_for(model: str) -> ImageProfile:
    """The profile of the image model of this name."""
    name = base_name(model)
    for pattern, profile in _FAMILIES.items():
        if re.fullmatch(pattern, name):
            return profile
    return UNKNOWN


def refuse_untrusted(model: str, aspect_ratio: str | None, size: str | None) -> None:
    """What a Live model made up, or somebody asked for and the image model does not know. Raises
    `ToolError` that says what there is."""
    profile = profile_for(model)
    wanted = {
        "aspect_ratio": (aspect_ratio, profile.aspect_ratios or ALL_RATIOS),
        "size": (size, profile.sizes or ("512", "1K", "2K", "4K")),
    }
    for name, (value, accepted) in wanted.items():
        if value is not None and value not in accepted:
            raise ToolError(f"The image model has no such {name}. It takes {', '.join(accepted)}.")


def check(settings: ImageSettings, *, vertex: bool) -> list[Refusal]:
    """What the model and the backend would not accept of `settings`; empty when all is well."""
    return [
        *_model(settings),
        *_choices(settings, profile_for(settings.model)),
        *_flags(settings, profile_for(settings.model)),
        *_backend(settings, vertex),
    ]


def _model(settings: ImageSettings) -> Iterator[Refusal]:
    name = base_name(settings.model)
    for pattern, reason in _REFUSED_MODELS.items():
        if re.fullmatch(pattern, name):
            yield refuse("model", f"is not usable here: {name} {reason}")


def _choices(settings: ImageSettings, profile: ImageProfile) -> Iterator[Refusal]:
    name = base_name(settings.model)
    choices = {
        "size": (settings.size, profile.sizes),
        "aspect_ratio": (settings.aspect_ratio, profile.aspect_ratios),
        "thinking.level": (settings.thinking.level, profile.thinking_levels),
    }
    for field, (value, accepted) in choices.items():
        if value is None or accepted is None or value in accepted:
            continue
        takes = f"it takes {', '.join(accepted)}" if accepted else "it takes none"
        yield refuse(field, f"is not accepted by {name}; {takes}")


def _flags(settings: ImageSettings, profile: ImageProfile) -> Iterator[Refusal]:
    name = base_name(settings.model)
    thoughts = settings.thinking.include_thoughts
    flags = {
        "thinking.include_thoughts": (thoughts is not None, profile.include_thoughts),
        "google_search": (settings.google_search, profile.google_search),
        "google_image_search": (settings.google_image_search, profile.google_image_search),
    }
    for field, (is_given, accepted) in flags.items():
        if is_given and not accepted:
            yield refuse(field, f"is not accepted by {name}")


def _backend(settings: ImageSettings, vertex: bool) -> Iterator[Refusal]:
    # google-genai raises for these on the backend they are not for, whatever the model.
    if vertex:
        if settings.store is not None:
            yield refuse("store", "is accepted by the Gemini API only, not by Vertex AI")
        return
    given = {
        "person_generation": settings.person_generation is not None,
        "prominent_people": settings.prominent_people is not None,
        "output_mime_type": settings.output_mime_type is not None,
        "output_compression_quality": settings.output_compression_quality is not None,
        "model_armor": settings.model_armor != ModelArmor(),
    }
    for field in (field for field, is_given in given.items() if is_given):
        yield refuse(field, "is accepted by Vertex AI only")
    if any(each.method for each in settings.safety_settings):
        yield refuse("safety_settings", "must not have a method: only Vertex AI takes one")
