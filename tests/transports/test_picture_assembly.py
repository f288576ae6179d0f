"""A picture from its packets, in whatever order they come."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.picture_assembly import MAX_PICTURE_BYTES, MAX_PICTURE_PACKETS, PictureAssembly

TIMESTAMP = 90_000


def piece(offset: int) -> bytes:
    return f"<{offset}>".encode()


def whole(count: int) -> bytes:
    return b"".join(piece(offset) for offset in range(count))


def add(picture: PictureAssembly, offset: int, count: int) -> None:
    sequence = (picture.first + offset) % 65_536
    picture.add(sequence, marker=offset == count - 1, data=piece(offset))


def test_in_order_it_is_complete_at_the_marker() -> None:
    picture = PictureAssembly(65_534, TIMESTAMP)
    for offset in range(4):
        assert not picture.complete
        add(picture, offset, 4)
    assert picture.complete and picture.data() == whole(4)
    assert picture.missing() == ()


@given(st.integers(1, 40), st.integers(0, 65_535), st.randoms(use_true_random=False))
def test_any_order_and_any_copies_give_the_same_picture(
    count: int, first: int, rng: random.Random
) -> None:
    offsets = [*range(count), *range(count)]
    rng.shuffle(offsets)
    picture = PictureAssembly(first, TIMESTAMP)
    seen = set()
    for offset in offsets:
        add(picture, offset, count)
        seen.add(offset)
        assert picture.complete == (len(seen) == count)
        wanted = [o for o in range(max(seen)) if o not in seen]
        assert picture.missing() == tuple((first + o) % 65_536 for o in wanted)
    assert picture.data() == whole(count)


def test_before_anything_came_nothing_is_known_to_be_missing() -> None:
    picture = PictureAssembly(5, TIMESTAMP)
    assert picture.missing() == () and not picture.complete


def test_a_lost_last_packet_is_known_from_the_next_picture() -> None:
    picture = PictureAssembly(65_533, TIMESTAMP)
    add(picture, 0, 4)
    add(picture, 1, 4)
    assert picture.missing() == ()
    picture.later(2, TIMESTAMP + 3000)  # offset 5: the next picture's second packet came first
    assert picture.missing() == (65_535, 0, 1)
    picture.later(1, TIMESTAMP + 3000)
    assert picture.missing() == (65_535, 0)
    add(picture, 2, 4)
    add(picture, 3, 4)
    assert picture.complete and picture.data() == whole(4)


def test_a_sender_without_marker_bits_ends_a_picture_with_the_next_one() -> None:
    picture = PictureAssembly(10, TIMESTAMP)
    add(picture, 0, 99)
    add(picture, 1, 99)
    picture.later(12, TIMESTAMP + 3000)
    assert picture.complete and picture.data() == whole(2)


@pytest.mark.parametrize(
    ("sequence", "timestamp"),
    [
        (9, TIMESTAMP - 3000),
        (9, TIMESTAMP + 3000),
        (10, TIMESTAMP + 3000),
        (12, TIMESTAMP - 3000),
    ],
    ids=["earlier", "numbered before", "numbered as the first", "earlier, numbered after"],
)
def test_other_packets_do_not_end_it(sequence: int, timestamp: int) -> None:
    picture = PictureAssembly(10, TIMESTAMP)
    add(picture, 0, 99)
    picture.later(sequence, timestamp)
    assert not picture.complete and picture.missing() == ()


def test_a_later_timestamp_may_have_wrapped_around() -> None:
    picture = PictureAssembly(10, 2**32 - 1000)
    add(picture, 0, 99)
    picture.later(11, 2000)
    assert picture.complete


def test_packets_before_the_first_and_after_the_last_are_left_out() -> None:
    picture = PictureAssembly(10, TIMESTAMP)
    picture.add(9, marker=False, data=b"before")
    picture.add(12, marker=False, data=b"after")
    picture.add(11, marker=True, data=b"2")
    picture.add(12, marker=False, data=b"after")
    picture.add(13, marker=True, data=b"after")
    picture.later(15, TIMESTAMP + 3000)
    assert picture.missing() == (10,)
    picture.add(10, marker=False, data=b"1")
    assert picture.complete and picture.data() == b"12"


def test_too_many_bytes() -> None:
    picture = PictureAssembly(0, TIMESTAMP)
    picture.add(0, marker=False, data=bytes(MAX_PICTURE_BYTES))
    assert not picture.too_large
    picture.add(1, marker=False, data=b"x")
    assert picture.too_large


@pytest.mark.parametrize("marker", [False, True])
def test_too_many_packets(marker: bool) -> None:
    picture = PictureAssembly(65_000, TIMESTAMP)
    picture.add((65_000 + MAX_PICTURE_PACKETS - 1) % 65_536, marker=marker, data=b"x")
    assert not picture.too_large
    picture = PictureAssembly(65_000, TIMESTAMP)
    picture.add((65_000 + MAX_PICTURE_PACKETS) % 65_536, marker=marker, data=b"x")
    assert picture.too_large


def test_a_next_picture_too_far_away() -> None:
    picture = PictureAssembly(0, TIMESTAMP)
    add(picture, 0, 99)
    picture.later(MAX_PICTURE_PACKETS + 1, TIMESTAMP + 3000)
    assert picture.too_large and not picture.complete
