"""The peers of one room: who is there, who comes and goes, and what all of them get."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipeline.connections import Connections
from pipeline.errors import NO_SUCH_PEER, PeerUnknown, RoomUnknown, ServiceFull
from pipeline.participant import Participant, RoomView
from pipeline.shared import Shared
from transports import rtvi
from transports.presence import Presence

ID_BYTES: Final = 9
MAX_AWAY: Final = 64


@dataclass(slots=True)
class PeersCounters:
    joined: int = 0
    messages: int = 0
    messages_unsent: int = 0


class Peers:
    """Participants by peer id. `room` is what they may act on.

    Who has no connection any more is away and may come back; who has one that brings nothing is
    absent, and still a peer of the room.
    """

    def __init__(self, room: RoomView, shared: Shared) -> None:
        self.counters = PeersCounters()
        self.connections = Connections()
        self.by_id: dict[str, Participant] = {}
        self._away: OrderedDict[str, Participant] = OrderedDict()
        self._told: dict[str, str] = {}  # what the others last heard of each
        self._dismissed = False
        self._room = room
        self._shared = shared

    def __len__(self) -> int:
        return len(self.by_id)

    def __iter__(self) -> Iterator[Participant]:
        return iter(self.by_id.values())

    @property
    def ready(self) -> list[Participant]:
        return [participant for participant in self if participant.is_ready]

    @property
    def anybody_present(self) -> bool:
        return any(participant.presence is Presence.PRESENT for participant in self)

    @property
    def nobody_expected(self) -> bool:
        """Nobody is present or about to be."""
        return all(participant.presence is Presence.ABSENT for participant in self)

    async def answer(
        self, sdp: str, peer_id: str | None, *, restart: bool
    ) -> tuple[str, Participant]:
        """A new peer, one that returns, or one that renegotiates: the answer, and who it is.

        One whose connection was lost comes back under its old id: the SDKs do not say again
        that they are ready, so that an id nobody knows is no new peer but `PeerUnknown`. Raises
        also `SignallingRefused`, `NoAddressLeft`, `ServiceFull`, and `RoomUnknown` once
        `dismiss` was called.
        """
        if self._dismissed:
            raise RoomUnknown("The session has ended.")
        if peer_id is not None and not self.knows(peer_id):
            raise PeerUnknown(NO_SUCH_PEER)
        participant = self.by_id.get(peer_id or "")
        if participant is not None:
            answer = await (participant.connect(sdp) if restart else participant.renegotiate(sdp))
            return answer, participant
        participant = self._admitted(peer_id or "")
        answer = await participant.connect(sdp)
        self.counters.joined += 1
        return answer, participant

    def _admitted(self, peer_id: str) -> Participant:
        """Raises `ServiceFull`."""
        if len(self.by_id) >= self._shared.max_peers and not self._make_place():
            raise ServiceFull("This room is full.")
        participant = self._away.pop(peer_id, None) or self._new()
        self.by_id[participant.peer_id] = participant
        return participant

    def _make_place(self) -> bool:
        """False: all are here. Who comes in may well be an absent one, as somebody new."""
        return any(participant.end_if_absent("its place was needed") for participant in self)

    def _new(self) -> Participant:
        return Participant(
            secrets.token_urlsafe(ID_BYTES),
            self._room,
            self._shared.peer_config,
            self._shared.max_message_bytes,
            self.connections,
        )

    def knows(self, peer_id: str) -> bool:
        """One who is here, or may come back."""
        return peer_id in self.by_id or peer_id in self._away

    def remove(self, participant: Participant) -> None:
        """It may come back under its id, which one who never connected was not told, as long as
        not too many others are away."""
        if self.by_id.pop(participant.peer_id, None) is None or not participant.has_connected:
            return
        self._away[participant.peer_id] = participant
        while len(self._away) > MAX_AWAY:
            self._away.popitem(last=False)
        if self._told.pop(participant.peer_id, None) is not None:
            self._tell_others(participant, "left")

    def beat(self, now: float) -> None:
        """Some times a second; the room is told whose presence has changed."""
        for participant in list(self):
            participant.beat(now)

    def tell_presence(self, participant: Participant) -> None:
        """To the others, when it is news: who is replaced by itself has not been away."""
        state = participant.presence.name.lower()
        if self._told.get(participant.peer_id) != state:
            self._told[participant.peer_id] = state
            self._tell_others(participant, state)

    def _tell_others(self, participant: Participant, state: str) -> None:
        data = {"type": "participant", "peer": participant.peer_id, "state": state}
        message = rtvi.server_message(data)
        for other in self.ready:
            if other is not participant:
                self._send(other, message)

    def broadcast(self, message: str) -> None:
        """To everyone whose client is ready; one that cannot take it is counted."""
        for participant in self.ready:
            self._send(participant, message)

    def _send(self, participant: Participant, message: str) -> None:
        self.counters.messages += 1
        if not participant.send(message):
            self.counters.messages_unsent += 1

    def greet(self, participant: Participant) -> bool:
        """Tells a client that is ready that the bot is, too. False when it cannot be told now."""
        assert participant.ready_id is not None  # callers ask is_ready first
        about = {
            "library": "easel",
            "peer": participant.peer_id,
            "gemini": self._shared.partner,
        }
        participant.greeted = participant.send(rtvi.bot_ready(participant.ready_id, about))
        return participant.greeted

    def send_audio(self, payload: bytes, timestamp: int) -> None:
        for participant in self.by_id.values():
            participant.send_audio(payload, timestamp)

    async def dismiss(self, reason: str, *, for_good: bool = True) -> None:
        """Ends all connections at once and waits until they are released. Nobody comes after."""
        self._dismissed = True
        ends = (participant.close(reason, for_good=for_good) for participant in list(self))
        await asyncio.gather(*ends)
        self.by_id.clear()
