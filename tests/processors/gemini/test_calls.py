import pytest

from processors.frames import ToolCall
from processors.gemini.calls import CALLS_KEPT, Calls
from processors.gemini.outbox import RealtimeText, ToolResponse

CALL = ToolCall("c1", "draw", {"prompt": "a house"})
RESULT = ToolResponse("c1", "draw", {"output": "done"})
PROGRESS = ToolResponse("c1", "draw", {"output": "soon"}, will_continue=True)


@pytest.fixture
def calls() -> Calls:
    """One, which nobody has answered."""
    calls = Calls()
    calls.made([CALL])
    return calls


def test_in_its_own_session_a_result_goes_under_its_id(calls: Calls) -> None:
    assert calls.told(RESULT) is RESULT
    assert calls.told(PROGRESS) is PROGRESS


def test_a_session_that_does_not_know_it_is_told_in_words(calls: Calls) -> None:
    calls.opened(resumed=True)
    assert calls.told(RESULT) == RealtimeText(
        'The result of draw, which you called before: {"output": "done"}'
    )
    assert calls.told(PROGRESS) is None
    assert calls.counters.results_as_text == 1


def test_and_that_it_was_called(calls: Calls) -> None:
    (note,) = calls.notes(resumed=True)
    assert note.startswith(
        '(Before the connection broke you called draw with {"prompt": "a house"}'
    )
    calls.answered(PROGRESS)
    assert calls.notes(resumed=False) == (note,)
    calls.answered(RESULT)
    assert calls.notes(["c1"], resumed=False) == (), "the result says it"


def test_a_handle_that_came_after_it_knows_it(calls: Calls) -> None:
    calls.handle_came()
    assert calls.notes(resumed=True) == ()
    calls.opened(resumed=True)
    assert calls.told(RESULT) is RESULT
    assert len(calls.notes(resumed=False)) == 1
    calls.opened(resumed=False)
    assert isinstance(calls.told(RESULT), RealtimeText)


def test_a_result_that_was_sent_is_told_when_no_handle_holds_it(calls: Calls) -> None:
    calls.handle_came()
    calls.answered(RESULT)
    (note,) = calls.notes(resumed=True)
    assert note == (
        '(Before the connection broke you called draw with {"prompt": "a house"}. '
        'Its result was: {"output": "done"})'
    )


def test_a_handle_that_holds_it_ends_the_matter(calls: Calls) -> None:
    calls.answered(RESULT)
    calls.handle_came(["c1"])
    assert len(calls.notes(resumed=True)) == 1, "it was still under way"
    calls.handle_came()
    assert calls.notes(resumed=False) == ()


def test_no_handle_of_a_session_that_does_not_know_it_ever_will(calls: Calls) -> None:
    calls.opened(resumed=False)
    calls.handle_came()
    calls.opened(resumed=True)
    assert isinstance(calls.told(RESULT), RealtimeText)


def test_a_result_that_belongs_to_no_call_is_passed_on(calls: Calls) -> None:
    stray = ToolResponse("?", "draw", {})
    calls.answered(stray)
    assert calls.told(stray) is stray
    assert calls.pending


def test_a_call_that_was_cancelled_is_forgotten(calls: Calls) -> None:
    calls.cancelled(["c1", "?"])
    assert (calls.pending, calls.of_answer, calls.notes(resumed=False)) == (False, False, ())


def test_what_waits_for_what(calls: Calls) -> None:
    found = [(calls.pending, calls.of_answer, calls.awaited)]
    calls.answered(RESULT)
    found.append((calls.pending, calls.of_answer, calls.awaited))
    calls.answer_ended()
    found.append((calls.pending, calls.of_answer, calls.awaited))
    calls.made([ToolCall("c2", "draw", {})])
    calls.answer_ended()
    found.append((calls.pending, calls.of_answer, calls.awaited))
    assert found == [
        (True, True, True),
        (False, True, False),
        (False, False, False),
        (True, False, False),
    ]


def test_the_newest_are_remembered(calls: Calls) -> None:
    calls.made(ToolCall(f"d{number}", "draw", {}) for number in range(CALLS_KEPT))
    assert len(calls.notes(resumed=False)) == CALLS_KEPT
    calls.opened(resumed=False)
    assert calls.told(RESULT) is RESULT, "forgotten"
