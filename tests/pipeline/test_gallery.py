import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pipeline import gallery as module
from pipeline.gallery import Gallery
from pipeline.signed_urls import UrlSigner
from processors.frames import ImageEventFrame
from processors.images.delivery import BATCH
from processors.images.tree import Image, ImageTree, Stored

STORED = Stored("image/png", 40, 30, 1200, "ab" * 32, "data:image/webp;base64,AA==")


@dataclass
class Phone:
    """A peer whose channel can be closed or full."""

    peer_id: str
    is_ready: bool = True
    room_for: int = 1000
    longest: int = 1 << 16
    messages: list[dict[str, Any]] = field(default_factory=list)

    def send(self, message: str) -> bool:
        if self.room_for <= 0 or len(message) > self.longest:
            return False
        self.room_for -= 1
        self.messages.append(json.loads(message))
        return True

    @property
    def events(self) -> list[tuple[int, str]]:
        return [(m["data"]["seq"], m["data"]["event"]) for m in self.messages]


class Room:
    """A gallery, its tree, and a clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.counted: Counter[str] = Counter()
        self.phones: dict[str, Phone] = {}
        self.tree = ImageTree()
        self.signer = UrlSigner()
        self.turn = 1
        self.gallery = Gallery(
            "room",
            self.signer,
            self.tree,
            self.phones,
            lambda name: self.counted.update([name]),
        )

    def add(self, phone: Phone) -> Phone:
        self.phones[phone.peer_id] = phone
        return phone

    def start(self, image_id: str, parent_id: str | None = None) -> None:
        parents = () if parent_id is None else (parent_id,)
        self.tree.start(Image(image_id, "a cat", "model", 1000.0, parents, turn=self.turn))
        image = self.tree.begin(image_id)
        self.gallery.show(ImageEventFrame(image.event()))

    def ready(self, image_id: str) -> None:
        self.gallery.show(ImageEventFrame(self.tree.ready(image_id, STORED).event()))

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.gallery.send_due()


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    made = Room()
    monkeypatch.setattr(module, "_now", lambda: made.now)
    return made


def test_an_event_goes_to_everyone_at_once(room: Room) -> None:
    phones = [room.add(Phone(name)) for name in "ab"]
    room.start("cat")
    for phone in phones:
        (message,) = phone.messages
        assert (message["label"], message["type"]) == ("rtvi-ai", "server-message")
        assert message["data"] == {**room.tree["cat"].event(), "seq": 1, "turn": 1}


def test_an_image_that_is_stored_has_an_address_that_opens_it(room: Room) -> None:
    phone = room.add(Phone("a"))
    room.start("cat")
    room.ready("cat")
    started, ready = (message["data"] for message in phone.messages)
    assert "url" not in started
    parts = urlsplit(ready["url"])
    assert parts.path == "/sessions/room/images/cat"
    (token,) = parse_qs(parts.query)["token"]
    assert room.signer.allows("room", "cat", token, time.time())


def test_an_address_is_signed_when_it_is_sent(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.start("cat")
    room.ready("cat")
    tomorrow = time.time() + 30 * 3600
    monkeypatch.setattr(time, "time", lambda: tomorrow)
    late = room.add(Phone("late"))
    room.gallery.joined(late)
    token = late.messages[0]["data"]["url"].partition("token=")[2]
    assert room.signer.allows("room", "cat", token, tomorrow)


def test_who_is_not_ready_is_sent_nothing_until_it_is(room: Room) -> None:
    phone = room.add(Phone("a", is_ready=False))
    room.start("cat")
    assert phone.messages == []
    phone.is_ready = True
    room.later(0.5)
    assert phone.events == [(1, "started")]


def test_a_late_peer_gets_the_latest_of_each_image(room: Room) -> None:
    room.start("cat")
    room.start("dog", "cat")
    room.ready("cat")
    late = room.add(Phone("late"))
    room.gallery.joined(late)
    assert late.events == [(2, "started"), (3, "ready")]


def test_what_is_not_acknowledged_is_sent_again(room: Room) -> None:
    phone = room.add(Phone("a"))
    room.start("cat")
    room.later(1.0)
    assert phone.events == [(1, "started")] * 2
    room.gallery.acknowledged(phone, {"seq": 1})
    room.later(1000.0)
    assert len(phone.events) == 2
    assert room.counted == {}


def test_what_cannot_be_sent_is_sent_later_and_in_order(room: Room) -> None:
    phone = room.add(Phone("a", room_for=1))
    other = room.add(Phone("b"))
    for name in ("cat", "dog", "cow"):
        room.start(name)
    assert phone.events == [(1, "started")]
    assert [seq for seq, _ in other.events] == [1, 2, 3]
    phone.room_for = 1000
    room.later(0.0)
    assert [seq for seq, _ in phone.events] == [1, 2, 3]


def test_what_a_peer_can_never_take_does_not_hold_up_the_rest(room: Room) -> None:
    phone = room.add(Phone("a", longest=400))
    room.start("cat")
    room.ready("cat")
    room.start("dog")
    assert [seq for seq, _ in phone.events] == [1, 3]


def test_a_peer_that_takes_only_short_messages_gets_the_picture_all_the_same(room: Room) -> None:
    phone = room.add(Phone("a", longest=1500))
    room.start("cat")
    image = room.tree["cat"]
    image.prompt = image.text = "a very long wish " * 200
    room.ready("cat")
    ready = phone.messages[-1]["data"]
    assert (ready["event"], "thumbnail" in ready) == ("ready", False)
    assert ready["url"] and ready["sha256"]
    assert ready["text"] == (image.text[:199] + "…")


def test_a_client_that_starts_anew_gets_everything_again(room: Room) -> None:
    phone = room.add(Phone("a"))
    room.start("cat")
    room.gallery.acknowledged(phone, {"seq": 1})
    room.gallery.joined(phone)
    assert phone.events == [(1, "started")] * 2


def test_a_peer_that_was_away_gets_what_it_missed(room: Room) -> None:
    phone = room.add(Phone("a"))
    room.start("cat")
    del room.phones["a"]
    room.gallery.left(phone)
    room.ready("cat")
    room.later(5.0)
    assert phone.events == [(1, "started")]
    room.add(phone)
    room.later(0.5)
    assert phone.events == [(1, "started"), (2, "ready")]


@pytest.mark.parametrize(
    "data", [None, [], "1", {}, {"seq": None}, {"seq": "1"}, {"seq": True}, {"seq": 1.0}]
)
def test_a_malformed_ack_is_counted(room: Room, data: Any) -> None:
    phone = room.add(Phone("a"))
    room.start("cat")
    room.gallery.acknowledged(phone, data)
    assert room.counted == {"image_ack_malformed": 1}
    assert room.gallery.delivery.unacknowledged("a") == 1


def test_ten_thousand_forged_acks_are_counted_and_harmless(room: Room) -> None:
    phone, stranger = room.add(Phone("a")), Phone("stranger")
    room.start("cat")
    for number in range(5000):
        room.gallery.acknowledged(phone, {"seq": number + 2})
        room.gallery.acknowledged(stranger, {"seq": 1})
    assert room.counted == {"image_ack_unknown": 10_000}
    room.later(1.0)
    assert phone.events == [(1, "started")] * 2


def test_the_listing_tells_every_image_in_order(room: Room) -> None:
    room.start("cat")
    room.start("dog", "cat")
    room.ready("dog")
    room.tree.failed("cat", "No luck.")
    cat, dog = room.gallery.listing()
    assert cat == {
        "image_id": "cat",
        "parent_id": None,
        "prompt": "a cat",
        "requested_by": "model",
        "reason": "No luck.",
        "state": "failed",
        "created_at": 1000.0,
        "turn": 1,
        "group": "cat",
        "variant": 0,
        "variants": 1,
    }
    assert (dog["image_id"], dog["state"], dog["bytes"]) == ("dog", "ready", 1200)
    assert dog["url"].startswith("/sessions/room/images/dog?token=")


async def test_its_clock_is_the_loops() -> None:
    """Not the test's, for once."""
    phones = {"a": Phone("a")}
    gallery = Gallery("room", UrlSigner(), ImageTree(), phones, lambda _: None)
    gallery.show(ImageEventFrame(Image("cat", "a cat", "model", 0.0).event()))
    assert phones["a"].events == [(1, "started")]


