"""When missing packets are asked for, and when no more."""

from transports.packet_requests import GAP_LIMIT_S, NACK_AFTER_S, NACK_REPEAT_S, PacketRequests


def begun(now: float = 0.0) -> PacketRequests:
    requests = PacketRequests()
    requests.begin(now)
    return requests


def test_a_packet_may_be_late_for_a_moment() -> None:
    requests = begun()
    requests.note(True, 0.5)
    assert requests.gap
    assert not requests.due(0.5 + NACK_AFTER_S - 0.001)
    assert requests.due(0.5 + NACK_AFTER_S)


def test_requests_are_repeated() -> None:
    requests = begun()
    requests.note(True, 0.5)
    requests.sent(0.6)
    requests.note(True, 0.61)  # still the same gap
    assert not requests.due(0.6 + NACK_REPEAT_S - 0.001)
    assert requests.due(0.6 + NACK_REPEAT_S)


def test_a_new_gap_does_not_shorten_the_distance_of_requests() -> None:
    requests = begun()
    requests.note(True, 0.5)
    requests.sent(0.6)
    requests.note(False, 0.61)
    requests.note(True, 0.62)
    assert not requests.due(0.6 + NACK_REPEAT_S - 0.001)


def test_a_gap_that_stays_open_is_hopeless() -> None:
    requests = begun()
    assert not requests.hopeless(99.0) and requests.gap_deadline(99.0) is None
    requests.note(True, 1.0)
    requests.note(True, 1.5)
    assert not requests.hopeless(1.0 + GAP_LIMIT_S - 0.001)
    assert requests.hopeless(1.0 + GAP_LIMIT_S)
    requests.note(False, 1.9)
    assert not requests.gap and not requests.hopeless(99.0)


def test_the_deadline_is_the_next_look_or_the_last() -> None:
    requests = begun()
    requests.note(True, 1.0)
    requests.sent(1.1)
    assert requests.gap_deadline(1.1) == requests.next_at(1.1) == 1.1 + NACK_REPEAT_S
    assert requests.next_at(5.0) == 5.0 + NACK_AFTER_S  # never at once
    requests.sent(1.95)
    assert requests.gap_deadline(1.95) == 1.0 + GAP_LIMIT_S
