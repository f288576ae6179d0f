"""Whether anything came from the other end of a connection, for one attribute store a datagram."""

from contextvars import ContextVar


class Arrivals:
    """Each datagram sets `heard`, whatever it holds and whoever sent it: media, STUN, DTLS.

    A stranger who knows the port can make a peer seem present, for as long as that peer's ICE
    still consents: half a minute at most.
    """

    __slots__ = ("heard",)

    def __init__(self) -> None:
        self.heard = False

    def take(self) -> bool:
        """Whether anything came since the last time this was asked."""
        heard, self.heard = self.heard, False
        return heard


# Set while a connection is described; the sockets that are made meanwhile report there.
arrivals: ContextVar[Arrivals | None] = ContextVar("easel_arrivals", default=None)
