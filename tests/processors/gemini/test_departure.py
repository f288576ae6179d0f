import pytest

from processors.gemini.departure import HANDLE_WAIT_S, Departure, Purpose


@pytest.fixture
def departure() -> Departure:
    return Departure()


def test_nobody_wishes_it(departure: Departure) -> None:
    assert not departure
    assert (departure.purpose, departure.leave_by, departure.due(1.0)) == (None, None, None)
    assert not departure.is_time(1e9, quiet_since=0.0, covered=True)


def test_the_nearest_end_counts(departure: Departure) -> None:
    departure.wish(Purpose.ROTATE, 50.0)
    departure.wish(Purpose.REST, 20.0)
    departure.wish(Purpose.RENEW, 30.0)
    assert (departure.purpose, departure.leave_by) == (Purpose.REST, 20.0)
    departure.withdraw(Purpose.REST)
    assert (departure.purpose, departure.leave_by) == (Purpose.RENEW, 30.0)
    departure.withdraw(Purpose.REST)
    departure.clear()
    assert not departure


def test_what_was_decided_is_not_put_off(departure: Departure) -> None:
    departure.wish(Purpose.ROTATE, 20.0)
    departure.wish(Purpose.ROTATE, 50.0)
    assert departure.leave_by == 20.0
    departure.wish(Purpose.ROTATE, 10.0)
    assert departure.leave_by == 10.0


def test_its_time_is_a_quiet_moment_with_a_handle_or_after_a_while(departure: Departure) -> None:
    departure.wish(Purpose.ROTATE, 20.0)
    assert departure.is_time(5.0, quiet_since=5.0, covered=True)
    assert not departure.is_time(5.0, quiet_since=5.0, covered=False)
    assert departure.due(5.0) == 5.0 + HANDLE_WAIT_S
    assert departure.is_time(5.0 + HANDLE_WAIT_S, quiet_since=5.0, covered=False)


def test_or_the_end(departure: Departure) -> None:
    departure.wish(Purpose.ROTATE, 20.0)
    assert departure.due(None) == 20.0
    assert departure.due(19.5) == 20.0
    assert not departure.is_time(19.9, quiet_since=None, covered=True)
    assert departure.is_time(20.0, quiet_since=None, covered=False)
