from struct import pack

import pytest
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from transports.errors import PayloadRefused
from transports.rtp_packet import HEADER_BYTES, RtpHeader, header_untrusted, payload_untrusted

LARGEST = RtpHeader(127, 1, 65_535, 2**32 - 1, 2**32 - 1)


def packet(header: RtpHeader, rest: bytes, first: int = 0x80) -> bytes:
    second = header.marker << 7 | header.payload_type
    number, timestamp, ssrc = header.sequence_number, header.timestamp, header.ssrc
    return pack("!BBHLL", first, second, number, timestamp, ssrc) + rest


@pytest.mark.parametrize("header", [LARGEST, RtpHeader(0, 0, 0, 0, 0), RtpHeader(96, 0, 1, 2, 3)])
def test_the_header_is_read(header: RtpHeader) -> None:
    assert header_untrusted(packet(header, b"")) == header


@pytest.mark.parametrize("length", [0, 1, HEADER_BYTES - 1])
def test_what_is_shorter_than_a_header_is_none(length: int) -> None:
    with pytest.raises(PayloadRefused):
        header_untrusted(bytes(length))


@pytest.mark.parametrize(
    ("first", "rest", "payload"),
    [
        (0x80, b"", b""),
        (0x80, b"payload", b"payload"),
        (0x82, bytes(8) + b"after two sources", b"after two sources"),
        (0x90, pack("!HH", 0xBEDE, 2) + bytes(8) + b"x", b"x"),
        (0x90, pack("!HH", 0xBEDE, 0) + b"x", b"x"),
        (0x91, bytes(4) + pack("!HH", 0xBEDE, 1) + bytes(4) + b"x", b"x"),
        (0xA0, b"x\0\0\3", b"x"),
        (0xA0, b"\1", b""),
    ],
)
def test_the_payload_is_what_is_left(first: int, rest: bytes, payload: bytes) -> None:
    assert payload_untrusted(packet(LARGEST, rest, first)) == payload


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        (0x81, bytes(3)),
        (0x90, bytes(3)),
        (0x90, pack("!HH", 0xBEDE, 1) + bytes(3)),
        (0xA0, b"x\0"),
        (0xA0, b"x\3"),
        (0xBF, b""),
    ],
)
def test_what_is_shorter_than_it_says_is_refused(first: int, rest: bytes) -> None:
    with pytest.raises(PayloadRefused):
        payload_untrusted(packet(LARGEST, rest, first))


@given(st.binary(max_size=60), st.integers(0x80, 0xBF))
def test_anything_is_read_or_refused(data: bytes, first: int) -> None:
    data = bytes([first]) + data
    try:
        header, payload = header_untrusted(data), payload_untrusted(data)
    except PayloadRefused:
        return
    assert packet(header, b"")[1:] == data[1:HEADER_BYTES]
    assert len(payload) <= len(data) - HEADER_BYTES and payload in data


@given(st.binary(min_size=1, max_size=60), st.integers(0x80, 0xBF))
def test_it_is_read_as_aiortc_reads_it(data: bytes, first: int) -> None:
    data = bytes([first]) + data
    try:
        theirs = RtpPacket.parse(data)
    except Exception:  # a ValueError, or whatever its extensions raise
        return
    header = header_untrusted(data)
    assert header.ssrc == theirs.ssrc
    assert (header.payload_type, header.marker) == (theirs.payload_type, theirs.marker)
    assert (header.sequence_number, header.timestamp) == (theirs.sequence_number, theirs.timestamp)
    assert payload_untrusted(data) == theirs.payload
