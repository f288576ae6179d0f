import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from processors.images.delivery import BATCH, MAX_GONE, RESEND_FIRST_S, RESEND_LIMIT_S, Delivery


def event(name: str) -> dict[str, Any]:
    return {"event": name}


def send_all(delivery: Delivery, peer_id: str, now: float) -> list[int]:
    """Sends what is due; the sequence numbers."""
    seqs = [int(due["seq"]) for due in delivery.due(peer_id, now)]
    for seq in seqs:
        delivery.sent(peer_id, seq, now)
    return seqs


def test_an_event_is_numbered_and_due_at_once() -> None:
    delivery = Delivery()
    delivery.join("p", 0.0)
    assert delivery.publish("a", event("started"), 1.0) == 1
    assert delivery.due("p", 1.0) == [{"event": "started", "seq": 1}]


def test_the_published_event_is_not_changed() -> None:
    told = event("started")
    Delivery().publish("a", told, 0.0)
    assert told == event("started")


def test_what_could_not_be_sent_stays_due() -> None:
    delivery = Delivery()
    delivery.join("p", 0.0)
    delivery.publish("a", event("started"), 0.0)
    assert delivery.due("p", 0.0) == delivery.due("p", 0.0) != []


def test_what_was_sent_is_due_again_ever_more_rarely_until_acknowledged() -> None:
    delivery = Delivery()
    delivery.join("p", 0.0)
    delivery.publish("a", event("ready"), 0.0)
    now, waits = 0.0, []
    for _ in range(9):
        before = now
        assert send_all(delivery, "p", now) == [1]
        while not delivery.due("p", now):
            now += 0.5
        waits.append(now - before)
    assert waits == [RESEND_FIRST_S, 2, 4, 8, 16, 32, RESEND_LIMIT_S, RESEND_LIMIT_S, 60]
    delivery.ack("p", 1)
    assert delivery.due("p", now + 1e6) == []
    assert delivery.acks_unknown == 0


def test_a_newer_event_replaces_the_older_one_of_its_image() -> None:
    delivery = Delivery()
    delivery.join("p", 0.0)
    delivery.publish("a", event("started"), 0.0)
    delivery.publish("b", event("started"), 0.0)
    delivery.publish("a", event("ready"), 0.0)
    assert [(due["seq"], due["event"]) for due in delivery.due("p", 0.0)] == [
        (2, "started"),
        (3, "ready"),
    ]
    assert delivery.unacknowledged("p") == 2


def test_a_late_peer_gets_the_latest_of_each_image_in_order() -> None:
    delivery = Delivery()
    for image_id in "abc":
        delivery.publish(image_id, event("started"), 0.0)
    delivery.publish("a", event("ready"), 0.0)
    delivery.join("late", 5.0)
    assert send_all(delivery, "late", 5.0) == [2, 3, 4]


def test_a_peer_that_comes_back_gets_what_it_had_acknowledged_too() -> None:
    delivery = Delivery()
    delivery.join("p", 0.0)
    delivery.publish("a", event("ready"), 0.0)
    send_all(delivery, "p", 0.0)
    delivery.ack("p", 1)
    assert delivery.knows("p")
    delivery.leave("p")
    assert not delivery.knows("p")
    assert delivery.due("p", 1.0) == []
    delivery.join("p", 2.0)
    assert send_all(delivery, "p", 2.0) == [1]


def test_a_peer_that_is_not_here_is_sent_nothing() -> None:
    delivery = Delivery()
    delivery.publish("a", event("ready"), 0.0)
    delivery.leave("nobody")
    assert delivery.due("nobody", 0.0) == []
    delivery.sent("nobody", 1, 0.0)
    assert delivery.unacknowledged("nobody") == 0


def test_many_are_sent_in_batches_and_new_ones_go_before_resent_ones() -> None:
    delivery = Delivery()
    for number in range(BATCH + 10):
        delivery.publish(str(number), event("ready"), 0.0)
    delivery.join("p", 0.0)
    assert send_all(delivery, "p", 0.0) == list(range(1, BATCH + 1))
    new = delivery.publish("new", event("ready"), RESEND_FIRST_S)
    at_once = send_all(delivery, "p", RESEND_FIRST_S)
    assert at_once[:11] == [*range(BATCH + 1, BATCH + 11), new]
    assert at_once[11:] == list(range(1, BATCH - 10))


