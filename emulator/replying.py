"""From the user's words, or a client's request in words, to the reply of a session's mind; pure."""

from __future__ import annotations

import dataclasses
from typing import assert_never

from emulator.live_setup import Behavior
from emulator.memory import Memory
from emulator.mending import (
    NOTHING_TO_ANSWER,
    CarryOn,
    Nudge,
    Request,
    ToolTold,
    carried_on,
)
from emulator.minds import Reply
from emulator.record import SessionRecord


class Replying:
    """One session's mind at work."""

    def __init__(self, memory: Memory, record: SessionRecord) -> None:
        self._memory = memory
        self._record = record

    def behavior(self, name: str) -> Behavior:
        """How a function of that name is called."""
        return self._memory.ledger.behavior(name, self._memory.tools)

    def take_words(self, heard: str = "") -> str:
        """Everything that waits for an answer, and these words; it waits no more."""
        words = " ".join(part for part in (*self._memory.unanswered, heard) if part)
        self._memory.unanswered.clear()
        return words

    def to_words(self, words: str) -> Reply:
        """The mind's reply to the user."""
        memory = self._memory
        memory.asked = words
        tools = frozenset(tool.name for tool in memory.tools)
        reply = memory.mind.on_user(words, sight=memory.eyes.describe(), tools=tools)
        calls = tuple(call for call in reply.calls if call.name not in memory.called)
        return dataclasses.replace(reply, calls=calls)

    def to_request(self, request: Request, now: float) -> tuple[str, Reply]:
        """The user's words that a request is about, '' for none, and the reply to it."""
        match request:
            case ToolTold(name, response):
                self._record.add_call("response", name, "", response, now)
                if name in self._memory.called:
                    # What it was called for is answered by it.
                    self._memory.called.remove(name)
                    self.take_words()
                return "", self._memory.mind.on_tool_result(name, response)
            case Nudge():
                words = self.take_words()
                return words, self.to_words(words) if words else Reply(say=NOTHING_TO_ANSWER)
            case CarryOn(spoken):
                words = self.take_words() or self._memory.asked
                broken = self._memory.broken or (None if words else Reply())
                after = self._memory.said if spoken is None else spoken
                again = Reply() if broken else self.to_words(words)
                return words, carried_on(after, broken, again, self.behavior)
            case _:  # pragma: no cover  # mypy proves that no other is left
                assert_never(request)
