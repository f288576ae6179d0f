"""Pictures from their packets, in whatever order they come."""

import random
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.picture_assembly import (
    MAX_PICTURE_BYTES,
    MAX_PICTURE_PACKETS,
    PictureAssembly,
    WholePicture,
)

TIMESTAMP = 2**32 - 3000
ALL = 1000


def piece(offset: int) -> bytes:
    return f"<{offset}>".encode()


def add(
    assembly: PictureAssembly,
    offset: int,
    *,
    picture: int = 0,
    marker: bool = False,
    data: bytes | None = None,
    key: bool = False,
) -> None:
    assembly.add(
        (assembly.first + offset) % 65_536,
        (TIMESTAMP + 3000 * picture) % 2**32,
        marker=marker,
        data=piece(offset) if data is None else data,
        starts_key=key,
    )


def whole(assembly: PictureAssembly) -> list[bytes]:
    return [picture.data for picture in assembly.whole()]


def numbers(assembly: PictureAssembly, *offsets: int) -> tuple[int, ...]:
    return tuple((assembly.first + offset) % 65_536 for offset in offsets)


def test_in_order_a_picture_is_whole_at_the_marker() -> None:
    assembly = PictureAssembly(65_534)
    add(assembly, 0, key=True)
    add(assembly, 1)
    assert whole(assembly) == []
    add(assembly, 2, marker=True)
    assert list(assembly.whole()) == [WholePicture(TIMESTAMP, b"<0><1><2>", True)]
    assert whole(assembly) == [] and assembly.missing(ALL) == () and not assembly.broken
    assert not assembly.begun
    add(assembly, 3, picture=1)
    assert assembly.begun


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=12),
    st.integers(0, 65_535),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_any_order_and_any_copies_give_the_same_pictures(
    sizes: list[int], first: int, markers: bool, rng: random.Random
) -> None:
    packets = [(picture, place) for picture, size in enumerate(sizes) for place in range(size)]
    order = [*range(len(packets)), *range(len(packets))]
    rng.shuffle(order)
    assembly, got, seen = PictureAssembly(first), [], set()
    for offset in order:
        picture, place = packets[offset]
        marker = markers and place == sizes[picture] - 1
        add(assembly, offset, picture=picture, marker=marker, key=place == 0 and picture == 0)
        got += list(assembly.whole())
        seen.add(offset)
        gaps = [o for o in range(max(seen)) if o not in seen]
        assert assembly.missing(ALL) == numbers(assembly, *gaps)
        assert assembly.broken == bool(gaps)
    if not markers:  # the next one ends the last
        add(assembly, len(packets), picture=len(sizes))
        got += list(assembly.whole())
    ends = list(accumulate(sizes, initial=0))
    wanted = [b"".join(map(piece, range(a, b))) for a, b in zip(ends, ends[1:], strict=False)]
    assert [picture.data for picture in got] == wanted
    assert [picture.starts_key for picture in got] == [n == 0 for n in range(len(sizes))]


def test_a_lost_last_packet_is_known_from_the_next_picture() -> None:
    assembly = PictureAssembly(65_533)
    add(assembly, 0)
    assert assembly.missing(1) == ()
    add(assembly, 2, picture=1)
    assert assembly.missing(1) == numbers(assembly, 1) and whole(assembly) == []
    add(assembly, 1, marker=True)
    assert whole(assembly) == [b"<0><1>"]


def test_gaps_behind_the_pictures_that_are_wanted_are_left_alone() -> None:
    assembly = PictureAssembly(10)
    add(assembly, 0)
    add(assembly, 2, picture=1)
    add(assembly, 4, picture=2)
    assert assembly.missing(1) == numbers(assembly, 1)
    assert assembly.missing(2) == numbers(assembly, 1, 3)


def test_padding_behind_a_picture_without_a_marker_is_no_picture() -> None:
    assembly = PictureAssembly(7)
    add(assembly, 0)
    add(assembly, 1, picture=1, data=b"")
    add(assembly, 2, picture=2, marker=True)
    assert whole(assembly) == [b"<0>", b"<2>"]


def test_padding_between_pictures_belongs_to_none() -> None:
    assembly = PictureAssembly(10)
    add(assembly, 0, marker=True)
    add(assembly, 2, data=b"")
    add(assembly, 1, data=b"")
    add(assembly, 3, picture=1, marker=True)
    assert whole(assembly) == [b"<0>", b"<3>"]
    assert assembly.missing(ALL) == ()


def test_packets_before_the_first_and_of_pictures_given_are_left_out() -> None:
    assembly = PictureAssembly(10)
    add(assembly, -1, data=b"before")
    add(assembly, 0, marker=True)
    assert whole(assembly) == [b"<0>"]
    add(assembly, 0, marker=True)
    assert whole(assembly) == []


def test_a_picture_whose_marker_was_not_its_end_comes_in_two() -> None:
    """Some senders of H.264 set it on parameter sets."""
    assembly = PictureAssembly(10)
    add(assembly, 0, marker=True, key=True)
    add(assembly, 1, marker=True, key=True)
    assert [picture.starts_key for picture in assembly.whole()] == [True, True]


def test_too_many_bytes() -> None:
    assembly = PictureAssembly(0)
    seen = []
    for offset, data in enumerate((bytes(MAX_PICTURE_BYTES), b"x")):
        add(assembly, offset, data=data)
        seen.append(assembly.too_large)
    assert seen == [False, True]


def test_bytes_of_pictures_that_were_whole_do_not_count() -> None:
    assembly = PictureAssembly(0)
    for picture in range(3):
        add(assembly, picture, picture=picture, marker=True, data=bytes(MAX_PICTURE_BYTES))
    assert not assembly.too_large and len(whole(assembly)) == 3


@pytest.mark.parametrize("given", [0, 3])
def test_too_many_packets(given: int) -> None:
    assembly = PictureAssembly(65_000)
    for offset in range(given):
        add(assembly, offset, picture=offset, marker=True)
    seen = []
    for offset in (MAX_PICTURE_PACKETS - 1, MAX_PICTURE_PACKETS):
        add(assembly, given + offset)
        seen.append(assembly.too_large)
    assert seen == [False, True]
    assert len(assembly.missing(ALL)) == MAX_PICTURE_PACKETS - 1  # not to be held
