"""The room's record of who said what, turn by turn. Pure.

A turn is one user utterance and the model's answer to it. Both sides grow by fragments and
become final once; a cut answer keeps what was heard of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from processors.frames import Role

HISTORY_LIMIT: Final = 2000  # entries; an hour of lively talk is some hundreds


@dataclass(slots=True)
class Entry:
    """One side of a turn. `parts` as in Gemini's `Content`, beside the text."""

    role: Role
    turn: int
    text: str = ""
    peer_id: str | None = None
    interrupted: bool = False
    parts: list[dict[str, Any]] = field(default_factory=list)

    def content(self) -> dict[str, Any]:
        """As `GET /sessions/{id}` returns it and `history` takes it."""
        parts = [*self.parts, *([{"text": self.text}] if self.text else [])]
        return {"role": self.role.value, "parts": parts}


@dataclass(slots=True)
class Conversation:
    """`turn` counts from 1. `history` holds final entries only, oldest first."""

    history: list[Entry] = field(default_factory=list)
    turn: int = 1
    _open: dict[Role, Entry] = field(default_factory=dict)

    def begin_with(self, contents: Sequence[dict[str, Any]]) -> None:
        """Turns that came before this room, each with role and parts."""
        for content in contents:
            text = "".join(part.get("text", "") for part in content["parts"])
            rest = [part for part in content["parts"] if "text" not in part]
            self.history.append(Entry(Role(content["role"]), 0, text, parts=rest))

    def entry(self, role: Role) -> Entry | None:
        """The side of the current turn that is not final yet."""
        return self._open.get(role)

    def append(self, role: Role, fragment: str, *, peer_id: str | None = None) -> Entry:
        """Adds what was said. A user who speaks after the model answered opens a new turn."""
        if role is Role.USER and role not in self._open and self._answered():
            self.turn += 1
        entry = self._open.setdefault(role, Entry(role, self.turn))
        entry.text = (entry.text + fragment).lstrip()
        entry.peer_id = peer_id or entry.peer_id
        return entry

    def finish(self, role: Role) -> Entry | None:
        """Makes that side final; None when there is nothing to make final."""
        entry = self._open.pop(role, None)
        if entry is None:
            return None
        entry.text = entry.text.strip()
        if entry.text or entry.parts:
            self.history.append(entry)
            del self.history[:-HISTORY_LIMIT]
        return entry

    def cut_answer(self, heard_share: float) -> Entry | None:
        """Keeps the first `heard_share` (0 to 1) of the answer's text, in whole words."""
        entry = self._open.get(Role.MODEL)
        if entry is None:
            return None
        entry.text = first_share(entry.text, heard_share)
        entry.interrupted = True
        return self.finish(Role.MODEL)

    def contents(self) -> list[dict[str, Any]]:
        return [entry.content() for entry in self.history]

    def _answered(self) -> bool:
        return Role.MODEL in self._open or (
            bool(self.history) and self.history[-1].turn == self.turn
        )


def first_share(text: str, share: float) -> str:
    """The beginning of `text` that takes `share` of its length, without a broken word."""
    if share >= 1.0:
        return text
    end = int(len(text) * max(0.0, share))
    if end < len(text) and not text[end].isspace():
        end = text.rfind(" ", 0, end) + 1
    return text[:end].rstrip()
