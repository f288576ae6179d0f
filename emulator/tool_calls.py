"""The ledger of function calls: what was asked, what is pending, what came back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import Final

from emulator.json_types import JsonObject, text_of
from emulator.live_setup import Behavior, DeclaredTool
from emulator.profiles import Profile
from emulator.wire import FunctionResponse

# Real ids look like `function-call-<digits>`.
ID_DIGITS: Final = 20


class Scheduling(Enum):
    """When the model speaks of a NON_BLOCKING function's response."""

    SILENT = "SILENT"
    WHEN_IDLE = "WHEN_IDLE"
    INTERRUPT = "INTERRUPT"


@dataclass(frozen=True, slots=True)
class PendingCall:
    """One call on its way; `turn` is the number of the turn that made it."""

    id: str
    name: str
    args: JsonObject
    behavior: Behavior
    turn: int


@dataclass(frozen=True, slots=True)
class Result:
    """A response that matched a pending call."""

    call: PendingCall
    response: JsonObject
    scheduling: Scheduling
    will_continue: bool


class ToolLedger:
    """Pending calls by id. Pure; the ids follow from the seed."""

    def __init__(self, profile: Profile, seed: str) -> None:
        self._profile = profile
        self._seed = seed
        self._made = 0
        self._pending: dict[str, PendingCall] = {}

    @property
    def pending(self) -> tuple[PendingCall, ...]:
        """Calls without a final response, oldest first."""
        return tuple(self._pending.values())

    def blocking(self) -> bool:
        """True while the model waits for a BLOCKING call."""
        return any(call.behavior is Behavior.BLOCKING for call in self._pending.values())

    def behavior(self, name: str, tools: tuple[DeclaredTool, ...]) -> Behavior:
        """How a call of that name behaves: as declared, else as the model does by default."""
        for tool in tools:
            if tool.name == name and tool.behavior is not None:
                return tool.behavior
        return self._profile.default_behavior

    def call(self, name: str, args: JsonObject, behavior: Behavior, turn: int) -> PendingCall:
        """Record a new call under a new id."""
        digest = hashlib.sha256(f"{self._seed}/{self._made}".encode()).hexdigest()
        self._made += 1
        digits = str(int(digest, 16))[:ID_DIGITS]
        call = PendingCall(f"function-call-{digits}", name, args, behavior, turn)
        self._pending[call.id] = call
        return call

    def cancel(self, turn: int) -> tuple[PendingCall, ...]:
        """Drop what an interruption of that turn cancels, and return it."""
        cancelled = tuple(
            call
            for call in self._pending.values()
            if call.behavior is Behavior.BLOCKING
            or (call.turn == turn and self._profile.cancels_turn_calls)
        )
        for call in cancelled:
            del self._pending[call.id]
        return cancelled

    def respond(self, response: FunctionResponse) -> Result | None:
        """Match a response to its call; None when nothing waits for it.

        The enterprise platform may omit ids: then the oldest call of that name is meant.
        """
        call = self._pending.get(response.id) if response.id else self._oldest(response.name)
        if call is None:
            return None
        if not response.will_continue:
            del self._pending[call.id]
        return Result(call, response.response, _scheduling(response), response.will_continue)

    def _oldest(self, name: str) -> PendingCall | None:
        return next((call for call in self._pending.values() if call.name == name), None)


def _scheduling(response: FunctionResponse) -> Scheduling:
    """Beside `response` as in the reference, or inside it as some documents show."""
    written = response.scheduling or text_of(response.response.get("scheduling"))
    known = {scheduling.value: scheduling for scheduling in Scheduling}
    return known.get(written.upper(), Scheduling.WHEN_IDLE)
