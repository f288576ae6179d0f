"""Settings of one room: the service's own as defaults, overridable in the body of `POST /start`.

Pure: no SDK.
"""

from __future__ import annotations

from typing import Final

from processors.gemini.generation import Real, SettingsModel, Text, Whole, setting
from processors.gemini.profiles import check as check_live
from processors.gemini.refusals import Refusal
from processors.gemini.settings import LiveSettings
from processors.images.profiles import check as check_image
from processors.images.settings import ImageSettings

MAX_GREETING_CHARS: Final = 4096


class VideoSettings(SettingsModel):
    """The camera pictures the Live model sees."""

    max_per_second: Real = setting(
        1.0, "Pictures sent to the model; the API takes one a second.", unit="1/s", ge=0.1, le=1
    )
    long_side_px: Whole = setting(
        768, "Longer side of a picture; smaller ones are not enlarged.", unit="px", ge=64, le=2048
    )
    jpeg_quality: Whole = setting(80, "Quality of the JPEG.", unit="%", ge=1, le=95)


class AudioSettings(SettingsModel):
    """How much sound a room may hold back."""

    max_input_backlog_ms: Whole = setting(
        30_000,
        "Sound of the room that is kept while the model cannot be reached; beyond it the oldest "
        "is dropped.",
        unit="ms",
        operator_only=True,
        ge=200,
        le=30_000,
    )
    max_output_backlog_s: Real = setting(
        600.0,
        "Answer that waits to be played, as the model speaks faster than one can listen; what "
        "comes beyond it is dropped.",
        unit="s",
        operator_only=True,
        ge=5,
        le=600,
    )


class RoomSettings(SettingsModel):
    """Everything one room is set to."""

    live: LiveSettings = setting(LiveSettings(), "The conversation.")
    image: ImageSettings = setting(ImageSettings(), "Image generation.")
    video: VideoSettings = setting(VideoSettings(), "What the model sees.")
    audio: AudioSettings = setting(AudioSettings(), "Bounds of the sound that waits.")
    greeting: Text | None = setting(
        None,
        "A text the model is given when the first peer is ready, so that it speaks first.",
        span=f"at most {MAX_GREETING_CHARS} characters",
        max_length=MAX_GREETING_CHARS,
        repr=False,
    )


def check(settings: RoomSettings, *, vertex: bool) -> list[Refusal]:
    """What the chosen models and the backend would not accept; paths start at RoomSettings."""
    return [
        *(refusal.below("live") for refusal in check_live(settings.live, vertex=vertex)),
        *(refusal.below("image") for refusal in check_image(settings.image, vertex=vertex)),
    ]
