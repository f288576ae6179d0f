"""Where reports of usage come, and which turn they are counted to."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from processors.billing.usage import Counts, tokens
from processors.billing.usage_turns import TurnLedger

LINE = 1  # the connection, where it does not matter


def told(prompt: int = 0, response: int = 0, thoughts: int = 0) -> Counts:
    sides = {"prompt.AUDIO": prompt, "response.AUDIO": response, "thoughts.TEXT": thoughts}
    return +Counter(sides)


def answered(ledger: TurnLedger, number: int, *reports: Counts) -> None:
    """A whole turn, its reports between its first sound and its end."""
    ledger.began()
    for counts in reports:
        assert ledger.report(counts, LINE) == (None, counts)
    assert ledger.ended(number) == number


def test_a_report_within_an_answer_is_its_turns() -> None:
    ledger = TurnLedger()
    answered(ledger, 1, told(100, 20))
    answered(ledger, 2, told(130, 25))


def test_a_report_before_the_output_is_that_of_the_turn_to_come() -> None:
    ledger = TurnLedger()
    assert (ledger.under_way, ledger.answering) == (False, False)
    assert ledger.report(told(100), LINE) == (None, told(100))
    assert (ledger.under_way, ledger.answering) == (True, False)
    ledger.began()
    assert ledger.ended(1) == 1
    assert ledger.report(told(150), LINE) == (None, told(150))
    ledger.began()
    assert ledger.ended(2) == 2


def test_a_report_after_the_end_is_that_of_the_turn_that_has_none() -> None:
    ledger = TurnLedger()
    ledger.began()
    ledger.ended(1)
    assert ledger.report(told(100, 20), LINE) == (1, told(100, 20))
    assert not ledger.under_way
    ledger.began()
    ledger.ended(2)
    assert ledger.report(told(130, 25), LINE) == (2, told(130, 25))


def test_the_same_report_at_two_places_of_a_turn_counts_once() -> None:
    ledger = TurnLedger()
    ledger.report(told(100), LINE)  # before the output: the prompt alone
    ledger.began()
    assert ledger.report(told(100, 20), LINE) == (None, told(0, 20))  # with the end: all of it
    ledger.ended(1)
    assert ledger.report(told(100, 20), LINE) == (1, {})  # and once more


def test_what_a_later_report_adds_counts_for_the_turn_that_is_over() -> None:
    ledger = TurnLedger()
    answered(ledger, 1, told(100))
    assert ledger.report(told(0, 20, 5), LINE) == (1, told(0, 20, 5))


def test_a_growing_report_counts_by_what_it_grows() -> None:
    ledger = TurnLedger()
    ledger.began()
    assert ledger.report(told(100, 10), LINE) == (None, told(100, 10))
    assert ledger.report(told(100, 25), LINE) == (None, told(0, 15))
    assert ledger.report(told(100, 25), LINE) == (None, {})


def test_a_tool_that_the_model_waited_for_makes_two_requests_of_one_turn() -> None:
    ledger = TurnLedger()
    ledger.began()
    assert ledger.report(told(100, 8), LINE) == (None, told(100, 8))
    assert ledger.report(told(120, 30), LINE) == (None, told(120, 30))
    assert ledger.report(told(120, 20), LINE) == (None, told(120, 20))  # less: another one
    assert ledger.ended(1) == 1


def test_the_next_prompt_is_longer_and_so_not_a_repetition() -> None:
    ledger = TurnLedger()
    answered(ledger, 1, told(100, 20))
    assert ledger.report(told(150), LINE) == (None, told(150))


def test_what_comes_over_another_connection_is_billed_again() -> None:
    ledger = TurnLedger()
    ledger.report(told(100), 1)
    assert ledger.report(told(100), 2) == (None, told(100))
    ledger.began()
    ledger.ended(1)
    assert ledger.report(told(100), 3) == (None, told(100))


def test_a_report_of_nothing_is_none() -> None:
    ledger = TurnLedger()
    assert ledger.report(told(), LINE) == (None, {})
    assert not ledger.under_way
    answered(ledger, 1)
    assert ledger.report(told(), LINE) == (None, {})
    assert ledger.report(told(100), LINE) == (1, told(100))  # it still had none


def test_an_empty_turn_is_not_billed_and_claims_nothing() -> None:
    ledger = TurnLedger()
    answered(ledger, 1, told(100, 20))
    assert ledger.ended(2) is None
    assert ledger.report(told(100, 20), LINE) == (1, {})


def test_a_turn_without_output_has_its_report() -> None:
    ledger = TurnLedger()
    ledger.report(told(100), LINE)
    assert ledger.ended(1) == 1


def test_a_turn_that_is_cut_before_its_output_is_the_one_it_was_reported_in() -> None:
    ledger = TurnLedger()
    ledger.report(told(100), LINE, 3)
    ledger.report(told(150), LINE, 4)
    assert ledger.ended(5) == 3
    ledger.report(told(200), LINE, 5)
    ledger.began()
    assert ledger.ended(6) == 6  # of one that was heard, the end is the better witness


def test_the_answers_own_turn_counts_more_than_the_present_one() -> None:
    """The user is ahead: what they say now is of the next turn."""
    ledger = TurnLedger()
    ledger.belongs_to(7)  # nothing is answered: a late transcript
    numbers = [ledger.number]
    ledger.began()
    ledger.belongs_to(3)
    numbers.append(ledger.number)
    ledger.report(told(100, 20), LINE)
    assert ledger.ended(4) == 3
    assert [*numbers, ledger.number] == [None, 3, None]


PLACES = st.tuples(st.booleans(), st.booleans(), st.booleans())


@given(st.lists(st.tuples(PLACES, st.integers(0, 50), st.integers(1, 50)), max_size=20))
def test_wherever_reports_come_each_turn_is_billed_once(
    talk: list[tuple[tuple[bool, bool, bool], int, int]],
) -> None:
    """Before the output, with the end, after it, or at any of these."""
    ledger, billed, context = TurnLedger(), Counter[int](), 0
    expected: Counter[int] = Counter()
    for number, ((before, within, after), said, response) in enumerate(talk, start=1):
        context += said + 1
        pending = 0

        def report(counts: Counts) -> int:
            turn, more = ledger.report(counts, LINE)
            if turn is not None:
                billed[turn] += tokens(more, "prompt", "response")
                return 0
            return tokens(more, "prompt", "response")

        if before:
            pending += report(told(context))
        ledger.began()
        if within:
            pending += report(told(context, response))
        assert ledger.ended(number) == number
        billed[number] += pending
        if after:
            report(told(context, response))
        expected[number] = context * (before or within or after) + response * (within or after)
        context += response
        if not (before or within or after):
            return  # a turn that is never reported takes the next one's, when that comes early
    assert billed == expected
