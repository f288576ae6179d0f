"""A received packet is a value."""

import pytest

from transports.rtp_arrival import RtpArrival


def test_packets_with_the_same_content_are_the_same_and_stay_so() -> None:
    packet = RtpArrival("audio", "opus", 1, 65_535, 2**32 - 1, False, b"\x08x")
    assert packet == RtpArrival("audio", "opus", 1, 65_535, 2**32 - 1, False, b"\x08x")
    assert packet != RtpArrival("audio", "opus", 2, 65_535, 2**32 - 1, False, b"\x08x")
    with pytest.raises(AttributeError):
        packet.sequence = 0  # type: ignore[misc]  # what the test is about
