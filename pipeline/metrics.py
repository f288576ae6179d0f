"""What the service counts, for Prometheus (`GET /metrics`).

Every queue, refusal and loss of a room has a counter where it happens; here they are added up
over the rooms that live and those that have ended, so no sum ever falls. Names and labels are
those that the code knows, never a stranger's.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import fields
from typing import Any, Final, Protocol

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from processors.billing.prices import usd
from processors.billing.room_usage import Bill, RoomUsage

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
MAX_REASONS: Final = 200  # far more than the code has
MAX_MODELS: Final = 50
OTHER: Final = "other"


class CountingRoom(Protocol):
    """What of a room is counted. `counters` are dataclasses of numbers that only grow."""

    @property
    def room_id(self) -> str: ...

    @property
    def peers(self) -> Sized: ...

    @property
    def usage(self) -> RoomUsage: ...

    def counters(self) -> Mapping[str, Any]: ...


def tally(room: CountingRoom) -> Counter[str]:
    """All counters of a room, by names that say what part of it counted."""
    return _tally(room.counters())


def _tally(parts: Mapping[str, Any]) -> Counter[str]:
    out: Counter[str] = Counter()
    for part, counters in parts.items():
        for field in fields(counters):
            out[f"{part}_{field.name}"] += getattr(counters, field.name)
    return out


class Metrics(Collector):
    """`count` refusals by name, `retire` a room that ends; `text()` is what Prometheus reads."""

    def __init__(self) -> None:
        self.refusals: Counter[str] = Counter()
        self.rooms_opened = 0
        self._retired: Counter[str] = Counter()
        self._paid: dict[str, Bill] = {}  # by rooms that have ended
        self._models: set[str] = set()
        self._rooms: dict[str, CountingRoom] = {}
        self._shared: dict[str, Any] = {}
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)  # memory, processor time, open files

    def count(self, name: str) -> None:
        known = name in self.refusals or len(self.refusals) < MAX_REASONS
        self.refusals[name if known else OTHER] += 1

    def watch(self, part: str, counters: Any) -> None:
        """Counters of what all rooms share: a dataclass of numbers that only grow."""
        self._shared[part] = counters

    def add(self, room: CountingRoom) -> None:
        self.rooms_opened += 1
        self._rooms[room.room_id] = room

    def retire(self, room: CountingRoom) -> None:
        if self._rooms.pop(room.room_id, None) is not None:
            self._retired.update(tally(room))
            self._add_bills(self._paid, room)

    def text(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        rooms = list(self._rooms.values())
        peers = sum(len(room.peers) for room in rooms)
        yield GaugeMetricFamily("easel_rooms", "Rooms that are open.", value=len(rooms))
        yield GaugeMetricFamily("easel_peers", "Peers in all rooms.", value=peers)
        yield _counter("easel_rooms_opened", "Rooms since the start.", self.rooms_opened)
        yield self._refused()
        yield from _sums(self._retired, self._shared, rooms)
        yield from _used(self._bills(rooms))

    def _bills(self, rooms: Iterable[CountingRoom]) -> dict[str, Bill]:
        bills: dict[str, Bill] = {}
        for label, paid in self._paid.items():
            bills.setdefault(label, Bill()).add(paid.usage.counts, paid.cost)
        for room in rooms:
            self._add_bills(bills, room)
        return bills

    def _add_bills(self, out: dict[str, Bill], room: CountingRoom) -> None:
        """By model. Rooms may name their models, so there is an end to the names."""
        for model, bill in room.usage.bills.items():
            if len(self._models) < MAX_MODELS:
                self._models.add(model)
            label = model if model in self._models else OTHER
            out.setdefault(label, Bill()).add(bill.usage.counts, bill.cost)

    def _refused(self) -> Metric:
        refused = CounterMetricFamily(
            "easel_refusals", "What was refused, by reason.", labels=["reason"]
        )
        for name, value in sorted(self.refusals.items()):
            refused.add_metric([name], value)
        return refused


def _sums(
    retired: Counter[str], shared: Mapping[str, Any], rooms: Iterable[CountingRoom]
) -> Iterator[Metric]:
    total = Counter(retired)
    total.update(_tally(shared))  # adding two would leave out what is zero
    for room in rooms:
        total.update(tally(room))
    for name, value in sorted(total.items()):
        yield _counter(f"easel_{name}", f"{name.replace('_', ' ').capitalize()}.", value)


def _used(bills: Mapping[str, Bill]) -> Iterator[Metric]:
    tokens = CounterMetricFamily(
        "easel_tokens",
        "Tokens as the models count them; cached ones stand in the prompt too.",
        labels=["model", "direction", "modality"],
    )
    cost = CounterMetricFamily("easel_cost_usd", "What tokens cost.", labels=["model"])
    unpriced = CounterMetricFamily(
        "easel_tokens_unpriced", "Tokens without a price.", labels=["model"]
    )
    for model, bill in sorted(bills.items()):
        for key, number in sorted(bill.usage.counts.items()):
            direction, _, modality = key.partition(".")
            tokens.add_metric([model, direction, modality.lower()], number)
        cost.add_metric([model], usd(bill.cost.picodollars))
        unpriced.add_metric([model], bill.cost.unpriced)
    yield from (tokens, cost, unpriced)


def _counter(name: str, words: str, value: float) -> Metric:
    return CounterMetricFamily(name, words, value=value)
