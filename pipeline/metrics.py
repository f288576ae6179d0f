"""What the service counts, for Prometheus (`GET /metrics`).

Every queue, refusal and loss of a room has a counter where it happens; here they are added up
over the rooms that live and those that have ended.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from pipeline.room import Room

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def tally(room: "Room") -> Counter[str]:
    """All counters of a room, by names that say what part of it counted."""
    out: Counter[str] = Counter()
    for part, counters in room.counters().items():
        for field in fields(counters):
            out[f"{part}_{field.name}"] += getattr(counters, field.name)
    for modality, tokens in room.usage.by_modality.items():
        out[f"tokens_{modality.replace('.', '_').lower()}"] += tokens
    return out


class Metrics(Collector):
    """`count` refusals by name, `retire` a room that ends; `text()` is what Prometheus reads."""

    def __init__(self) -> None:
        self.refusals: Counter[str] = Counter()
        self.rooms_opened = 0
        self._retired: Counter[str] = Counter()
        self._rooms: dict[str, Room] = {}
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def count(self, name: str) -> None:
        self.refusals[name] += 1

    def add(self, room: "Room") -> None:
        self.rooms_opened += 1
        self._rooms[room.room_id] = room

    def retire(self, room: "Room") -> None:
        if self._rooms.pop(room.room_id, None) is not None:
            self._retired += tally(room)

    def text(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        rooms = list(self._rooms.values())
        yield _gauge("easel_rooms", "Rooms that are open.", len(rooms))
        yield _gauge("easel_peers", "Peers in all rooms.", sum(len(r.peers) for r in rooms))
        yield _counter("easel_rooms_opened", "Rooms since the start.", self.rooms_opened)
        refused = CounterMetricFamily(
            "easel_refusals", "What was refused, by reason.", labels=["reason"]
        )
        for name, value in sorted(self.refusals.items()):
            refused.add_metric([name], value)
        yield refused
        yield from _sums(self._retired, rooms)


def _sums(retired: Counter[str], rooms: Iterable[Any]) -> Iterator[Metric]:
    total = Counter(retired)
    for room in rooms:
        total.update(tally(room))
    for name, value in sorted(total.items()):
        yield _counter(f"easel_{name}", f"{name.replace('_', ' ').capitalize()}.", value)


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _counter(name: str, words: str, value: float) -> Metric:
    return CounterMetricFamily(name, words, value=value)
