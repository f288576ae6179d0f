"""Handles: snapshots of a session that a later connection may continue from; pure.

Errors:

    ResumptionError         the handle cannot be used; the client's fault
    ├── UnknownHandle       never issued, forgotten, or its session ended more than 2 h ago
    └── SessionStillOpen    the connection that issued it has not been closed yet
"""

from __future__ import annotations

import random
import string
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

HANDLE_TTL_S: Final = 7200.0
HANDLE_CHARACTERS: Final = 64
# The newest of one session stay usable, and the newest sessions.
MAX_HANDLES_OF_A_SESSION: Final = 8
MAX_SESSIONS: Final = 256

SnapshotT = TypeVar("SnapshotT")


class ResumptionError(Exception):
    """The handle cannot be used."""


class UnknownHandle(ResumptionError):
    """No session is behind the handle."""


class SessionStillOpen(ResumptionError):
    """The old connection must be closed first."""


@dataclass
class _Session(Generic[SnapshotT]):
    connections: int = 0
    ended_at: float | None = None
    handles: OrderedDict[str, SnapshotT] = field(default_factory=OrderedDict)


class HandleStore(Generic[SnapshotT]):
    """All handles of a server. A session lives on across the connections that resume it."""

    def __init__(self, numbers: random.Random, ttl_s: float = HANDLE_TTL_S) -> None:
        self._numbers = numbers
        self._ttl_s = ttl_s
        self._sessions: OrderedDict[int, _Session[SnapshotT]] = OrderedDict()
        self._next_id = 0

    def open(self) -> int:
        """A connection begins a new session; returns the session's id."""
        session_id = self._next_id
        self._next_id += 1
        self._sessions[session_id] = _Session(connections=1)
        if len(self._sessions) > MAX_SESSIONS:
            # Closed ones go first: an open session has a client who counts on its handles.
            closed = (known for known, one in self._sessions.items() if not one.connections)
            del self._sessions[next(closed, next(iter(self._sessions)))]
        return session_id

    def issue(self, session_id: int, snapshot: SnapshotT) -> str:
        """A handle for the session as `snapshot` shows it."""
        letters = string.ascii_letters + string.digits
        handle = "".join(self._numbers.choices(letters, k=HANDLE_CHARACTERS))
        session = self._sessions.get(session_id)
        if session is not None:
            session.handles[handle] = snapshot
            while len(session.handles) > MAX_HANDLES_OF_A_SESSION:
                session.handles.popitem(last=False)
        return handle

    def resume(self, handle: str, now: float) -> tuple[int, SnapshotT]:
        """A connection continues a session: its id and the snapshot. A handle may be used again.

        Raises:
            UnknownHandle, SessionStillOpen: see the top of this module.
        """
        for session_id, session in self._sessions.items():
            if handle not in session.handles:
                continue
            if session.connections:
                raise SessionStillOpen
            if session.ended_at is not None and now - session.ended_at > self._ttl_s:
                raise UnknownHandle
            session.connections += 1
            return session_id, session.handles[handle]
        raise UnknownHandle

    def forget(self, session_id: int) -> None:
        """None of the session's handles is known any more."""
        session = self._sessions.get(session_id)
        if session is not None:
            session.handles.clear()

    def close(self, session_id: int, now: float, latest: SnapshotT | None = None) -> None:
        """A connection of the session ended; its handles begin to age.

        With `latest`, all of them bring back this from now on.
        """
        session = self._sessions.get(session_id)
        if session is not None:
            if latest is not None:
                session.handles = OrderedDict.fromkeys(session.handles, latest)
            session.connections -= 1
            session.ended_at = now
