"""A room's images on their way to its peers: events with addresses, until acknowledged."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.participant import Participant
from pipeline.signed_urls import UrlSigner
from processors.frames import ImageEventFrame
from processors.images.delivery import Delivery
from processors.images.tree import ImageTree
from transports import rtvi


class Gallery:
    """`participants` are the room's, by peer id; only those that are ready are sent anything."""

    def __init__(
        self,
        room_id: str,
        signer: UrlSigner,
        participants: Mapping[str, Participant],
        count: Callable[[str], None],
    ) -> None:
        self.delivery = Delivery()
        self._room_id = room_id
        self._signer = signer
        self._participants = participants
        self._count = count

    def url(self, image_id: str) -> str:
        return self._signer.image_url(self._room_id, image_id, time.time())

    def listing(self, tree: ImageTree) -> list[dict[str, Any]]:
        """Every image of the room, oldest first, as `GET /sessions/{id}/images` tells it."""
        out = []
        for image in tree.images.values():
            event = image.event()
            state = event.pop("event")
            del event["type"]
            if image.stored is not None:
                event["url"] = self.url(image.image_id)
            out.append({**event, "state": state, "created_at": image.created_at})
        return out

    def show(self, frame: ImageEventFrame) -> None:
        event = dict(frame.event)
        image_id = str(event["image_id"])
        if "sha256" in event:
            event["url"] = self.url(image_id)
        self.delivery.publish(image_id, event, _now())
        self.send_due()

    def joined(self, participant: Participant) -> None:
        self.delivery.join(participant.peer_id, _now())
        self.send_due()

    def left(self, participant: Participant) -> None:
        self.delivery.leave(participant.peer_id)

    def acknowledged(self, participant: Participant, data: Any) -> None:
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
                for event in self.delivery.due(participant.peer_id, now):
                    participant.send(rtvi.server_message(event))


def _now() -> float:
    return asyncio.get_running_loop().time()
