"""Reassembly: what honest peers send arrives as from aiortc's own, what others send is bounded."""

import random
import time

import pytest
from aiortc.rtcsctptransport import (
    SCTP_DATA_FIRST_FRAG,
    SCTP_DATA_LAST_FRAG,
    SCTP_DATA_UNORDERED,
    SCTP_TSN_MODULO,
    DataChunk,
    InboundStream,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from transports.sctp_reassembly import (
    MAX_MESSAGE_BYTES,
    MAX_PENDING_BYTES,
    MAX_PENDING_CHUNKS,
    BoundedInboundStream,
    DiscardingInboundStream,
)

Message = tuple[int, int, bytes]


def chunk(tsn: int, data: bytes, flags: int = 0, sequence: int = 0) -> DataChunk:
    made = DataChunk(flags)
    made.tsn, made.stream_seq, made.user_data = tsn % SCTP_TSN_MODULO, sequence, data
    made.stream_id, made.protocol = 1, 51
    return made


def fragments(
    messages: list[bytes], *, tsn: int = 0, size: int = 4, flags: int = 0
) -> list[DataChunk]:
    """Messages as a sender cuts them up."""
    chunks: list[DataChunk] = []
    for sequence, message in enumerate(messages):
        pieces = [message[i : i + size] for i in range(0, len(message), size)]
        for i, piece in enumerate(pieces):
            first = SCTP_DATA_FIRST_FRAG if i == 0 else 0
            last = SCTP_DATA_LAST_FRAG if i == len(pieces) - 1 else 0
            chunks.append(chunk(tsn + len(chunks), piece, flags | first | last, sequence))
    return chunks


def feed(stream: InboundStream, chunks: list[DataChunk]) -> list[Message]:
    out = []
    for item in chunks:
        stream.add_chunk(item)
        out += list(stream.pop_messages())
    return out


MESSAGES = st.lists(st.binary(min_size=1, max_size=30), max_size=12)


@settings(deadline=None)
@given(
    MESSAGES,
    st.sampled_from([0, SCTP_TSN_MODULO - 7]),
    st.sampled_from([0, SCTP_DATA_UNORDERED]),
    st.integers(0, 40),
    st.randoms(use_true_random=False),
)
def test_reordered_fragments_give_what_aiortcs_own_gives(
    messages: list[bytes], tsn: int, flags: int, distance: int, rng: random.Random
) -> None:
    def shuffled() -> list[DataChunk]:
        chunks = fragments(messages, tsn=tsn, flags=flags)
        order = sorted(range(len(chunks)), key=lambda i: i + rng.random() * distance)
        return [chunks[i] for i in order]

    state = rng.getstate()
    stock = feed(InboundStream(), shuffled())
    rng.setstate(state)
    bounded = BoundedInboundStream()
    assert feed(bounded, shuffled()) == stock
    assert sorted(data for *_, data in stock) == sorted(messages)
    assert bounded.pending_bytes == 0 and not bounded.reassembly


@settings(deadline=None)
@given(MESSAGES, st.integers(0, 80), st.sets(st.integers(0, 79)))
def test_abandoned_messages_are_pruned_as_by_aiortcs_own(
    messages: list[bytes], prune_at: int, lost: set[int]
) -> None:
    def arrived() -> list[DataChunk]:
        return [c for i, c in enumerate(fragments(messages)) if i not in lost]

    stock, bounded = InboundStream(), BoundedInboundStream()
    assert feed(bounded, arrived()) == feed(stock, arrived())
    before = bounded.pending_bytes
    pruned = bounded.prune_chunks(prune_at)
    assert bounded.pending_bytes == before - pruned
    assert pruned == before - sum(len(c.user_data) for c in bounded.reassembly)
    later = bounded.prune_chunks(len(fragments(messages)) + 1)
    assert pruned + later == before and not bounded.reassembly


def test_fragments_in_order_are_joined_as_they_come() -> None:
    stream = BoundedInboundStream()
    assert feed(stream, fragments([b"x" * 400])[:-1]) == []
    assert len(stream.reassembly) == 1 and stream.pending_bytes == 396


def test_a_first_fragment_that_comes_last_is_charged_with_its_own_size_only() -> None:
    """Else each such message would close a piece of the receive window for good."""
    stream = BoundedInboundStream()
    first, *rest = fragments([b"x" * 400])
    feed(stream, rest)
    stream.add_chunk(first)
    assert first.user_data == b"xxxx" and stream.pending_bytes == 400
    assert list(stream.pop_messages()) == [(1, 51, b"x" * 400)]


def test_a_filled_gap_joins_what_waited_behind_it() -> None:
    stream = BoundedInboundStream()
    chunks = fragments([b"x" * 400])
    feed(stream, [*chunks[:10], *chunks[11:60]])
    assert len(stream.reassembly) == 50
    feed(stream, [chunks[10]])
    assert len(stream.reassembly) == 1
    assert feed(stream, chunks[60:]) == [(1, 51, b"x" * 400)]


@pytest.mark.parametrize("size", [5 << 20, 64 << 20])
def test_a_giant_message_arrives_cut_and_the_next_one_whole(size: int) -> None:
    stream, kept = BoundedInboundStream(), 0
    pieces = size // 1024
    for i in range(pieces):
        first = SCTP_DATA_FIRST_FRAG if i == 0 else 0
        last = SCTP_DATA_LAST_FRAG if i == pieces - 1 else 0
        item = chunk(i, bytes(1024), first | last)
        stream.add_chunk(item)
        kept += len(item.user_data)
        assert len(stream.reassembly) == 1
    (message,) = stream.pop_messages()
    assert MAX_MESSAGE_BYTES <= len(message[2]) == kept < MAX_MESSAGE_BYTES + 1024
    assert stream.pending_bytes == 0
    after = chunk(pieces, b"hello", SCTP_DATA_FIRST_FRAG | SCTP_DATA_LAST_FRAG, 1)
    assert feed(stream, [after]) == [(1, 51, b"hello")]


def test_a_message_of_the_largest_size_allowed_is_not_cut() -> None:
    message = bytes(range(256)) * 1024
    assert feed(BoundedInboundStream(), fragments([message], size=1160)) == [(1, 51, message)]


def test_time_does_not_grow_with_the_square_of_the_message() -> None:
    chunks = fragments([bytes(20_000 * 8)], size=8)
    began = time.process_time()
    assert len(feed(BoundedInboundStream(), chunks)) == 1
    assert time.process_time() - began < 1.0  # aiortc's own: about a minute


def test_messages_queued_behind_a_lost_fragment_are_not_cut() -> None:
    """Three of 200 kB, the first fragment of all lost and sent again at last."""
    messages = [bytes([i]) * 200_000 for i in range(3)]
    first, *rest = fragments(messages, size=1000)
    out = feed(BoundedInboundStream(), [*rest, first])
    assert [data for *_, data in out] == messages


def test_bytes_that_are_never_completed_are_bounded() -> None:
    stream = BoundedInboundStream()
    for i in range(5000):
        item = chunk(2 * i, bytes(1000), SCTP_DATA_FIRST_FRAG)  # always a gap behind
        stream.add_chunk(item)
    assert stream.pending_bytes < MAX_PENDING_BYTES + 1000
    assert sum(len(c.user_data) for c in stream.reassembly) == stream.pending_bytes


def test_fragments_that_are_never_completed_are_bounded() -> None:
    stream = BoundedInboundStream()
    for i in range(MAX_PENDING_CHUNKS + 10):
        item = chunk(2 * i, b"x", SCTP_DATA_FIRST_FRAG)
        stream.add_chunk(item)
    assert len(stream.reassembly) == MAX_PENDING_CHUNKS == stream.pending_bytes
    assert item.user_data == b""  # so that the receive window is not charged for it


def test_a_stream_too_many_keeps_nothing() -> None:
    stream = DiscardingInboundStream()
    chunks = fragments([b"hello"])
    assert feed(stream, chunks) == [] and not stream.reassembly
    assert all(item.user_data == b"" for item in chunks)
