"""What image models said before, so that a wish can go on from there. Pure.

An exchange holds an image as the model sent it, with its signature: it must go back unchanged.
A chat is the line of exchanges from an image up to its first. Of a long one the first and the
newest are sent; what is left out between is whole exchanges, since half of one would lack its
signature.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

LIMIT_BYTES: Final = 48 << 20
NEWEST_KEPT: Final = 3
SENT_LIMIT_BYTES: Final = 11 << 20  # a request holds 20 MB, in base64, with new pictures too


class Sized(Protocol):
    @property
    def size(self) -> int:
        """In bytes."""


E = TypeVar("E", bound=Sized)


@dataclass(slots=True)
class ChatCounters:
    remembered: int = 0
    evicted: int = 0
    gone_on: int = 0
    begun_anew: int = 0


@dataclass(slots=True)
class ChatMemory(Generic[E]):
    """`limit_bytes` of exchanges; beyond it the one that was unused for longest goes."""

    limit_bytes: int = LIMIT_BYTES
    counters: ChatCounters = field(default_factory=ChatCounters)
    kept_bytes: int = 0
    _known: "OrderedDict[str, tuple[str | None, E]]" = field(default_factory=OrderedDict)

    def remember(self, image_id: str, before: str | None, exchange: E) -> None:
        """`before`: the image whose exchange this one went on from."""
        self.forget(image_id)
        self._known[image_id] = (before, exchange)
        self.kept_bytes += exchange.size
        self.counters.remembered += 1
        while self.kept_bytes > self.limit_bytes and self._known:
            self.forget(next(iter(self._known)))
            self.counters.evicted += 1

    def history(self, image_id: str) -> tuple[E, ...]:
        """What to send again to go on from this image; empty when that is not known any more."""
        line: list[E] = []
        at: str | None = image_id
        while at is not None and at in self._known:
            self._known.move_to_end(at)
            at, exchange = self._known[at]
            line.append(exchange)
        if line:
            self.counters.gone_on += 1
        else:
            self.counters.begun_anew += 1
        return _pruned(line[::-1])

    def forget(self, image_id: str) -> None:
        _, exchange = self._known.pop(image_id, (None, None))
        if exchange is not None:
            self.kept_bytes -= exchange.size


def _pruned(line: list[E]) -> tuple[E, ...]:
    """The first and the newest, as far as they can be sent together; the newest goes last."""
    newest = line[1:][-NEWEST_KEPT:]
    while newest and sum(one.size for one in (*line[:1], *newest)) > SENT_LIMIT_BYTES:
        if len(newest) == 1:
            return tuple(one for one in newest if one.size <= SENT_LIMIT_BYTES)
        newest = newest[1:]
    first = [one for one in line[:1] if newest or one.size <= SENT_LIMIT_BYTES]
    return (*first, *newest)