def test_acks_of_what_cannot_have_arrived_are_counted_and_change_nothing() -> None:
    delivery = Delivery()
    delivery.join("p", 0.0)
    delivery.publish("a", event("started"), 0.0)
    for peer_id, seq in (("p", 1), ("p", 0), ("p", -1), ("p", 2), ("nobody", 1)):
        delivery.ack(peer_id, seq)
    assert delivery.acks_unknown == 5
    assert delivery.unacknowledged("p") == 1


def test_late_and_repeated_acks_are_no_mistake() -> None:
    delivery = Delivery()
    delivery.join("p", 0.0)
    delivery.publish("a", event("started"), 0.0)
    send_all(delivery, "p", 0.0)
    delivery.publish("a", event("ready"), 0.0)
    delivery.ack("p", 1)
    send_all(delivery, "p", 0.0)
    delivery.ack("p", 2)
    delivery.ack("p", 2)
    assert delivery.acks_unknown == 0
    assert delivery.unacknowledged("p") == 0


@dataclass
class Phone:
    """A peer that keeps the newest event it saw of each image, as the page does."""

    seqs: dict[str, int] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    finals: Counter[str] = field(default_factory=Counter)

    def receive(self, told: dict[str, Any]) -> None:
        if told["seq"] > self.seqs.get(told["image_id"], 0):
            self.seqs[told["image_id"]] = told["seq"]
            self.states[told["image_id"]] = told["event"]
            self.finals[told["image_id"]] += told["event"] != "started"


class Room:
    """Peers on a network that loses, delays, doubles and reorders, and a full buffer now and
    then."""

    def __init__(self, seed: int, loss: float) -> None:
        self.delivery = Delivery()
        self.numbers = random.Random(seed)
        self.loss = loss
        self.now = 0.0
        self.truth: dict[str, str] = {}
        self.phones: dict[str, Phone] = {}
        self.gone: set[str] = set()
        self.on_the_way: list[tuple[str, dict[str, Any]]] = []
        self.acks: list[tuple[str, int]] = []

    def happens(self, share: float) -> bool:
        return self.numbers.random() < share

    def join(self, peer_id: str, *, forgets: bool) -> None:
        """A new connection; what was on its way over the old one is lost."""
        if forgets or peer_id not in self.phones:
            self.phones[peer_id] = Phone()
        self.on_the_way = [entry for entry in self.on_the_way if entry[0] != peer_id]
        self.gone.discard(peer_id)
        self.delivery.join(peer_id, self.now)

    def leave(self, peer_id: str) -> None:
        if peer_id in self.phones:
            self.gone.add(peer_id)
        self.delivery.leave(peer_id)

    def forge(self, peer_id: str) -> None:
        """Acknowledges what does not exist, or not yet."""
        for seq in (len(self.truth) * 2 + 1, 0, -1):
            self.delivery.ack(peer_id, seq)

    def start(self) -> None:
        image_id = f"image-{len(self.truth)}"
        self._tell(image_id, "started")

    def end(self) -> None:
        for image_id, state in self.truth.items():
            if state == "started":
                self._tell(image_id, self.numbers.choice(["ready", "failed", "cancelled"]))
                return

    def _tell(self, image_id: str, state: str) -> None:
        self.truth[image_id] = state
        self.delivery.publish(image_id, {"image_id": image_id, "event": state}, self.now)

    def step(self) -> None:
        self.now += self.numbers.choice([0.0, 0.5, 3.0])
        for peer_id in self.phones:
            for told in self.delivery.due(peer_id, self.now):
                if self.happens(self.loss):
                    break  # the buffer is full
                self.delivery.sent(peer_id, told["seq"], self.now)
                for _ in range(self.numbers.choice([1, 1, 2])):
                    self.on_the_way.append((peer_id, dict(told)))
        self.numbers.shuffle(self.on_the_way)
        keep = len(self.on_the_way) // 2 if self.loss else 0
        arriving, self.on_the_way = self.on_the_way[keep:], self.on_the_way[:keep]
        for peer_id, told in arriving:
            if not self.happens(self.loss):
                self.phones[peer_id].receive(told)
                self.acks.append((peer_id, told["seq"]))
        acks, self.acks = self.acks, []
        for peer_id, seq in acks:
            if not self.happens(self.loss):
                self.delivery.ack(peer_id, seq)


