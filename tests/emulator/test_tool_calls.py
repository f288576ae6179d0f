import pytest

from emulator.json_types import JsonObject
from emulator.live_setup import Behavior, DeclaredTool
from emulator.profiles import PROFILE_2_5, PROFILE_3_8, Profile
from emulator.tool_calls import Scheduling, ToolLedger
from emulator.wire import FunctionResponse

BLOCKING, ASYNC = Behavior.BLOCKING, Behavior.NON_BLOCKING


def ledger(profile: Profile = PROFILE_3_8) -> ToolLedger:
    return ToolLedger(profile, "seed")


def answer(
    call_id: str = "",
    name: str = "",
    response: JsonObject | None = None,
    scheduling: str = "",
    will_continue: bool = False,
) -> FunctionResponse:
    return FunctionResponse(call_id, name, response or {}, scheduling, will_continue)


def test_ids_look_like_the_real_ones_and_differ() -> None:
    one = ledger()
    ids = {one.call("f", {}, ASYNC, 1).id for _ in range(50)}
    assert len(ids) == 50
    assert all(i.startswith("function-call-") and i.rpartition("-")[2].isdecimal() for i in ids)


def test_behaviour_is_declared_or_the_models_own() -> None:
    tools = (DeclaredTool("a", BLOCKING), DeclaredTool("b", None))
    assert ledger().behavior("a", tools) is BLOCKING
    assert ledger().behavior("b", tools) is ASYNC
    assert ledger().behavior("undeclared", tools) is ASYNC
    assert ledger(PROFILE_2_5).behavior("b", tools) is BLOCKING


def test_a_response_ends_its_call() -> None:
    one = ledger()
    call = one.call("f", {"x": 1}, BLOCKING, 1)
    assert one.blocking()
    assert one.pending == (call,)
    result = one.respond(answer(call.id, response={"output": "ok"}))
    assert result is not None
    assert (result.call, result.response) == (call, {"output": "ok"})
    assert result.scheduling is Scheduling.WHEN_IDLE
    assert not one.blocking()
    assert one.respond(answer(call.id)) is None


def test_a_response_that_continues_keeps_its_call_open() -> None:
    one = ledger()
    call = one.call("f", {}, ASYNC, 1)
    result = one.respond(answer(call.id, will_continue=True))
    assert result is not None and result.will_continue
    assert one.pending == (call,)


def test_without_an_id_the_oldest_call_of_the_name_is_meant() -> None:
    one = ledger()
    first, _ = one.call("f", {}, ASYNC, 1), one.call("f", {}, ASYNC, 1)
    result = one.respond(answer(name="f"))
    assert result is not None and result.call is first
    assert one.respond(answer(name="g")) is None


@pytest.mark.parametrize(
    ("beside", "inside", "expected"),
    [
        ("INTERRUPT", "", Scheduling.INTERRUPT),
        ("", "silent", Scheduling.SILENT),
        ("SILENT", "INTERRUPT", Scheduling.SILENT),
        ("nonsense", "", Scheduling.WHEN_IDLE),
    ],
)
def test_scheduling_stands_beside_or_inside_the_response(
    beside: str, inside: str, expected: Scheduling
) -> None:
    one = ledger()
    call = one.call("f", {}, ASYNC, 1)
    result = one.respond(answer(call.id, response={"scheduling": inside}, scheduling=beside))
    assert result is not None and result.scheduling is expected


def test_an_interruption_cancels_what_blocks() -> None:
    one = ledger()
    kept = one.call("f", {}, ASYNC, 2)
    gone = one.call("g", {}, BLOCKING, 2)
    assert one.cancel(2) == (gone,)
    assert one.pending == (kept,)


def test_older_models_cancel_all_calls_of_the_turn() -> None:
    one = ledger(PROFILE_2_5)
    before = one.call("f", {}, ASYNC, 1)
    gone = one.call("g", {}, ASYNC, 2)
    assert one.cancel(2) == (gone,)
    assert one.pending == (before,)
