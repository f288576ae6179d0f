"""Image events on their way to each peer: numbered, acknowledged, sent again. Pure.

Every event of a room has a `seq`. Only the latest event about a thing matters (what became of an
image, its name, which image is current): a peer that joins late, or comes back, gets that of every
thing, and what it does not acknowledge it gets again, ever more rarely, for as long as it stays.
Bounded by the number of things and of peers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

RESEND_FIRST_S: Final = 1.0
RESEND_LIMIT_S: Final = 60.0  # a client that never acknowledges is not worth more
BATCH: Final = 64  # events at a time for one peer: some 300 kB
MAX_GONE: Final = 1000  # things that are no more; their last word goes to those who may know them


@dataclass(slots=True)
class _Waiting:
    """`wait_s` is that of the next resending; None: not sent yet."""

    due_at: float
    wait_s: float | None = None


@dataclass(slots=True)
class Delivery:
    """`publish` an event; send each peer what is `due` and say so with `sent`; `ack` what it got.

    `acks_unknown` counts those for what a peer cannot have got.
    """

    acks_unknown: int = 0
    resent: int = 0
    _seq: int = 0
    _latest: dict[str, int] = field(default_factory=dict)
    _events: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    _gone: dict[str, None] = field(default_factory=dict)
    _peers: dict[str, dict[int, _Waiting]] = field(default_factory=dict)

    def go_on_after(self, seq: int) -> None:
        """With greater numbers than these: clients take an event with a lesser one for older."""
        self._seq = max(self._seq, seq)

    def join(self, peer_id: str, now: float) -> None:
        """A peer that is new, or back without what it had: everything is due."""
        self._peers[peer_id] = {seq: _Waiting(now) for seq in sorted(self._latest.values())}

    def knows(self, peer_id: str) -> bool:
        return peer_id in self._peers

    def leave(self, peer_id: str) -> None:
        self._peers.pop(peer_id, None)

    def publish(self, thing: str, event: Mapping[str, Any], now: float) -> int:
        """Numbers the event. The one before it about the same thing need not arrive any more."""
        self._seq += 1
        self._withdraw(thing)
        self._latest[thing] = self._seq
        self._events[self._seq] = {**event, "seq": self._seq}
        for waiting in self._peers.values():
            waiting[self._seq] = _Waiting(now)
        return self._seq

    def ended(self, thing: str, *others: str) -> None:
        """What was published about it last is the last word; about `others` there is none."""
        for other in others:
            self._withdraw(other)
        self._gone[thing] = None
        while len(self._gone) > MAX_GONE:
            oldest = next(iter(self._gone))
            del self._gone[oldest]
            self._withdraw(oldest)

    def due(self, peer_id: str, now: float) -> list[Mapping[str, Any]]:
        """What to send this peer now, in this order: what it never got first, older ones first."""
        waiting = self._peers.get(peer_id, {})
        due = [(seq, state) for seq, state in waiting.items() if state.due_at <= now]
        due.sort(key=lambda entry: (entry[1].wait_s is not None, entry[0]))
        return [self._events[seq] for seq, _ in due[:BATCH]]

    def sent(self, peer_id: str, seq: int, now: float) -> None:
        """It is on its way, and due again after a while. What is not said to be sent stays due."""
        state = self._peers.get(peer_id, {}).get(seq)
        if state is not None:
            self.resent += state.wait_s is not None
            wait_s = state.wait_s or RESEND_FIRST_S
            state.due_at = now + wait_s
            state.wait_s = min(wait_s * 2, RESEND_LIMIT_S)

    def ack(self, peer_id: str, seq: int) -> None:
        """Of an event that has been replaced, or acknowledged before, it changes nothing."""
        waiting = self._peers.get(peer_id)
        state = None if waiting is None else waiting.get(seq)
        if waiting is None or not 0 < seq <= self._seq or (state and state.wait_s is None):
            self.acks_unknown += 1
        elif state is not None:
            del waiting[seq]

    def in_flight(self, peer_id: str) -> bool:
        """Something was sent that is not acknowledged yet."""
        return any(state.wait_s is not None for state in self._peers.get(peer_id, {}).values())

    def unacknowledged(self, peer_id: str) -> int:
        return len(self._peers.get(peer_id, {}))

    def _withdraw(self, thing: str) -> None:
        old = self._latest.pop(thing, 0)
        self._events.pop(old, None)
        for waiting in self._peers.values():
            waiting.pop(old, None)