def test_every_event_of_an_image_names_the_turn_it_was_begun_in(room: Room) -> None:
    phone = room.add(Phone("a"))
    room.turn = 3
    room.start("cat")
    room.turn = 5
    room.ready("cat")
    room.start("dog")
    assert [(m["data"]["image_id"], m["data"]["turn"]) for m in phone.messages] == [
        ("cat", 3),
        ("cat", 3),
        ("dog", 5),
    ]


def test_what_was_there_before_the_service_is_shown_again(room: Room) -> None:
    """With numbers that are greater than those before, or a client takes it for old news."""
    begun_ms = time.time() * 1000
    room.start("cat")
    room.tree.ready("cat", STORED)
    gallery = Gallery("room", room.signer, room.tree, room.phones, lambda _: None)
    gallery.replay()
    phone = room.add(Phone("a"))
    gallery.joined(phone)
    assert [name for _, name in phone.events] == ["ready", "selected"]
    assert begun_ms - 1 < phone.events[0][0] < phone.events[1][0]


def test_previews_have_addresses_of_their_own(room: Room) -> None:
    phone = room.add(Phone("a"))
    room.start("cat")
    room.gallery.show(ImageEventFrame(room.tree.preview("cat", STORED).event()))
    url = phone.messages[-1]["data"]["url"]
    assert url.endswith("&preview=abababab")
    room.ready("cat")
    assert "preview" not in phone.messages[-1]["data"]["url"]


def test_names_selections_and_deletions_reach_those_who_come_late(room: Room) -> None:
    for image_id in ("cat", "dog"):
        room.start(image_id)
        room.ready(image_id)
    told = {"type": "image-event", "image_id": "cat"}
    for name in ("named", "text", "deleted"):
        room.gallery.show(ImageEventFrame({**told, "event": name}))
    room.gallery.show(ImageEventFrame(room.tree.selected()))
    late = room.add(Phone("late"))
    room.gallery.joined(late)
    assert [name for _, name in late.events] == ["ready", "deleted", "selected"]


def test_who_comes_late_hears_of_no_parent_that_is_gone(room: Room) -> None:
    for image_id, parent_id in (("cat", None), ("dog", "cat"), ("cow", "dog")):
        room.start(image_id, parent_id)
        room.ready(image_id)
    room.gallery.show(ImageEventFrame(room.tree.delete("dog").event()))
    late = room.add(Phone("late"))
    room.gallery.joined(late)
    (cow,) = [one["data"] for one in late.messages if one["data"].get("image_id") == "cow"]
    assert (cow["parent_id"], cow["parent_ids"]) == ("cat", ["cat"])


def test_who_comes_late_gets_one_batch_after_the_other_as_fast_as_it_takes_them(room: Room) -> None:
    for number in range(3 * BATCH):
        room.start(f"cat {number}")
    late = room.add(Phone("late"))
    room.gallery.joined(late)
    taken = 0
    while taken < len(late.events):
        seq, _ = late.events[taken]
        room.gallery.acknowledged(late, {"seq": seq})
        taken += 1
    assert taken == 3 * BATCH
