"""The model's calls, and which session knows of them. Pure.

A call lives in the session that made it, and in those that are resumed from a handle given after
it. Any other is told that it was made, and gets its result in words: under its id it would be
lost, or an error. One that knows neither the call nor the result is told of both.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from processors.frames import ToolCall
from processors.gemini.outbox import RealtimeText, ToolResponse

CALLS_KEPT: Final = 64

RESULT: Final = "The result of {name}, which you called before: {json}"
CALLED: Final = (
    "(Before the connection broke you called {name} with {json}. Its result will follow: "
    "do not call it again for this.)"
)
ANSWERED: Final = (
    "(Before the connection broke you called {name} with {json}. Its result was: {result})"
)


@dataclass(slots=True)
class _Call:
    name: str
    args: Mapping[str, Any]
    in_handle: bool = False  # a session that is resumed knows it
    of_answer: bool = True  # which is being given, or has broken off
    result: ToolResponse | None = None
    orphan: bool = False  # the present session does not know it


@dataclass(slots=True)
class CallsCounters:
    results_as_text: int = 0  # of calls that the session did not know


@dataclass(slots=True)
class Calls:
    """Told what becomes of them, in order; the newest `CALLS_KEPT` are remembered."""

    counters: CallsCounters = field(default_factory=CallsCounters)
    _by_id: dict[str, _Call] = field(default_factory=dict)

    def made(self, calls: Iterable[ToolCall]) -> None:
        for call in calls:
            self._by_id[call.id] = _Call(call.name, call.args)
        while len(self._by_id) > CALLS_KEPT:
            del self._by_id[next(iter(self._by_id))]

    def cancelled(self, ids: Iterable[str]) -> None:
        for call_id in ids:
            self._by_id.pop(call_id, None)

    def answered(self, item: ToolResponse) -> None:
        """Its result is there, though perhaps not sent."""
        call = self._by_id.get(item.call_id)
        if call is not None and not item.will_continue:
            call.result = item

    def answer_ended(self) -> None:
        for call in self._by_id.values():
            call.of_answer = False

    def handle_came(self, under_way: Collection[str] = ()) -> None:
        """It holds all but the results of the calls `under_way`, which may be on their way."""
        for call_id, call in [*self._by_id.items()]:
            if call.result is not None and call_id not in under_way:
                del self._by_id[call_id]
            else:
                call.in_handle = not call.orphan

    def opened(self, *, resumed: bool) -> None:
        """Another connection; `resumed` from the newest handle."""
        for call in self._by_id.values():
            call.orphan = not (resumed and call.in_handle)

    def notes(self, waiting: Collection[str] = (), *, resumed: bool) -> tuple[str, ...]:
        """For a session that is to be opened: what it does not know of them. The results of the
        calls `waiting` will be sent to it."""
        notes = (
            _note(call, waits=call_id in waiting, known=resumed and call.in_handle)
            for call_id, call in self._by_id.items()
        )
        return tuple(note for note in notes if note is not None)

    def told(self, item: ToolResponse) -> ToolResponse | RealtimeText | None:
        """As the present session is told it; None: not at all, since it waits for no progress."""
        call = self._by_id.get(item.call_id)
        if call is None or not call.orphan:
            return item
        if item.will_continue:
            return None
        self.counters.results_as_text += 1
        return RealtimeText(RESULT.format(name=item.name, json=_json(item.response)))

    @property
    def pending(self) -> bool:
        """A tool is at work."""
        return any(call.result is None for call in self._by_id.values())

    @property
    def of_answer(self) -> bool:
        """The answer that is being given, or that has broken off, made some."""
        return any(call.of_answer for call in self._by_id.values())

    @property
    def awaited(self) -> bool:
        """That answer may wait for a tool."""
        return any(call.of_answer and call.result is None for call in self._by_id.values())


def _note(call: _Call, *, waits: bool, known: bool) -> str | None:
    if call.result is None:
        return None if known else CALLED.format(name=call.name, json=_json(call.args))
    if waits:
        return None  # it says itself what it is the result of
    result = _json(call.result.response)
    return ANSWERED.format(name=call.name, json=_json(call.args), result=result)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), default=str)
