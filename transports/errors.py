"""What can go wrong between Easel and a peer.

TransportError
├── PeerFault             the peer sent something wrong
│   ├── SignallingRefused     an HTTP body, SDP or candidate: answered with `status`
│   ├── MessageRefused        a data channel message: answered with an RTVI error
│   └── PayloadRefused        an RTP payload: dropped and counted, nobody is told
└── NoAddressLeft         our fault: no address or port of the settings could be bound
"""


class TransportError(Exception):
    """Root of everything this package raises on purpose."""


class PeerFault(TransportError):
    """The peer's fault. `str()` is a sentence that may be shown to it."""


class SignallingRefused(PeerFault):
    """`counter` names the metric; `status` is the HTTP status of the answer."""

    def __init__(self, sentence: str, *, counter: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.counter = counter
        self.status = status


class MessageRefused(PeerFault):
    """`counter` names the metric; `message_id` is the id to answer, when one could be read."""

    def __init__(self, sentence: str, *, counter: str, message_id: str | None = None) -> None:
        super().__init__(sentence)
        self.counter = counter
        self.message_id = message_id


class PayloadRefused(PeerFault):
    """The payload is not what its codec's RFC allows."""


class NoAddressLeft(TransportError):
    """A new connection has no candidate to offer. The caller may try again later."""
