"""Planted losses and doubles: the count must find them, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from bench.faults.codec import HEARD_HZ, WORD_SAMPLES, Pcm, sound_of
from bench.faults.lineage import BadRecord, Connection, Turn, count_words

SAID = list(range(16))
QUIET = np.zeros(HEARD_HZ // 2, np.int16)


def spoken(*numbers: int) -> Pcm:
    return sound_of(numbers, HEARD_HZ)


def session(number: int, *parts: Pcm, **rest: object) -> Connection:
    sound = np.concatenate([np.zeros(0, np.int16), *parts])
    made = Connection(number, opened_at=float(number), sound=sound)
    return replace(made, **rest)  # type: ignore[arg-type]  # names are checked by `replace`


def answered(begin_word: int, end_word: int) -> Turn:
    return Turn(begin_word * WORD_SAMPLES, end_word * WORD_SAMPLES)


def test_a_talk_without_a_break_loses_nothing() -> None:
    count = count_words(SAID, [session(0, spoken(*SAID))])
    assert (count.said, count.lost, count.doubled, count.strangers) == (16, (), (), ())


def test_a_word_that_never_came_is_lost() -> None:
    count = count_words(SAID, [session(0, spoken(*range(5)), QUIET, spoken(*range(6, 16)))])
    assert count.lost == (5,)
    assert count.doubled == ()


def test_a_word_that_came_twice_is_doubled() -> None:
    count = count_words(SAID, [session(0, spoken(*range(9)), spoken(*range(8, 16)))])
    assert count.doubled == (8,)
    assert count.lost == ()


def test_what_the_handle_remembers_and_what_follows_is_one_hearing() -> None:
    """The parent heard ten words, its handle remembers eight: the rest must come again."""
    parent = session(0, spoken(*range(10)))
    remembers = (0, 8 * WORD_SAMPLES)
    child = session(1, spoken(*range(8, 16)), resumed_from=remembers)
    assert count_words(SAID, [parent, child]) == count_words(SAID, [session(0, spoken(*SAID))])


def test_replay_that_begins_too_late_loses_and_too_early_doubles() -> None:
    parent = session(0, spoken(*range(10)))
    for first, lost, doubled in ((10, (8, 9), ()), (6, (), (6, 7))):
        sound = spoken(*range(first, 16))
        child = session(1, sound, resumed_from=(0, 8 * WORD_SAMPLES))
        count = count_words(SAID, [parent, child])
        assert (count.lost, count.doubled) == (lost, doubled)


def test_a_word_cut_by_the_snapshot_is_whole_when_the_rest_follows() -> None:
    parent = session(0, spoken(*range(10)))
    cut = 8 * WORD_SAMPLES + WORD_SAMPLES // 2
    child = session(1, spoken(*SAID)[cut:], resumed_from=(0, cut))
    count = count_words(SAID, [parent, child])
    assert (count.lost, count.doubled) == ((), ())


def test_a_lineage_goes_back_over_many_connections() -> None:
    first = session(0, spoken(*range(6)))
    second = session(1, spoken(*range(4, 9)), resumed_from=(0, 4 * WORD_SAMPLES))
    third = session(2, spoken(*range(7, 16)), resumed_from=(1, 3 * WORD_SAMPLES))
    count = count_words(SAID, [third, first, second])
    assert (count.lost, count.doubled) == ((), ())
    skipped = session(2, spoken(*range(8, 16)), resumed_from=(1, 3 * WORD_SAMPLES))
    assert count_words(SAID, [first, second, skipped]).lost == (7,)


def test_a_fresh_session_is_told_what_was_answered() -> None:
    """Not what was heard and never answered: that has to be said to it again."""
    old = session(0, spoken(*range(10)), answered=[answered(0, 8)])
    fresh = session(1, spoken(*range(10, 16)))
    assert count_words(SAID, [old, fresh]).lost == (8, 9)
    replayed = session(1, spoken(*range(8, 16)))
    assert count_words(SAID, [old, replayed]).lost == ()


def test_what_a_fresh_session_is_told_in_words_is_not_lost() -> None:
    old = session(0, spoken(*range(10)))
    fresh = session(1, spoken(*range(10, 16)), told=range(10))
    assert count_words(SAID, [old, fresh]).lost == ()


def test_an_answered_turn_may_have_begun_in_the_parent() -> None:
    """The resumed session heard words 4 to 9, of which 4 and 5 are in the snapshot."""
    parent = session(0, spoken(*range(8)), answered=[answered(0, 4)])
    child = session(
        1,
        spoken(*range(6, 10)),
        resumed_from=(0, 6 * WORD_SAMPLES),
        answered=[answered(-2, 4)],
    )
    fresh = session(2, spoken(*range(10, 16)))
    assert count_words(SAID, [parent, child, fresh]).lost == ()


def test_a_double_in_a_session_that_was_given_up_counts_too() -> None:
    old = session(0, spoken(1, 2, 2), answered=[answered(0, 3)])
    fresh = session(1, spoken(3))
    assert count_words([1, 2, 3], [old, fresh]).doubled == (2,)


def test_words_of_another_room_are_strangers() -> None:
    count = count_words(SAID, [session(0, spoken(*SAID, 300))])
    assert count.strangers == (300,)
    assert count.doubled == ()


def test_a_connection_that_heard_nothing_does_not_count_as_the_last() -> None:
    count = count_words(SAID, [session(0, spoken(*SAID)), session(1)])
    assert count.lost == ()


def test_with_no_connection_all_is_lost() -> None:
    assert count_words([1, 2], []).lost == (1, 2)


@pytest.mark.parametrize("source", [(7, 0), (0, 99 * WORD_SAMPLES), (0, -1)])
def test_records_that_do_not_hang_together_are_refused(source: tuple[int, int]) -> None:
    child = session(1, spoken(2), resumed_from=source)
    with pytest.raises(BadRecord):
        count_words([1, 2], [session(0, spoken(1)), child])


def test_what_a_lineage_heard_before_the_answered_turn_is_not_answered() -> None:
    parent = session(0, spoken(*range(6)))
    remembers = (0, 6 * WORD_SAMPLES)
    child = session(1, spoken(*range(6, 10)), resumed_from=remembers, answered=[answered(0, 4)])
    fresh = session(2, spoken(*range(10, 16)))
    assert count_words(SAID, [parent, child, fresh]).lost == tuple(range(6))
