"""When a session tells its client that it can be resumed, and from where; pure."""

from __future__ import annotations

from emulator import server_messages as messages
from emulator.announcer import Announcer
from emulator.lifetime import Lifetime
from emulator.live_setup import LiveSetup
from emulator.memory import Memory, Origin
from emulator.record import SessionRecord
from emulator.resumption import HandleStore


class HandleOffers:
    """Sends `sessionResumptionUpdate` when the setup asked for resumption, and only then."""

    def __init__(
        self,
        setup: LiveSetup,
        memory: Memory,
        session_id: int,
        store: HandleStore[Memory],
        out: Announcer,
        record: SessionRecord,
        lifetime: Lifetime,
        interval_s: float | None,
        *,
        tells_index: bool = False,
    ) -> None:
        # How many client messages the session has taken whole, the setup left out.
        self.consumed = 0
        self._tells_index = tells_index
        self._wanted = setup.resumes
        self._memory = memory
        self._session_id = session_id
        self._store = store
        self._out = out
        self._record = record
        self._lifetime = lifetime
        self._interval_s = interval_s
        self._resumable = False
        self._owed = False
        self._due: float | None = None

    def deadline(self) -> float | None:
        """When the next handle is due by the clock."""
        return self._due

    def offer(self, now: float) -> None:
        """Send a handle for the session as it is now."""
        if not self._wanted:
            return
        record = self._record
        origin = Origin(record.number, record.audio_samples, record.calls_made)
        snapshot = self._memory.snapshot(self._lifetime.session_age_s(now), origin)
        handle = self._store.issue(self._session_id, snapshot)
        consumed = self.consumed if self._tells_index else None
        self._out.send(messages.resumption(handle, consumed))
        self._resumable = True
        self._owed = False
        self._due = None if self._interval_s is None else now + self._interval_s

    def owe(self) -> None:
        """Send a handle once the message at hand is taken whole, not in the midst of it."""
        self._owed = True

    def settle(self, now: float) -> None:
        """Everything that came is taken whole."""
        if self._owed:
            self.offer(now)

    def withdraw(self) -> None:
        """The model has the floor: until it is done, there is nothing to resume from."""
        self._owed = False
        self._due = None
        if self._wanted and self._resumable:
            self._resumable = False
            self._out.send(messages.resumption(None))

    def stop(self) -> None:
        """No more of them on this connection."""
        self._wanted = self._owed = False
        self._due = None

    def on_time(self, now: float) -> None:
        """Offer by the clock."""
        if self._due is not None and now >= self._due:
            self.offer(now)
