"""A room's images on their way to its peers: events with addresses, until acknowledged."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from pipeline.signed_urls import UrlSigner
from processors.frames import ImageEventFrame
from processors.images.delivery import Delivery
from processors.images.tree import ImageTree
from transports import rtvi


class Viewer(Protocol):
    """A peer, as far as images go. `send` is False when the message could not be queued."""

    @property
    def peer_id(self) -> str: ...

    @property
    def is_ready(self) -> bool: ...

    def send(self, message: str) -> bool: ...


class Gallery:
    """`participants` are the room's, by peer id; only those that are ready are sent anything.

    `turn` is the conversation's present one: each event names the turn its image was begun in.
    Call `send_due` every half second or so: it sends again what was not acknowledged.
    """

    def __init__(
        self,
        room_id: str,
        signer: UrlSigner,
        participants: Mapping[str, Viewer],
        count: Callable[[str], None],
        turn: Callable[[], int],
    ) -> None:
        self.delivery = Delivery()
        self._room_id = room_id
        self._signer = signer
        self._participants = participants
        self._count = count
        self._turn = turn
        self._turns: dict[str, int] = {}  # in which turn each image was begun

    def url(self, image_id: str) -> str:
        return self._signer.image_url(self._room_id, image_id, time.time())

    def listing(self, tree: ImageTree) -> list[dict[str, Any]]:
        """Every image of the room, oldest first, as `GET /sessions/{id}/images` tells it."""
        out = []
        for image in tree.images.values():
            event = self._with_address(image.event())
            state = event.pop("event")
            del event["type"]
            out.append({**event, "state": state, "created_at": image.created_at})
        return out

    def turn_of(self, image_id: str) -> int:
        """In which the image was begun."""
        return self._turns.get(image_id, self._turn())

    def show(self, frame: ImageEventFrame) -> None:
        image_id = str(frame.event["image_id"])
        turn = self._turns.setdefault(image_id, self._turn())
        self.delivery.publish(image_id, {**frame.event, "turn": turn}, _now())
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
            # Not sent: no channel, a full one, or too long for this peer. It stays due.
            if participant.send(rtvi.server_message(self._with_address(event))):
                self.delivery.sent(peer_id, event["seq"], now)

    def _with_address(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Signed when it is sent: an event may be sent again long after it happened."""
        if "sha256" not in event:  # no bytes are stored
            return dict(event)
        return {**event, "url": self.url(str(event["image_id"]))}


def _now() -> float:
    return asyncio.get_running_loop().time()
