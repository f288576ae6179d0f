"""Room settings: defaults, ranges, and the checks of both models seen from above."""

import pytest
from pydantic import ValidationError

from pipeline.room_settings import MAX_GREETING_CHARS, RoomSettings, check
from processors.gemini.refusals import refusals


def refused(**given: object) -> str:
    with pytest.raises(ValidationError) as caught:
        RoomSettings.model_validate(given)
    return refusals(caught.value, RoomSettings, {})[0].sentence


def test_defaults() -> None:
    settings = RoomSettings()
    assert settings.video.max_per_second == 1
    assert settings.video.long_side_px == 768
    assert settings.video.jpeg_quality == 80
    assert settings.greeting is None
    assert check(settings, vertex=False) == []
    assert check(settings, vertex=True) == []


@pytest.mark.parametrize(
    ("part", "field", "low", "high"),
    [
        ("video", "maxPerSecond", 0.1, 1),
        ("video", "longSidePx", 64, 2048),
        ("video", "jpegQuality", 1, 95),
        ("audio", "maxInputBacklogMs", 200, 30_000),
        ("audio", "maxOutputBacklogS", 5, 600),
    ],
)
def test_ranges(part: str, field: str, low: float, high: float) -> None:
    for value in (low, high):
        assert RoomSettings.model_validate({part: {field: value}})
    assert refused(**{part: {field: low - 1}}) == f"{part}.{field} must be at least {low}."
    assert refused(**{part: {field: high + 1}}) == f"{part}.{field} must be at most {high}."


def test_the_length_of_a_greeting() -> None:
    assert RoomSettings(greeting="a" * MAX_GREETING_CHARS)
    assert refused(greeting="a" * (MAX_GREETING_CHARS + 1)) == (
        "greeting must have at most 4096 characters."
    )


def test_both_models_are_checked() -> None:
    settings = RoomSettings.model_validate(
        {"live": {"affectiveDialog": True}, "image": {"size": "512"}}
    )
    found = check(settings, vertex=False)
    assert [refusal.path for refusal in found] == [("live", "affective_dialog"), ("image", "size")]
    assert found[1].sentence.startswith("image.size is not accepted")


def test_a_greeting_is_not_in_the_repr() -> None:
    assert "hello" not in repr(RoomSettings(greeting="hello"))
