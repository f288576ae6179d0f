"""What a room has used and what that cost: by model, and turn by turn. Pure."""

from bisect import insort
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from processors.billing.prices import NOTHING, Cost, PriceTable
from processors.billing.usage import Counts, Usage, counts_of
from processors.billing.usage_turns import TurnLedger
from processors.gemini.profiles import base_name

MAX_TURNS: Final = 200  # the newest; the sums hold the others too


@dataclass(slots=True)
class Bill:
    """Of one model."""

    usage: Usage = field(default_factory=Usage)
    cost: Cost = NOTHING

    def add(self, counts: Counts, cost: Cost) -> None:
        self.usage.add(counts)
        self.cost += cost

    def summary(self) -> dict[str, Any]:
        return {**self.usage.summary(), "usd": self.cost.usd}


@dataclass(slots=True)
class TurnBills:
    """What one turn of the conversation used, by model, and what of it was not told yet."""

    turn: int
    bills: dict[str, Bill] = field(default_factory=dict)
    untold: dict[str, Counts] = field(default_factory=dict)

    def add(self, model: str, counts: Counts, cost: Cost) -> None:
        self.bills.setdefault(model, Bill()).add(counts, cost)
        self.untold.setdefault(model, Counter()).update(counts)

    def summary(self) -> dict[str, Any]:
        return {"turn": self.turn, **_sums(self.bills)}


@dataclass(frozen=True, slots=True)
class News:
    """`more`: what each model used in the turn since the last news of it."""

    turn: TurnBills
    more: Mapping[str, Counts]


class RoomUsage:
    """`model` is the Live model. Counts come in as the API reports them, see `usage_turns`.

    `news()` yields what peers are to be told: of turns that are over, and of images at once.
    """

    def __init__(self, model: str, prices: PriceTable) -> None:
        self.bills: dict[str, Bill] = {}
        self.ledger = TurnLedger()
        self.model = base_name(model)
        self._prices = prices
        self._turns: list[TurnBills] = []
        self._open = TurnBills(0)  # of the answer that is not over

    @property
    def cost(self) -> Cost:
        return _total(self.bills.values())

    @property
    def unpriced(self) -> list[str]:
        """Models whose tokens have no price, the Live model even before it used any."""
        models = {model for model, bill in self.bills.items() if bill.cost.unpriced}
        if self._prices.of(self.model) is None:
            models.add(self.model)
        return sorted(models)

    def live(
        self, metadata: Mapping[str, Any], connection: int, present: int | None = None
    ) -> None:
        """A report of the Live API, which came over that connection of the link.

        `present` is the turn that the conversation has come to.
        """
        number, counts = self.ledger.report(counts_of(metadata), connection, present)
        self._bill(number, self.model, counts)

    def image(self, model: str, metadata: Mapping[str, Any], turn: int) -> None:
        """A report of an image model, for an image that was begun in that turn."""
        self._bill(turn, base_name(model), counts_of(metadata))

    def ended(self, number: int) -> None:
        """Gemini's turn is over; `number` is the conversation's, unless a better one is known."""
        over = self.ledger.ended(number)
        if over is None:
            return
        bills, self._open = self._open.bills, TurnBills(0)
        for model, bill in bills.items():
            self._turn(over).add(model, bill.usage.counts, bill.cost)

    def news(self) -> Iterator[News]:
        for record in self._turns:
            if record.untold:
                more, record.untold = record.untold, {}
                yield News(record, more)

    def summary(self, turn: int) -> dict[str, Any]:
        """As `GET /sessions/{id}` tells it; `turn` is the conversation's present one."""
        turns = {record.turn: [record] for record in self._turns}
        if self._open.bills:
            number = self.ledger.number
            turns.setdefault(turn if number is None else number, []).append(self._open)
        return {
            **_sums(self.bills),
            "currency": "USD",
            "unpriced": self.unpriced,
            "turns": [
                {"turn": number, **_sums(_joined(records))}
                for number, records in sorted(turns.items())
            ],
        }

    def _bill(self, number: int | None, model: str, counts: Counts) -> None:
        """To a turn, or to the answer that is not over."""
        if counts:
            cost = self._prices.cost(model, counts)
            self.bills.setdefault(model, Bill()).add(counts, cost)
            record = self._open if number is None else self._turn(number)
            record.add(model, counts, cost)

    def _turn(self, number: int) -> TurnBills:
        """The record of that turn, which may be a new one; the oldest gives way."""
        for record in reversed(self._turns):
            if record.turn == number:
                return record
        record = TurnBills(number)
        insort(self._turns, record, key=lambda each: each.turn)
        del self._turns[:-MAX_TURNS]
        return record


def _joined(records: Iterable[TurnBills]) -> dict[str, Bill]:
    out: dict[str, Bill] = {}
    for record in records:
        for model, bill in record.bills.items():
            out.setdefault(model, Bill()).add(bill.usage.counts, bill.cost)
    return out


def _sums(bills: Mapping[str, Bill]) -> dict[str, Any]:
    usage = Usage()
    for bill in bills.values():
        usage.add(bill.usage.counts)
    return {
        **usage.summary(),
        "usd": _total(bills.values()).usd,
        "models": {model: bill.summary() for model, bill in bills.items()},
    }


def _total(bills: Iterable[Bill]) -> Cost:
    return sum((bill.cost for bill in bills), NOTHING)
