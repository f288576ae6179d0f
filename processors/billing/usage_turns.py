"""Which turn of the conversation a report of the Live API belongs to. Pure.

Gemini reports before an answer's output, with its `turnComplete`, after it, or at several of these
places, and each turn by itself: the whole context is billed again. So

- while an answer is given, a report is its turn's;
- between answers it is the last turn's when that was answered and has no report yet, or when it
  repeats or completes that turn's last report; else it is of the answer that comes next.

A report repeats or completes another of the same turn and connection when the prompts are equal
(or only one of them tells it) and no count of the output is less. It counts by what it adds. What
differs is another request of that turn, as after a tool that the model waited for, and is added.
So is everything that comes over another connection: what broke was billed, too.

What cannot be told: two requests of one turn with prompts of exactly equal length are taken for
one. A report that comes after its turn, when the next answer has already begun, is the next one's.
"""

from collections import Counter
from dataclasses import dataclass, field

from processors.billing.usage import OUTPUT, PROMPT, TOOL_USE, Counts, increase, tokens


@dataclass(slots=True)
class _Request:
    connection: int
    counts: Counts


@dataclass(slots=True)
class _Turn:
    number: int | None = None
    answered: bool = False
    reported_in: int | None = None
    requests: list[_Request] = field(default_factory=list)

    def takes(self, counts: Counts, connection: int) -> bool:
        """Whether a report that came after the turn's end is still its own."""
        if not self.requests:
            return self.answered
        return _same(self.requests[-1], counts, connection)

    def add(self, counts: Counts, connection: int) -> Counts:
        """What the report adds to what was reported of the turn."""
        last = self.requests[-1] if self.requests else None
        if last is None or not _same(last, counts, connection):
            self.requests.append(_Request(connection, Counter(counts)))
            return Counter(counts)
        more = increase(last.counts, counts)
        last.counts.update(more)
        return more


class TurnLedger:
    """`connection` is a number of the link's connection to Gemini."""

    def __init__(self) -> None:
        self.answering = False
        self._open = _Turn()
        self._last: _Turn | None = None

    @property
    def under_way(self) -> bool:
        """An answer is given, or was billed and is still to come."""
        return self.answering or bool(self._open.requests)

    def began(self) -> None:
        """An answer is given: its first sound, its first words, or a call. Idempotent."""
        self.answering = self._open.answered = True

    def belongs_to(self, number: int) -> None:
        """The conversation's turn of the answer that is being given; the last word counts."""
        if self.answering:
            self._open.number = number

    @property
    def number(self) -> int | None:
        """The conversation's turn of the answer that is given or to come, as far as known."""
        return self._open.number

    def report(
        self, counts: Counts, connection: int, present: int | None = None
    ) -> tuple[int | None, Counts]:
        """What the report adds, and to which turn that is over; None: to the one that is not.

        `present` is the turn that the conversation has come to.
        """
        if not counts:
            return None, counts
        last = self._last
        if last is None or self.answering or not last.takes(counts, connection):
            if self._open.reported_in is None:
                self._open.reported_in = present
            return None, self._open.add(counts, connection)
        return last.number, last.add(counts, connection)

    def ended(self, number: int) -> int | None:
        """Gemini's turn is over: the conversation's turn that it was.

        That is `number` when nothing better is known; for one that was cut before its output, the
        turn in which it was reported. None when there is nothing to bill, as of an empty turn.
        """
        turn, self.answering = self._open, False
        if not (turn.answered or turn.requests):
            return None
        if turn.number is None:
            unheard = not turn.answered and turn.reported_in is not None
            turn.number = turn.reported_in if unheard else number
        self._last, self._open = turn, _Turn()
        return turn.number


def _same(request: _Request, counts: Counts, connection: int) -> bool:
    """Whether a report repeats or completes what was reported of a request."""
    if request.connection != connection:
        return False
    prompts = {tokens(request.counts, PROMPT), tokens(counts, PROMPT)} - {0}
    grown = (
        told == 0 or told >= tokens(request.counts, side)
        for side in (TOOL_USE, *OUTPUT)
        for told in (tokens(counts, side),)
    )
    return len(prompts) < 2 and all(grown)
