from dataclasses import dataclass, field, fields
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from pipeline.metrics import CONTENT_TYPE, MAX_MODELS, MAX_REASONS, Metrics, tally
from processors.billing.prices import PUBLISHED, PriceTable
from processors.billing.room_usage import RoomUsage
from processors.tool_stage import ToolCounters


@dataclass
class LossCounters:
    packets: int = 0
    dropped_s: float = 0.0


def used_by(model: str) -> RoomUsage:
    return RoomUsage(model, PriceTable(PUBLISHED))


def report(prompt: int) -> dict[str, Any]:
    return {"promptTokensDetails": [{"modality": "AUDIO", "tokenCount": prompt}]}


@dataclass
class CountedRoom:
    """A room as the metrics see it."""

    room_id: str
    peers: list[str] = field(default_factory=list)
    usage: RoomUsage = field(default_factory=lambda: used_by("gemini-3.8-live"))
    tools: ToolCounters = field(default_factory=ToolCounters)
    losses: LossCounters = field(default_factory=LossCounters)

    def counters(self) -> dict[str, Any]:
        return {"tools": self.tools, "outbox": self.losses}


def samples(metrics: Metrics) -> dict[str, float]:
    """As Prometheus would read them; a label is part of the name."""
    found = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            labels = "".join(f"{{{value}}}" for value in sample.labels.values())
            assert sample.name + labels not in found
            found[sample.name + labels] = sample.value
    return found


def test_a_service_that_did_nothing_has_counted_nothing() -> None:
    found = samples(Metrics())
    assert found["easel_rooms"] == 0
    assert found["easel_peers"] == 0
    assert found["easel_rooms_opened_total"] == 0


def test_the_process_itself_is_measured() -> None:
    assert samples(Metrics())["process_resident_memory_bytes"] > 1 << 20


def test_rooms_and_peers_are_those_that_are_here() -> None:
    metrics = Metrics()
    first, second = CountedRoom("1", ["a", "b"]), CountedRoom("2", ["c"])
    metrics.add(first)
    metrics.add(second)
    metrics.retire(second)
    found = samples(metrics)
    assert found["easel_rooms"] == 1
    assert found["easel_peers"] == 2
    assert found["easel_rooms_opened_total"] == 2


def test_counters_are_added_up_over_rooms_and_parts() -> None:
    metrics = Metrics()
    rooms = [CountedRoom("1"), CountedRoom("2")]
    for room in rooms:
        metrics.add(room)
        room.tools.calls = 3
        room.losses.dropped_s = 0.5
        room.usage.live(report(7), 1)
    found = samples(metrics)
    assert found["easel_tools_calls_total"] == 6
    assert found["easel_tools_timeouts_total"] == 0
    assert found["easel_outbox_dropped_s_total"] == 1.0
    assert found["easel_tokens_total{prompt}{audio}{gemini-3.8-live}"] == 14
    assert found["easel_cost_usd_total{gemini-3.8-live}"] == 0.000042
    assert found["easel_tokens_unpriced_total{gemini-3.8-live}"] == 0


def test_what_an_ended_room_counted_stays() -> None:
    metrics = Metrics()
    room = CountedRoom("1")
    metrics.add(room)
    room.tools.calls = 3
    room.usage.live(report(7), 1)
    before = samples(metrics)
    assert before["easel_tokens_total{prompt}{audio}{gemini-3.8-live}"] == 7
    metrics.retire(room)
    metrics.retire(room)
    after = samples(metrics)
    for name, value in before.items():
        if name.endswith("_total") and name.startswith("easel_"):
            assert after[name] == value, name


def test_tokens_without_a_price_are_counted_by_model() -> None:
    metrics = Metrics()
    room = CountedRoom("1")
    metrics.add(room)
    room.usage.image("some-image-model", {"promptTokenCount": 5, "candidatesTokenCount": 9}, 1)
    found = samples(metrics)
    assert found["easel_tokens_total{response}{other}{some-image-model}"] == 9
    assert found["easel_tokens_unpriced_total{some-image-model}"] == 14
    assert found["easel_cost_usd_total{some-image-model}"] == 0


def test_nobody_can_make_models_without_end() -> None:
    metrics = Metrics()
    rooms = [CountedRoom(str(n), usage=used_by(f"model-{n}")) for n in range(MAX_MODELS + 5)]
    for room in rooms:
        metrics.add(room)
        room.usage.live(report(1), 1)
    before = samples(metrics)
    named = [name for name in before if name.startswith("easel_cost_usd_total")]
    assert len(named) == MAX_MODELS + 1
    assert before["easel_tokens_total{prompt}{audio}{other}"] == 5
    for room in reversed(rooms):
        metrics.retire(room)
        after = samples(metrics)
        assert {name: after[name] for name in named} == {name: before[name] for name in named}


def test_refusals_are_counted_by_reason() -> None:
    metrics = Metrics()
    for reason in ("sdp_malformed", "sdp_malformed", "upload_too_large"):
        metrics.count(reason)
    found = samples(metrics)
    assert found["easel_refusals_total{sdp_malformed}"] == 2
    assert found["easel_refusals_total{upload_too_large}"] == 1


def test_nobody_can_make_reasons_without_end() -> None:
    metrics = Metrics()
    for number in range(MAX_REASONS + 50):
        metrics.count(f"reason_{number}")
    metrics.count("reason_0")
    found = samples(metrics)
    assert len([name for name in found if name.startswith("easel_refusals_total")]) == (
        MAX_REASONS + 1
    )
    assert found["easel_refusals_total{other}"] == 50
    assert found["easel_refusals_total{reason_0}"] == 2


def test_a_reason_with_odd_characters_does_not_break_the_text() -> None:
    metrics = Metrics()
    metrics.count('a"b\\c\nd')
    assert samples(metrics)['easel_refusals_total{a"b\\c\nd}'] == 1


def test_each_metric_says_what_it_is() -> None:
    metrics = Metrics()
    metrics.add(CountedRoom("1"))
    for family in text_string_to_metric_families(metrics.text().decode()):
        assert family.documentation
        assert family.type in ("counter", "gauge")


def test_the_type_is_that_of_the_text_format() -> None:
    assert CONTENT_TYPE.startswith("text/plain; version=0.0.4")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "retire", "work"]),
        st.integers(0, 3),
        st.integers(0, 5),
    )
)


@given(STEPS)
def test_no_counter_ever_falls_or_vanishes(steps: list[tuple[str, int, int]]) -> None:
    metrics = Metrics()
    rooms: dict[int, CountedRoom] = {}
    before: dict[tuple[str, ...], float] = {}
    for serial, (action, number, amount) in enumerate(steps):
        if action == "add" and number not in rooms:
            rooms[number] = CountedRoom(str(serial))
            metrics.add(rooms[number])
        elif action == "retire" and number in rooms:
            metrics.retire(rooms.pop(number))
        elif number in rooms:
            room = rooms[number]
            for counter in fields(room.tools):
                setattr(room.tools, counter.name, getattr(room.tools, counter.name) + amount)
            room.usage.live(report(amount), serial)
        after = {
            (sample.name, *sample.labels.values()): sample.value
            for family in metrics.collect()
            if family.type == "counter"
            for sample in family.samples
        }
        assert all(after[name] >= value for name, value in before.items())
        before = after


def test_the_names_of_a_tally_are_the_parts_and_their_counters() -> None:
    assert set(tally(CountedRoom("1"))) == {
        *(f"tools_{counter.name}" for counter in fields(ToolCounters)),
        "outbox_packets",
        "outbox_dropped_s",
    }
