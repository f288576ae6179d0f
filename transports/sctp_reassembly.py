"""Reassembly of data channel messages that a peer cannot make grow.

aiortc's keeps every fragment that a peer sends, whatever it advertised as the largest message,
and looks through all of them again for each further one: a message of n fragments costs n².
Here fragments that follow one another are joined as they come, so there is nothing to look
through, and a message grows to `MAX_MESSAGE_BYTES` only: what comes beyond is dropped, and the
message arrives cut, still longer than any allowed one, to be refused as too large.
"""

from collections.abc import Iterator
from copy import copy
from typing import Any, Final

from aiortc.rtcsctptransport import (
    SCTP_DATA_FIRST_FRAG,
    SCTP_DATA_LAST_FRAG,
    DataChunk,
    InboundStream,
    tsn_plus_one,
)

MAX_MESSAGE_BYTES: Final = 1 << 19  # twice what our SDP allows a peer to send
MAX_PENDING_BYTES: Final = 1 << 21  # twice the receive window, which honest peers respect
MAX_PENDING_CHUNKS: Final = 8192


class BoundedInboundStream(InboundStream):
    """One stream of an association. Counts on the caller to drop TSNs that come twice.

    `pending_bytes` have come and are not yet part of a message given out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pending_bytes = 0

    def add_chunk(self, chunk: DataChunk) -> None:
        """Takes a fragment. What is dropped of it is taken out of `chunk.user_data`, too."""
        if len(self.reassembly) >= MAX_PENDING_CHUNKS:
            chunk.user_data = b""
            return
        if self.pending_bytes >= MAX_PENDING_BYTES:
            chunk.user_data = b""
        super().add_chunk(chunk)
        index = self._index(chunk)
        if index and _follows(self.reassembly[index - 1], chunk):
            index -= 1
            if len(self.reassembly[index].user_data) >= MAX_MESSAGE_BYTES:
                chunk.user_data = b""
        self.pending_bytes += len(chunk.user_data)
        self._join_from(index)

    def _index(self, chunk: DataChunk) -> int:
        last = len(self.reassembly) - 1
        return last if self.reassembly[last] is chunk else self.reassembly.index(chunk)

    def _join_from(self, index: int) -> None:
        parts = self.reassembly
        end = index + 1
        while end < len(parts) and _follows(parts[index], parts[end]):
            parts[index] = _joined(parts[index], parts[end])
            end += 1
        del parts[index + 1 : end]

    def pop_messages(self) -> Iterator[tuple[int, int, bytes]]:
        """The complete messages, as (stream, protocol, bytes)."""
        for message in super().pop_messages():
            self.pending_bytes -= len(message[2])
            yield message

    def prune_chunks(self, tsn: int) -> int:
        pruned = super().prune_chunks(tsn)
        self.pending_bytes -= pruned
        return pruned


def _follows(head: DataChunk, chunk: DataChunk) -> bool:
    """Whether `chunk` is the next fragment of the message that `head` begins."""
    return (
        bool(head.flags & SCTP_DATA_FIRST_FRAG)
        and not head.flags & SCTP_DATA_LAST_FRAG
        and not chunk.flags & SCTP_DATA_FIRST_FRAG
        and chunk.tsn == tsn_plus_one(head.tsn)
    )


def _joined(head: DataChunk, chunk: DataChunk) -> DataChunk:
    """Both as one fragment with the number of its last part.

    `head` itself may be in the caller's hand, which charges the receive window with its size:
    it is copied the first time. From then on it grows in place.
    """
    joined: Any = head.user_data  # typed bytes, grows as a bytearray
    if not isinstance(joined, bytearray):
        head = copy(head)
        joined = head.user_data = bytearray(joined)  # type: ignore[assignment]  # see above
    joined += chunk.user_data
    head.tsn = chunk.tsn
    head.flags |= chunk.flags & SCTP_DATA_LAST_FRAG
    return head


class DiscardingInboundStream(InboundStream):
    """A stream beyond the number that one peer needs: all that comes is dropped."""

    def add_chunk(self, chunk: DataChunk) -> None:
        chunk.user_data = b""
