"""Calls without ids, and their results in the order of the calls."""

import pytest

from processors.frames import ToolCall
from processors.gemini.outbox import ToolResponse
from processors.gemini.unnamed_calls import MAX_PENDING, PREFIX, UnnamedCalls, is_unnamed


def call(number: int, name: str = "draw") -> ToolCall:
    return ToolCall(f"{PREFIX}{number}", name, {})


def result(number: int, name: str = "draw") -> ToolResponse:
    return ToolResponse(f"{PREFIX}{number}", name, {"output": number})


@pytest.mark.parametrize(("call_id", "ours"), [(f"{PREFIX}1", True), ("1", False), ("", False)])
def test_ids_of_ours_are_known(call_id: str, ours: bool) -> None:
    assert is_unnamed(call_id) is ours


def test_a_result_goes_at_once_when_no_other_is_before_it() -> None:
    calls = UnnamedCalls()
    calls.called([call(1), call(2, "edit")])
    assert calls.answered(result(2, "edit")) == [result(2, "edit")]
    assert calls.answered(result(1)) == [result(1)]


def test_results_of_one_function_wait_for_those_before_them() -> None:
    calls = UnnamedCalls()
    calls.called([call(1), call(2)])
    calls.called([call(3), call(4)])
    assert calls.answered(result(3)) == []
    assert calls.answered(result(2)) == []
    assert calls.answered(result(1)) == [result(1), result(2), result(3)]
    assert calls.answered(result(4)) == [result(4)]


def test_calls_with_an_id_pass_it_by() -> None:
    calls = UnnamedCalls()
    calls.called([ToolCall("7", "draw", {}), call(1)])
    named = ToolResponse("7", "draw", {})
    assert calls.answered(named) == [named]
    assert calls.answered(result(1)) == [result(1)]


def test_a_result_of_another_connection_goes_as_it_is() -> None:
    calls = UnnamedCalls()
    calls.called([call(1)])
    assert calls.answered(result(9)) == [result(9)]


def test_a_second_result_of_a_call_goes_as_it_is() -> None:
    calls = UnnamedCalls()
    calls.called([call(1)])
    assert calls.answered(result(1)) == calls.answered(result(1)) == [result(1)]


def test_what_is_cancelled_holds_up_nothing() -> None:
    calls = UnnamedCalls()
    calls.called([call(1), call(2), call(3, "edit")])
    assert calls.answered(result(2)) == []
    assert calls.cancelled() == (f"{PREFIX}1", f"{PREFIX}3")
    assert calls.cancelled() == ()
    calls.called([call(4)])
    assert calls.answered(result(4)) == [result(4)]


def test_the_oldest_that_is_never_answered_is_forgotten() -> None:
    calls = UnnamedCalls()
    calls.called([call(number) for number in range(MAX_PENDING + 1)])
    assert calls.answered(result(1)) == [result(1)]
    assert calls.answered(result(0)) == [result(0)]
