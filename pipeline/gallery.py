"""A room's images on their way to its peers: events with addresses, until acknowledged."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from pipeline.signed_urls import UrlSigner
from processors.frames import ImageEventFrame
from processors.images.delivery import Delivery
from processors.images.tree import ImageTree, Original
from transports import rtvi

LONG_CHARS: Final = 2000  # there are peers that take no longer message, if hardly any
SHORT_CHARS: Final = 200


class Viewer(Protocol):
    """A peer, as far as images go. `send` is False when the message could not be queued."""

    @property
    def peer_id(self) -> str: ...

    @property
    def is_ready(self) -> bool: ...

    def send(self, message: str) -> bool: ...


class Gallery:
    """`participants` are the room's, by peer id; only those that are ready are sent anything.

    Call `send_due` every half second or so: it sends again what was not acknowledged.
    """

    def __init__(
        self,
        room_id: str,
        signer: UrlSigner,
        tree: ImageTree,
        participants: Mapping[str, Viewer],
        count: Callable[[str], None],
    ) -> None:
        self.delivery = Delivery()
        self.room_id = room_id
        self._signer = signer
        self._tree = tree
        self._participants = participants
        self._count = count

    def replay(self) -> None:
        """The images that were there before this process was, with greater numbers than it gave
        their events: it cannot have given one for every millisecond."""
        now = _now()
        if self._tree.images:
            self.delivery.go_on_after(int(time.time() * 1000))
        for image in self._tree.images.values():
            self.delivery.publish(image.image_id, image.event(), now)
        if self._tree.images:
            self.delivery.publish("selected", self._tree.selected(), now)

    def url(self, image_id: str) -> str:
        return self._signer.image_url(self.room_id, image_id, time.time())

    def listing(self) -> list[dict[str, Any]]:
        """Every image of the room, oldest first, as `GET /sessions/{id}/images` tells it. May be
        called in a thread: a thousand of them take 20 ms."""
        out = []
        for image in list(self._tree.images.values()):
            event = self._with_addresses(image.event())
            state = event.pop("event")
            del event["type"]
            out.append({**event, "state": state})
        return out

    def turn_of(self, image_id: str) -> int:
        """In which the image was begun; 0 of one that is no more."""
        image = self._tree.images.get(image_id)
        return 0 if image is None else image.turn

    def show(self, frame: ImageEventFrame) -> None:
        event = frame.event
        now = _now()
        image_id = event["image_id"]
        match event["event"]:
            case "selected":
                self.delivery.publish("selected", event, now)
            case "named" | "text":
                self.delivery.publish(f"{event['event']}:{image_id}", event, now)
            case "deleted":
                self.delivery.publish(str(image_id), event, now)
                self.delivery.ended(str(image_id), f"named:{image_id}", f"text:{image_id}")
            case _:
                self.delivery.publish(str(image_id), event, now)
        self.send_due()

    def joined(self, participant: Viewer) -> None:
        """A client that has none of the images, or not any more: it gets them all."""
        self.delivery.join(participant.peer_id, _now())
        self.send_due()

    def left(self, participant: Viewer) -> None:
        self.delivery.leave(participant.peer_id)

    def acknowledged(self, participant: Viewer, data: Any) -> None:
        """`data` is what the client sent."""
        seq = data.get("seq") if isinstance(data, dict) else None
        if not isinstance(seq, int) or isinstance(seq, bool):
            self._count("image_ack_malformed")
            return
        unknown = self.delivery.acks_unknown
        self.delivery.ack(participant.peer_id, seq)
        if self.delivery.acks_unknown > unknown:
            self._count("image_ack_unknown")
        elif not self.delivery.in_flight(participant.peer_id):
            self._send_due_to(participant, _now())  # the next batch, for one who came late

    def send_due(self) -> None:
        """New events at once, unacknowledged ones when their time has come."""
        now = _now()
        for participant in self._participants.values():
            if participant.is_ready:
                self._send_due_to(participant, now)

    def _send_due_to(self, participant: Viewer, now: float) -> None:
        peer_id = participant.peer_id
        if not self.delivery.knows(peer_id):  # back from a lost connection, without a word
            self.delivery.join(peer_id, now)
        for event in self.delivery.due(peer_id, now):
            told = self._with_addresses(event)
            message = rtvi.server_message(told)
            sent = participant.send(message)
            if not sent and len(message) > LONG_CHARS:
                sent = participant.send(rtvi.server_message(_shortened(told)))
            # Not sent: no channel, a full one, or too long for this peer. It stays due.
            if sent:
                self.delivery.sent(peer_id, event["seq"], now)

    def _with_addresses(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Signed when it is sent: an event may be sent again long after it happened."""
        out = dict(event)
        image = self._tree.images.get(str(event["image_id"]))
        if image is not None and "parent_id" in event:  # what it was made from may be gone
            out["parent_id"] = image.parent_id
            if "parent_ids" in event:
                out["parent_ids"] = list(image.parent_ids)
        if "sha256" in event:  # else no bytes are stored
            out["url"] = self.url(str(event["image_id"]))
            if event["event"] == "preview":  # another one follows under the same id
                out["url"] += f"&preview={event['sha256'][:8]}"
        if "original_ids" in event:
            known = [self._tree.originals.get(one) for one in event["original_ids"]]
            out["originals"] = [self._told(one) for one in known if one is not None]
        return out

    def _told(self, original: Original) -> dict[str, Any]:
        return {
            "original_id": original.original_id,
            "kind": original.kind,
            "width": original.stored.width,
            "height": original.stored.height,
            "url": self.url(original.original_id),
        }


def _now() -> float:
    return asyncio.get_running_loop().time()


def _shortened(event: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is for the eye, and with the beginning of what is long."""
    out = {key: value for key, value in event.items() if key != "thumbnail"}
    for key in ("prompt", "text", "text_after"):
        if len(out.get(key) or "") > SHORT_CHARS:
            out[key] = out[key][: SHORT_CHARS - 1] + "…"
    return out
