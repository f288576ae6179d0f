"""Settings of one room: the service's own as defaults, overridable in the body of `POST /start`.

Pure: no SDK.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from processors.billing.prices import Dollars, PriceTable
from processors.gemini.generation import Real, SettingsModel, Text, Whole, setting
from processors.gemini.profiles import check as check_live
from processors.gemini.refusals import Refusal, refuse
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


class LinkSettings(SettingsModel):
    """When the connection to Gemini is changed without need, and when a mute model is woken."""

    max_connection_minutes: Real = setting(
        55.0,
        "Age at which a connection is changed by itself, at a quiet moment before. Gemini was seen "
        "to end them without notice at 58 minutes.",
        unit="min",
        operator_only=True,
        ge=0.1,
        le=1440,
    )
    first_output_timeout_s: Real = setting(
        6.0,
        "How long an answer may keep one waiting; then the model is asked for it, and if that does "
        "not help the connection is changed. Half as long again while Gemini has shown no sign of "
        "having heard, three times as long for a model that thinks before it answers.",
        unit="s",
        operator_only=True,
        ge=0.5,
        le=120,
    )
    stall_timeout_s: Real = setting(
        4.0,
        "How long nothing may come within an answer; then likewise.",
        unit="s",
        operator_only=True,
        ge=0.5,
        le=120,
    )
    nudge_timeout_s: Real = setting(
        3.0,
        "How long the model may take to answer when it was asked for the answer.",
        unit="s",
        operator_only=True,
        ge=0.5,
        le=60,
    )


class BudgetSettings(SettingsModel):
    """What a room may use. A room may ask for less than the service allows, never for more."""

    max_cost: Dollars | None = setting(
        None,
        "What a room may cost by the price table. At 80 % its peers are warned; when it is spent "
        "the answer that is being given is the last one. Unset: no limit.",
        span="US dollars, more than 0, at most 100,000",
        gt=0,
        le=100_000,
    )
    max_minutes: Real | None = setting(
        None,
        "How long a room may have peers in it, likewise. Unset: no limit.",
        unit="min",
        ge=0.01,
        le=100_000,
    )

    def raises(self, allowed: BudgetSettings) -> Iterator[Refusal]:
        """Where this is more than what is allowed."""
        for name in type(self).model_fields:
            wanted, most = getattr(self, name), getattr(allowed, name)
            if most is not None and (wanted is None or wanted > most):
                yield refuse(name, f"must be at most {most:g}, as the service's operator set it")


class RoomSettings(SettingsModel):
    """Everything one room is set to."""

    live: LiveSettings = setting(LiveSettings(), "The conversation.")
    image: ImageSettings = setting(ImageSettings(), "Image generation.")
    video: VideoSettings = setting(VideoSettings(), "What the model sees.")
    audio: AudioSettings = setting(AudioSettings(), "Bounds of the sound that waits.")
    link: LinkSettings = setting(LinkSettings(), "The connection to Gemini.")
    budget: BudgetSettings = setting(BudgetSettings(), "What the room may use.")
    greeting: Text | None = setting(
        None,
        "A text the model is given when the first peer is ready, so that it speaks first.",
        span=f"at most {MAX_GREETING_CHARS} characters",
        max_length=MAX_GREETING_CHARS,
        repr=False,
    )


def check_prices(settings: RoomSettings, prices: PriceTable) -> list[Refusal]:
    """A budget in money is worth nothing when nobody knows what the model costs."""
    model = settings.live.model
    if settings.budget.max_cost is None or prices.of(model) is not None:
        return []
    return [Refusal(("live", "model"), "has no price in EASEL_PRICES, which budget.maxCost needs")]


def check(settings: RoomSettings, *, vertex: bool) -> list[Refusal]:
    """What the chosen models and the backend would not accept; paths start at RoomSettings."""
    return [
        *(refusal.below("live") for refusal in check_live(settings.live, vertex=vertex)),
        *(refusal.below("image") for refusal in check_image(settings.image, vertex=vertex)),
    ]
