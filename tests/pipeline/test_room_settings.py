"""Room settings: defaults, ranges, and the checks of both models seen from above."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from pipeline.room_settings import (
    MAX_GREETING_CHARS,
    BudgetSettings,
    RoomSettings,
    check,
    check_prices,
)
from processors.billing.prices import PUBLISHED, PriceTable
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
        ("budget", "maxMinutes", 0.01, 100_000),
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


@pytest.mark.parametrize("nothing", [True, "a lot", [], float("nan")])
def test_a_budget_is_a_number(nothing: object) -> None:
    for field in ("maxCost", "maxMinutes"):
        assert refused(budget={field: nothing}).startswith(f"budget.{field} must be a ")


def test_the_span_of_a_budget_in_money() -> None:
    for dollars in ("0.000001", 0.5, 100_000):
        assert RoomSettings.model_validate({"budget": {"maxCost": dollars}})
    assert refused(budget={"maxCost": 0}) == "budget.maxCost must be more than 0."
    assert refused(budget={"maxCost": 100_001}) == "budget.maxCost must be at most 100000."
    assert refused(budget={"maxCost": 1e-7}) == (
        "budget.maxCost must have at most 6 digits after the point."
    )


def test_a_budget_in_money_needs_a_price() -> None:
    prices = PriceTable(PUBLISHED)
    priced = RoomSettings.model_validate({"budget": {"maxCost": "0.50"}})
    assert check_prices(priced, prices) == []
    live = {"model": "gemini-2.5-flash-native-audio-latest"}
    minutes = RoomSettings.model_validate({"live": live, "budget": {"maxMinutes": 5}})
    assert check_prices(minutes, prices) == []
    unpriced = RoomSettings.model_validate({"live": live, "budget": {"maxCost": 5}})
    (refusal,) = check_prices(unpriced, prices)
    assert refusal.path == ("live", "model")
    assert refusal.predicate.startswith("has no price")


def test_a_budget_may_be_lowered_but_not_raised() -> None:
    most = BudgetSettings(max_cost=Decimal("0.50"), max_minutes=30)
    assert list(BudgetSettings(max_cost=Decimal("0.5"), max_minutes=1).raises(most)) == []
    assert list(BudgetSettings(max_minutes=1e4).raises(BudgetSettings())) == []
    raised = [*BudgetSettings(max_cost=Decimal(1)).raises(most)]
    assert [refusal.sentence for refusal in raised] == [
        "maxCost must be at most 0.50, as the service's operator set it.",
        "maxMinutes must be at most 30, as the service's operator set it.",
    ]


def test_a_greeting_is_not_in_the_repr() -> None:
    assert "hello" not in repr(RoomSettings(greeting="hello"))
