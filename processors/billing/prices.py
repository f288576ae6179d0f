"""What tokens cost, by model, side and modality. Pure.

Money is whole picodollars (1e-12 USD), so that sums are exact: a token at one dollar a million is
1,000,000 of them. A model or modality without a price is not guessed at: its tokens are counted as
unpriced. Only where the API leaves out the modality is the dearest price of that side taken, so
that a budget errs on the safe side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from processors.billing.usage import CACHED, OTHER, PROMPT, RESPONSE, THOUGHTS, TOOL_USE, Counts
from processors.gemini.generation import SettingsModel, not_a_boolean, setting
from processors.gemini.profiles import base_name

PICODOLLARS: Final = 10**12
"""In one dollar."""
_PER_TOKEN: Final = PICODOLLARS // 10**6
"""Picodollars a token costs at one dollar per million."""
MAX_MODELS: Final = 200
MAX_PATTERN_CHARS: Final = 200
MAX_PRICE_USD: Final = 100_000
DECIMALS: Final = 6


def _fine_enough(price: Decimal) -> Decimal:
    if price != round(price, DECIMALS):
        raise ValueError(f"must have at most {DECIMALS} digits after the point")
    return price


def _pattern(pattern: str) -> str:
    if not 0 < len(pattern) <= MAX_PATTERN_CHARS or "/" in pattern:
        raise ValueError("must have names of models, such as gemini-3.8-live*, as keys")
    return pattern


Modality = Literal["text", "image", "video", "audio", "document"]
Dollars = Annotated[Decimal, BeforeValidator(not_a_boolean), AfterValidator(_fine_enough)]
Price = Annotated[Dollars, Field(ge=0, le=MAX_PRICE_USD)]
Rates = dict[Modality, Price]
"""US dollars per million tokens."""


class ModelPrices(SettingsModel):
    """Of one model or family. Without `cached`, cached tokens cost as much as others."""

    input: Rates = setting({}, "Tokens in, of tool results too.")
    output: Rates = setting({}, "Tokens out; thoughts cost what text costs.")
    cached: Rates = setting({}, "Tokens in that were cached.")


PriceList = Annotated[
    dict[Annotated[str, AfterValidator(_pattern)], ModelPrices], Field(max_length=MAX_MODELS)
]
"""By the model's name, in which * and ? stand for any characters and any one."""

PUBLISHED: Final[Mapping[str, ModelPrices]] = MappingProxyType(
    {
        "gemini-3.*-live*": ModelPrices.model_validate(
            {
                "input": {"text": "0.75", "audio": 3, "image": 1, "video": 1},
                "output": {"text": "4.50", "audio": 12},
            }
        )
    }
)
"""Google's for the 3.x Live models, in October 2026."""


@dataclass(frozen=True, slots=True)
class Cost:
    """`unpriced`: tokens that nobody said the price of."""

    picodollars: int
    unpriced: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.picodollars + other.picodollars, self.unpriced + other.unpriced)

    @property
    def usd(self) -> float | None:
        """What is known of it, in dollars; None when nothing is."""
        return None if self.unpriced and not self.picodollars else usd(self.picodollars)


NOTHING: Final = Cost(0, 0)


class PriceTable:
    """Of several lists the first that names the model counts; in a list, the longest pattern."""

    def __init__(self, *lists: Mapping[str, ModelPrices]) -> None:
        self._lists = lists

    def of(self, model: str) -> ModelPrices | None:
        name = base_name(model)
        for prices in self._lists:
            fitting = [pattern for pattern in prices if fnmatchcase(name, pattern)]
            if fitting:
                return prices[max(fitting, key=lambda pattern: (pattern == name, len(pattern)))]
        return None

    def cost(self, model: str, counts: Counts) -> Cost:
        """Of these tokens; never less than nothing."""
        prices = self.of(model)
        if prices is None:
            return Cost(0, sum(counts.values()) - sum(_of_side(counts, CACHED).values()))
        picodollars, unpriced = 0, 0
        for rates, key, tokens in _charged(prices, counts):
            rate = _rate(rates, key)
            if rate is None:
                unpriced += tokens
            else:
                picodollars += tokens * int(rate * _PER_TOKEN)
        return Cost(max(0, picodollars - _saved(prices, counts)), unpriced)


def usd(picodollars: int) -> float:
    """In dollars, exact to a millionth, for people and JSON."""
    return round(picodollars / PICODOLLARS, DECIMALS)


def picodollars_of(dollars: Decimal) -> int:
    return int(dollars * PICODOLLARS)


def _charged(prices: ModelPrices, counts: Counts) -> Iterator[tuple[Rates, str, int]]:
    """Rates, modality and number of all tokens that are charged in full."""
    for side in (PROMPT, TOOL_USE):
        for modality, tokens in _of_side(counts, side).items():
            yield prices.input, modality, tokens
    for side in (RESPONSE, THOUGHTS):
        for modality, tokens in _of_side(counts, side).items():
            yield prices.output, modality, tokens


def _saved(prices: ModelPrices, counts: Counts) -> int:
    """What cached tokens, which stand in the prompt too, cost less than others."""
    saved = 0
    for modality, tokens in _of_side(counts, CACHED).items():
        full, cheap = _rate(prices.input, modality), _rate(prices.cached, modality)
        if full is not None and cheap is not None:
            saved += tokens * int((full - cheap) * _PER_TOKEN)
    return saved


def _of_side(counts: Counts, side: str) -> dict[str, int]:
    """Tokens by modality, in lower case."""
    prefix = f"{side}."
    return {
        key.removeprefix(prefix).lower(): number
        for key, number in counts.items()
        if key.startswith(prefix)
    }


def _rate(rates: Rates, modality: str) -> Decimal | None:
    if modality == OTHER.lower():
        return max(rates.values(), default=None)
    return next((price for known, price in rates.items() if known == modality), None)
