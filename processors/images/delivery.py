"""Image events on their way to each peer: numbered, acknowledged, sent again. Pure.

Every event of a room has a `seq`. A peer that joins late, or comes back, gets the latest event
of each image; what it does not acknowledge is sent again, ever more rarely, until it does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

RESEND_FIRST_S: Final = 1.0
RESEND_LIMIT_S: Final = 16.0
RESEND_BATCH: Final = 16  # a slow channel is not helped by more at once


@dataclass(slots=True)
class _Waiting:
    due_at: float
    wait_s: float = RESEND_FIRST_S


@dataclass(slots=True)
class Delivery:
    """`publish` an event, `due` gives a peer what to send it now, `ack` what it got."""

    acks_unknown: int = 0
    _seq: int = 0
    _latest: dict[str, tuple[int, Mapping[str, Any]]] = field(default_factory=dict)
    _peers: dict[str, dict[int, _Waiting]] = field(default_factory=dict)

    def join(self, peer_id: str, now: float) -> None:
        """A peer that is new, or back: all it may lack is due."""
        self._peers[peer_id] = {
            seq: _Waiting(now) for seq, _ in sorted(self._latest.values(), key=lambda e: e[0])
        }

    def leave(self, peer_id: str) -> None:
        self._peers.pop(peer_id, None)

    def publish(self, image_id: str, event: Mapping[str, Any], now: float) -> int:
        """Numbers the event. An older one of the same image need not arrive any more."""
        self._seq += 1
        old = self._latest.get(image_id)
        self._latest[image_id] = (self._seq, {**event, "seq": self._seq})
        for waiting in self._peers.values():
            if old is not None:
                waiting.pop(old[0], None)
            waiting[self._seq] = _Waiting(now)
        return self._seq

    def due(self, peer_id: str, now: float) -> list[Mapping[str, Any]]:
        """What to send this peer now; counts as sent."""
        waiting = self._peers.get(peer_id, {})
        events = dict(self._latest.values())
        out: list[Mapping[str, Any]] = []
        for seq, state in waiting.items():
            if state.due_at <= now and len(out) < RESEND_BATCH:
                state.due_at = now + state.wait_s
                state.wait_s = min(state.wait_s * 2, RESEND_LIMIT_S)
                out.append(events[seq])
        return out

    def ack(self, peer_id: str, seq: int) -> None:
        """An ack for what was never sent to this peer is counted and changes nothing."""
        if self._peers.get(peer_id, {}).pop(seq, None) is None:
            self.acks_unknown += 1

    def unacknowledged(self, peer_id: str) -> int:
        return len(self._peers.get(peer_id, {}))