ACTIONS = st.sampled_from(["start", "end", "join", "reload", "leave", "step", "forge"])


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.floats(0, 0.9), st.lists(ACTIONS, max_size=40))
def test_every_peer_ends_with_the_latest_of_every_image(
    seed: int, loss: float, actions: list[str]
) -> None:
    room = Room(seed, loss)
    room.join("always", forgets=False)
    for action in actions:
        peer_id = room.numbers.choice(["always", "b", "c"])
        match action:
            case "start":
                room.start()
            case "end":
                room.end()
            case "join":
                room.join(peer_id, forgets=False)
            case "reload":
                room.join(peer_id, forgets=True)
            case "leave":
                room.leave(peer_id)
            case "forge":
                room.forge(peer_id)
            case _:
                room.step()
    for peer_id in sorted(room.gone):
        room.join(peer_id, forgets=False)
    room.loss = 0.0
    for _ in range(200):
        room.step()
    for peer_id, phone in room.phones.items():
        assert phone.states == room.truth
        assert set(phone.finals.values()) <= {0, 1}
        assert room.delivery.unacknowledged(peer_id) == 0
        assert room.delivery.due(peer_id, room.now + 1e9) == []


def test_things_beside_an_image_are_delivered_by_themselves() -> None:
    delivery = Delivery()
    delivery.join("p", 0.0)
    delivery.publish("a", event("ready"), 0.0)
    delivery.publish("named:a", event("named"), 0.0)
    delivery.publish("selected", event("selected"), 0.0)
    delivery.publish("selected", event("selected"), 0.0)
    assert [due["seq"] for due in delivery.due("p", 0.0)] == [1, 2, 4]


def test_the_last_word_on_what_is_gone_reaches_everybody() -> None:
    delivery = Delivery()
    delivery.publish("a", event("ready"), 0.0)
    delivery.publish("named:a", event("named"), 0.0)
    delivery.publish("a", event("deleted"), 0.0)
    delivery.ended("a", "named:a", "text:a")
    delivery.join("p", 1.0)
    assert [due["event"] for due in delivery.due("p", 1.0)] == ["deleted"]


def test_the_last_words_are_bounded() -> None:
    delivery = Delivery()
    for number in range(MAX_GONE + 5):
        delivery.publish(str(number), event("deleted"), 0.0)
        delivery.ended(str(number))
    delivery.join("p", 1.0)
    assert delivery.unacknowledged("p") == MAX_GONE


def test_what_is_sent_again_is_counted() -> None:
    delivery = Delivery()
    delivery.join("p", 0.0)
    delivery.publish("a", event("ready"), 0.0)
    send_all(delivery, "p", 0.0)
    assert delivery.resent == 0
    send_all(delivery, "p", 1.0)
    assert delivery.resent == 1


def test_ten_thousand_acks_and_forged_ones_change_nothing() -> None:
    delivery = Delivery()
    delivery.join("p", 0.0)
    delivery.publish("a", event("ready"), 0.0)
    for seq in range(-10, 10_000):
        delivery.ack("p", seq)
        delivery.ack("stranger", seq)
    assert delivery.acks_unknown > 20_000 - 20
    assert [due["seq"] for due in delivery.due("p", 0.0)] == [1]


def test_what_is_in_flight_is_neither_acknowledged_nor_waiting() -> None:
    delivery = Delivery()
    assert not delivery.in_flight("late")
    for number in range(BATCH + 1):
        delivery.publish(str(number), {}, 0.0)
    delivery.join("late", 0.0)
    assert not delivery.in_flight("late")
    batch = [event["seq"] for event in delivery.due("late", 0.0)]
    for seq in batch:
        delivery.sent("late", seq, 0.0)
    for seq in batch:
        assert delivery.in_flight("late")
        delivery.ack("late", seq)
    assert not delivery.in_flight("late")
    assert [event["seq"] for event in delivery.due("late", 0.0)] == [BATCH + 1]


def test_after_a_restart_the_numbers_are_greater() -> None:
    delivery = Delivery()
    delivery.go_on_after(1000)
    assert delivery.publish("a", event("ready"), 0.0) == 1001
    delivery.go_on_after(5)
    assert delivery.publish("b", event("ready"), 0.0) == 1002
