"""How often a key picture is asked for, and what its coming says of the sender."""

import pytest

from transports.key_requests import (
    ANSWERED_WITHIN_S,
    FAILURES_BEFORE_BACK_OFF,
    FIRST_LATENCY_S,
    LATE_KEYS,
    LATENCY_LIMIT_S,
    LATENCY_WEIGHT,
    PLI_BACK_OFF_S,
    PLI_IGNORED_S,
    PLI_REPEAT_S,
    PLIS_BEFORE_BACK_OFF,
    KeyRequests,
)


def test_the_first_goes_at_once_and_the_next_ones_keep_their_distance() -> None:
    requests = KeyRequests()
    assert requests.next_at(ignored=False) == float("-inf") and not requests.pending
    now = 5.0
    for _ in range(PLIS_BEFORE_BACK_OFF - 1):
        requests.sent(now)
        assert requests.next_at(ignored=False) == now + PLI_REPEAT_S
        now += PLI_REPEAT_S
    requests.sent(now)
    assert requests.next_at(ignored=False) == now + PLI_BACK_OFF_S
    assert requests.next_at(ignored=True) == now + PLI_IGNORED_S
    assert requests.pending


def test_beginning_again_does_not_make_them_more_frequent() -> None:
    requests = KeyRequests()
    requests.sent(1.0)
    requests.begin()
    assert not requests.pending and requests.next_at(ignored=False) == 1.0 + PLI_REPEAT_S


def test_after_failures_in_a_row_requests_back_off() -> None:
    requests = KeyRequests()
    requests.sent(1.0)
    for _ in range(FAILURES_BEFORE_BACK_OFF):
        assert requests.next_at(ignored=False) == 1.0 + PLI_REPEAT_S
        requests.failed()
    assert requests.next_at(ignored=False) == 1.0 + PLI_BACK_OFF_S
    requests.succeeded()
    assert requests.next_at(ignored=False) == 1.0 + PLI_REPEAT_S


def test_requests_are_in_vain_when_several_go_unanswered() -> None:
    requests = KeyRequests()
    for number in range(PLIS_BEFORE_BACK_OFF):
        requests.sent(number)
    assert not requests.in_vain
    requests.sent(PLIS_BEFORE_BACK_OFF)
    assert requests.in_vain


def test_a_picture_that_began_is_an_answer_even_when_it_is_never_whole() -> None:
    requests = KeyRequests()
    for number in range(PLIS_BEFORE_BACK_OFF + 1):
        requests.sent(number)
        assert requests.key_began(number + 0.1)
    assert not requests.in_vain


def answer(requests: KeyRequests, *, after_s: float) -> bool:
    requests.begin()
    requests.sent(0.0)
    requests.sent(PLI_REPEAT_S)
    return requests.key_began(after_s)


def test_key_pictures_that_always_come_late_are_no_answers() -> None:
    requests = KeyRequests()
    for _ in range(LATE_KEYS - 1):
        assert not answer(requests, after_s=ANSWERED_WITHIN_S + 0.01)
    assert answer(requests, after_s=ANSWERED_WITHIN_S)
    for _ in range(LATE_KEYS):
        assert not requests.in_vain
        answer(requests, after_s=ANSWERED_WITHIN_S + 0.01)
    assert requests.in_vain


def test_another_streams_sender_is_not_blamed_but_asked_no_more_often() -> None:
    requests = KeyRequests()
    for _ in range(LATE_KEYS):
        answer(requests, after_s=ANSWERED_WITHIN_S + 0.01)
    for _ in range(FAILURES_BEFORE_BACK_OFF):
        requests.failed()
    requests.begin_stream()
    assert not requests.in_vain and not requests.pending
    assert requests.next_at(ignored=False) == 2 * PLI_REPEAT_S


def test_one_that_comes_long_after_the_last_request_is_no_answer() -> None:
    requests = KeyRequests()
    requests.sent(0.0)
    assert not requests.key_began(ANSWERED_WITHIN_S + 0.01)


def test_the_latency_is_smoothed_and_limited() -> None:
    requests = KeyRequests()
    requests.key_taken(9.0)  # unasked
    assert requests.latency_s == FIRST_LATENCY_S
    requests.sent(10.0)
    requests.sent(10.3)
    requests.key_taken(10.35)
    assert requests.latency_s == pytest.approx(
        FIRST_LATENCY_S + LATENCY_WEIGHT * (0.35 - FIRST_LATENCY_S)
    )
    for _ in range(100):
        requests.key_taken(99.0)
    assert requests.latency_s == pytest.approx(LATENCY_LIMIT_S)
