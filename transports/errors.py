"""What can go wrong between Easel and a peer.

TransportError
├── PeerFault             the peer sent something wrong: answered with 4xx or an RTVI error
│   ├── SignallingRefused     an HTTP body, SDP or candidate that is malformed or over a limit
│   └── MessageRefused        a data channel message that is malformed or over a limit
└── PeerGone              the connection ended or never came up; nobody's fault
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


class PeerGone(TransportError):
    """The connection is closed, failed, or was not established in time."""
