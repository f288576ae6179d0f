"""When to ask a sender for a key picture, how often, and how long before it is due. Pure."""

from dataclasses import dataclass
from typing import Final

PLI_REPEAT_S: Final = 0.35  # libwebrtc ignores requests closer than 0.3 s
PLIS_BEFORE_BACK_OFF: Final = 4
PLI_BACK_OFF_S: Final = 2.0
PLI_IGNORED_S: Final = 10.0  # between requests to a sender that has answered none
ANSWERED_WITHIN_S: Final = 0.6
FAILURES_BEFORE_BACK_OFF: Final = 3
LATE_KEYS: Final = 3  # so many in a row are hardly answers
FIRST_LATENCY_S: Final = 0.1
LATENCY_WEIGHT: Final = 0.2
LATENCY_LIMIT_S: Final = 0.5


@dataclass(slots=True)
class KeyRequests:
    """The PLIs to one stream. `begin` with each picture that is wanted.

    `latency_s` goes from the first request to the whole picture, smoothed.
    """

    latency_s: float = FIRST_LATENCY_S
    _sent: int = 0  # for the picture wanted now
    _answered: bool = False  # if only by a picture that did not become whole
    _late_keys: int = 0  # in a row
    _failures: int = 0  # in a row: what was sent could not be decoded
    _first_at: float = float("-inf")
    _last_at: float = float("-inf")

    def begin(self) -> None:
        self._sent = 0
        self._answered = False

    def begin_stream(self) -> None:
        """Another stream, and as a rule another encoder. The pace of requests is kept."""
        self.begin()
        self._late_keys = self._failures = 0

    def next_at(self, *, ignored: bool) -> float:
        """When the next may go; `ignored` if the sender is known not to answer."""
        if ignored:
            return self._last_at + PLI_IGNORED_S
        often = self._sent < PLIS_BEFORE_BACK_OFF and self._failures < FAILURES_BEFORE_BACK_OFF
        return self._last_at + (PLI_REPEAT_S if often else PLI_BACK_OFF_S)

    def sent(self, now: float) -> None:
        if self._sent == 0:
            self._first_at = now
        self._sent += 1
        self._last_at = now

    def failed(self) -> None:
        """What was sent could not be decoded: asking for more is of little use."""
        self._failures += 1

    def succeeded(self) -> None:
        self._failures = 0

    @property
    def pending(self) -> bool:
        return self._sent > 0

    @property
    def in_vain(self) -> bool:
        """Several were sent and no key picture has even begun, or those that come come late."""
        unanswered = self._sent > PLIS_BEFORE_BACK_OFF and not self._answered
        return unanswered or self._late_keys >= LATE_KEYS

    def key_began(self, now: float) -> bool:
        """Whether it looks like the answer of a sender that was thought to give none."""
        if not self._answered:
            late = self._sent > 1 and now - self._first_at > ANSWERED_WITHIN_S
            self._late_keys = self._late_keys + 1 if late else 0
        self._answered = True
        return now - self._last_at <= ANSWERED_WITHIN_S and not self._late_keys

    def key_taken(self, now: float) -> None:
        """The picture is there, with all that belongs to it."""
        if self._sent:
            measured = min(now - self._first_at, LATENCY_LIMIT_S)
            self.latency_s += LATENCY_WEIGHT * (measured - self.latency_s)
