"""Which faults are due when; pure, time is an argument.

A plan belongs to a connection, what was already suffered to its session: so a fault that comes once
does not come again because a handle brought back the time before it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from emulator.faults import ALWAYS, AWAITING, UPGRADE, Fault, Kind, Moment
from emulator.record import SessionRecord


class FaultHistory:
    """What a session suffered, over all its connections. A handle holds no copy of it.

    `everywhere` is what all sessions suffered, and shared by them.
    """

    def __init__(self, seed: str, everywhere: Counter[Fault] | None = None) -> None:
        self.resumed = 0
        self._everywhere: Counter[Fault] = Counter() if everywhere is None else everywhere
        self._seed = seed
        self._suffered: Counter[Fault] = Counter()
        self._numbers: dict[Fault, random.Random] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> FaultHistory:
        return self

    def spent(self, fault: Fault) -> bool:
        """True when the session, or all of them, suffered it often enough."""
        return _reached(self._suffered[fault], fault.times) or _reached(
            self._everywhere[fault], fault.total
        )

    def suffers(self, fault: Fault) -> bool:
        """At an opportunity: True, and counted, when the fault is to happen now."""
        if self.spent(fault) or self._draw(fault) >= fault.chance:
            return False
        self._suffered[fault] += 1
        self._everywhere[fault] += 1
        return True

    def _draw(self, fault: Fault) -> float:
        if fault not in self._numbers:
            self._numbers[fault] = random.Random(f"{self._seed}/{fault.origin}/{fault.kind.value}")
        return self._numbers[fault].random()


def _reached(count: int, limit: int) -> bool:
    return limit != ALWAYS and count >= limit


def at_setup(faults: Iterable[Fault], history: FaultHistory) -> list[Fault]:
    """What happens to this setup, the session's `history.resumed`-th resumption; 0 is a new one.

    From the start is only what comes without a handle, but a handle is only refused to one that
    comes with it.
    """
    return [
        fault
        for fault in faults
        if _meets_a_setup(fault, history.resumed) and history.suffers(fault)
    ]


def _meets_a_setup(fault: Fault, resumed: int) -> bool:
    if not fault.at_setup or fault.how == UPGRADE:
        return False
    if fault.moment is Moment.RESUME:
        return fault.value <= resumed
    return (resumed > 0) is (fault.kind is Kind.REFUSE_HANDLE)


@dataclass(eq=False)
class _Armed:
    """A fault of this connection; `due_at` is None until its moment is known."""

    fault: Fault
    due_at: float | None


class FaultPlan:
    """One connection's faults. Tell it what happens; ask `due` at every `deadline`."""

    def __init__(
        self, faults: Iterable[Fault], history: FaultHistory, record: SessionRecord, now: float
    ) -> None:
        self._history = history
        self._record = record
        self._armed: list[_Armed] = []
        self.arm(faults, now)

    def arm(self, faults: Iterable[Fault], now: float) -> None:
        """Faults from now on: their `age` and `every` count from here, also when armed again."""
        for fault in faults:
            if fault.at_setup or self._history.spent(fault):
                continue
            self._armed = [armed for armed in self._armed if armed.fault != fault]
            self._armed.append(_Armed(fault, self._first_due(fault, now)))

    def prompted(self, number: int, now: float) -> None:
        """The session's prompt of that number came."""
        for armed in self._waiting_for(Moment.TURN):
            if number >= armed.fault.value:
                armed.due_at = now

    def user_started(self, now: float) -> None:
        """The user began to speak."""
        self._happened(Moment.SPEECH, now)

    def answer_sounds(self, now: float) -> None:
        """The first sound (or text) of an answer left."""
        self._happened(Moment.ANSWER, now)

    def called(self, now: float) -> None:
        """A toolCall left."""
        self._happened(Moment.CALL, now)

    def deadline(self) -> float | None:
        """When `due` will have something to say."""
        times = (armed.due_at for armed in self._armed if armed.fault.kind not in AWAITING)
        return min((time for time in times if time is not None), default=None)

    def due(self, now: float) -> list[Fault]:
        """What happens now, counted and recorded."""
        return self._take(now, [a for a in self._armed if a.fault.kind not in AWAITING])

    def take(self, kind: Kind, now: float, hows: Collection[str] = ()) -> Fault | None:
        """One fault of those that wait for an answer or an interruption, when it is to happen.

        With `hows`, only one of these.
        """
        for armed in [a for a in self._armed if a.fault.kind is kind]:
            if hows and armed.fault.how not in hows:
                continue
            taken = self._take(now, [armed])
            if taken:
                return taken[0]
        return None

    def _take(self, now: float, candidates: list[_Armed]) -> list[Fault]:
        taken: list[Fault] = []
        for armed in candidates:
            if armed.due_at is None or armed.due_at > now:
                continue
            if self._history.suffers(armed.fault):
                self._record.add_fault(armed.fault.kind.value, now)
                taken.append(armed.fault)
            if self._history.spent(armed.fault):
                self._armed.remove(armed)
            else:
                armed.due_at = self._next_due(armed.fault, armed.due_at, now)
        return taken

    def _first_due(self, fault: Fault, now: float) -> float | None:
        if fault.moment is Moment.START:
            return now
        if fault.moment in (Moment.AGE, Moment.EVERY):
            return now + fault.value
        if fault.moment is Moment.RESUME and fault.value <= self._history.resumed:
            return now
        return None

    def _next_due(self, fault: Fault, due_at: float, now: float) -> float | None:
        if fault.moment is Moment.EVERY:
            following = due_at + fault.value
            return following if following > now else now + fault.value
        if fault.kind in AWAITING and fault.moment in (Moment.START, Moment.AGE, Moment.RESUME):
            # Every answer from here on is an opportunity.
            return now
        return None

    def _waiting_for(self, moment: Moment) -> list[_Armed]:
        return [a for a in self._armed if a.fault.moment is moment and a.due_at is None]

    def _happened(self, moment: Moment, now: float) -> None:
        for armed in self._waiting_for(moment):
            armed.due_at = now + armed.fault.value
