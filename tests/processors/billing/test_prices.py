from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from processors.billing.prices import (
    NOTHING,
    PICODOLLARS,
    PUBLISHED,
    Cost,
    PriceList,
    PriceTable,
    picodollars_of,
    usd,
)

LISTED = TypeAdapter(PriceList)
MICRO = PICODOLLARS // 10**6


def table(**prices: Any) -> PriceTable:
    return PriceTable(LISTED.validate_python({"m": prices}))


def cost(prices: PriceTable, **counts: int) -> Cost:
    return prices.cost("m", Counter({name.replace("_", "."): n for name, n in counts.items()}))


@pytest.mark.parametrize(
    "model",
    [
        "gemini-3.8-live",
        "models/gemini-3.8-live-extended-thinking",
        "gemini-3.1-flash-live-preview",
        "projects/p/locations/l/publishers/google/models/gemini-3.8-live",
    ],
)
def test_the_published_prices_are_those_of_the_3_x_live_models(model: str) -> None:
    prices = PriceTable(PUBLISHED)
    counts = {
        "prompt.TEXT": 1_000_000,
        "prompt.AUDIO": 1_000_000,
        "prompt.VIDEO": 1_000_000,
        "prompt.IMAGE": 1_000_000,
        "response.TEXT": 1_000_000,
        "response.AUDIO": 1_000_000,
        "thoughts.TEXT": 1_000_000,
    }
    cost = prices.cost(model, Counter(counts))
    assert cost == Cost(picodollars_of(Decimal("26.75")), 0)
    assert cost.usd == 26.75


@pytest.mark.parametrize(
    "model",
    ["gemini-2.5-flash-native-audio-latest", "gemini-nano-banana-2.1", "gemini-3-pro-image"],
)
def test_what_nobody_published_has_no_price(model: str) -> None:
    prices = PriceTable(PUBLISHED)
    assert prices.of(model) is None
    counts = Counter({"prompt.TEXT": 10, "cached.TEXT": 4, "response.IMAGE": 1_290})
    cost = prices.cost(model, counts)
    assert cost == Cost(0, 1_300)
    assert cost.usd is None


def test_a_modality_without_a_price_is_told_and_the_rest_is_counted() -> None:
    prices = table(input={"text": 1}, output={"text": 2})
    assert cost(prices, prompt_TEXT=3, prompt_AUDIO=5, response_IMAGE=7) == Cost(3 * MICRO, 12)
    assert cost(prices, prompt_TEXT=3, prompt_AUDIO=5).usd == 0.000003


def test_tools_results_are_input_and_thoughts_are_text() -> None:
    prices = table(input={"text": 1}, output={"text": 2, "audio": 9})
    assert cost(prices, toolUsePrompt_TEXT=3, thoughts_TEXT=5) == Cost(13 * MICRO, 0)


def test_without_a_modality_the_dearest_price_counts() -> None:
    prices = table(input={"text": 1, "audio": 4}, output={})
    assert cost(prices, prompt_OTHER=2) == Cost(8 * MICRO, 0)
    assert cost(prices, response_OTHER=2) == Cost(0, 2)


def test_cached_tokens_cost_less_when_somebody_said_so() -> None:
    counts = {"prompt_TEXT": 100, "cached_TEXT": 80, "cached_AUDIO": 1}
    assert cost(table(input={"text": 2}), **counts) == Cost(200 * MICRO, 0)
    cheaper = table(input={"text": 2}, cached={"text": "0.5"})
    assert cost(cheaper, **counts) == Cost((20 * 2 + 40) * MICRO, 0)
    assert cost(cheaper, cached_TEXT=80) == Cost(0, 0)


def test_the_first_list_that_names_the_model_counts() -> None:
    ours = LISTED.validate_python({"gemini-3.8-live": {"input": {"text": 5}}})
    prices = PriceTable(ours, PUBLISHED)
    assert prices.cost("gemini-3.8-live", Counter({"prompt.TEXT": 1})) == Cost(5 * MICRO, 0)
    assert prices.cost("gemini-3.1-flash-live-preview", Counter({"prompt.TEXT": 4})) == Cost(
        3 * MICRO, 0
    )


def test_in_a_list_the_name_itself_then_the_longest_pattern_counts() -> None:
    listed = LISTED.validate_python(
        {
            "gemini-*": {"input": {"text": 1}},
            "gemini-*-image": {"input": {"text": 2}},
            "a-?-very-long-pattern-*": {"input": {"text": 9}},
            "gemini-x": {"input": {"text": 3}},
            "*emini-x": {"input": {"text": 4}},
        }
    )
    prices = PriceTable(listed)

    def price(model: str) -> int:
        return prices.cost(model, Counter({"prompt.TEXT": 1})).picodollars // MICRO

    assert price("gemini-9-live") == 1
    assert price("gemini-9-image") == 2
    assert price("gemini-x") == 3


@pytest.mark.parametrize(
    "listed",
    [
        {"m": {"input": {"text": -1}}},
        {"m": {"input": {"text": True}}},
        {"m": {"input": {"text": "a lot"}}},
        {"m": {"input": {"text": "0.0000001"}}},
        {"m": {"input": {"text": "NaN"}}},
        {"m": {"input": {"smell": 1}}},
        {"m": {"in": {"text": 1}}},
        {"": {}},
        {"models/m": {}},
        {"m" * 201: {}},
        {f"m{n}": {} for n in range(201)},
    ],
)
def test_what_is_no_list_of_prices_is_refused(listed: Any) -> None:
    with pytest.raises(ValidationError):
        LISTED.validate_python(listed)


def test_costs_add_up() -> None:
    assert NOTHING + Cost(3, 1) + Cost(4, 0) == Cost(7, 1)
    assert NOTHING.usd == 0.0


def test_dollars_are_told_to_a_millionth() -> None:
    assert usd(picodollars_of(Decimal("1.2345678"))) == 1.234568


@given(st.lists(st.integers(0, 10_000), max_size=50))
def test_a_sum_of_costs_is_the_cost_of_the_sum(parts: list[int]) -> None:
    """To the last picodollar: nothing drifts."""
    prices = table(input={"audio": "3.123457"})
    total = sum((cost(prices, prompt_AUDIO=part) for part in parts), NOTHING)
    assert total == cost(prices, prompt_AUDIO=sum(parts))
