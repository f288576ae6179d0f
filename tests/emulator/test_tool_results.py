"""Responses of functions, on virtual time."""

import pytest

from emulator.closes import INVALID_ARGUMENT
from emulator.json_types import JSON, JsonObject, object_of
from emulator.live_turns import TurnState
from tests.emulator.live_driver import VERTEX, Driver, spoken
from tests.emulator.test_activity import silence, tone

M25 = "gemini-2.5-flash-native-audio-latest"
M31 = "gemini-3.1-flash-live-preview"
ET = "gemini-3.8-live-extended-thinking"
CALL: JsonObject = {"name": "draw", "args": {}}


def calling(*steps: JSON, model: str = "gemini-3.8-live", **more: object) -> Driver:
    """A call was made and its turn is over."""
    driver = Driver({"hear": "draw", "call": CALL}, *steps, setup=spoken(), model=model, **more)  # type: ignore[arg-type]  # keyword arguments of Driver
    driver.text("draw")
    driver.run(1.0)
    driver.record.turns.clear()
    return driver


RESULT: JsonObject = {"result": "draw", "say": "Your cat is ready."}


def test_a_silent_result_is_only_context() -> None:
    driver = calling(RESULT)
    tokens = driver.admission.memory.meter.context_tokens
    driver.respond(driver.calls()[0], {"output": "x" * 40}, scheduling="SILENT")
    driver.run(5.0)
    assert driver.said() == ""
    assert driver.admission.memory.meter.context_tokens > tokens
    # With willContinue false and SILENT the call is closed quietly.
    assert driver.admission.memory.ledger.pending == ()


def test_a_result_that_interrupts_cuts_the_answer() -> None:
    driver = calling(RESULT, {"hear": "go", "say": "one two three four five"})
    driver.text("go")
    driver.run(0.1)
    driver.respond(driver.calls()[0], scheduling="INTERRUPT")
    driver.run(5.0)
    assert driver.times("interrupted") != []
    assert driver.said().endswith(" Your cat is ready.")
    assert [turn.prompt for turn in driver.record.turns] == ["text", "tool"]


def test_a_result_that_interrupts_waits_for_the_user_on_3_8() -> None:
    driver = calling(RESULT)
    driver.audio(tone(0.5))
    driver.respond(driver.calls()[0], scheduling="INTERRUPT")
    assert driver.state is TurnState.USER_ACTIVE
    driver.audio(silence(0.3))
    driver.understand("hello")
    driver.run(10.0)
    assert driver.said().endswith("You said: hello. Your cat is ready.")


def test_a_result_that_interrupts_talks_over_the_user_on_2_5() -> None:
    setup = spoken({"tools": [{"functionDeclarations": [{"name": "draw"}]}]})
    object_of(setup["tools"][0])["functionDeclarations"] = [  # type: ignore[index]  # JSON
        {"name": "draw", "behavior": "NON_BLOCKING"}
    ]
    driver = Driver({"hear": "draw", "call": CALL}, RESULT, setup=setup, model=M25)
    driver.text("draw")
    driver.run(1.0)
    driver.audio(tone(0.5))
    driver.respond(driver.calls()[0], scheduling="INTERRUPT")
    driver.run(0.3)
    assert "Your" in driver.said()


def test_a_result_when_idle_is_spoken_of_at_once() -> None:
    driver = calling(RESULT)
    driver.respond(driver.calls()[0])
    driver.run(5.0)
    assert driver.said() == " Your cat is ready."


def test_a_call_may_answer_several_times() -> None:
    driver = calling({"result": "draw", "say": "Half."}, RESULT)
    call = driver.calls()[0]
    driver.respond(call, willContinue=True)
    driver.run(5.0)
    driver.respond(call, willContinue=False)
    driver.run(5.0)
    assert driver.said() == " Half. Your cat is ready."
    driver.respond(call)
    assert driver.record.unmatched_tool_responses == 1


def test_progress_of_a_blocking_call_does_not_end_its_wait() -> None:
    driver = Driver({"hear": "*", "call": CALL}, RESULT, setup=spoken(), model=M31)
    driver.text("go")
    driver.run(1.0)
    driver.respond(driver.calls()[0], willContinue=True)
    driver.run(5.0)
    assert driver.said() == ""
    driver.respond(driver.calls()[0])
    driver.run(5.0)
    assert driver.said() == " Your cat is ready."


def test_a_result_that_leaves_nothing_to_say_is_no_turn() -> None:
    driver = Driver({"hear": "*", "call": CALL}, otherwise="silence", setup=spoken())
    driver.text("go")
    driver.run(1.0)
    [call] = driver.calls()
    driver.forget()
    driver.respond(call)
    driver.run(5.0)
    assert driver.sent == []
    assert driver.record.unmatched_tool_responses == 0


def test_extended_thinking_tells_idle_even_after_silence() -> None:
    driver = Driver({"hear": "*", "call": CALL}, otherwise="silence", setup=spoken(), model=ET)
    driver.text("go")
    driver.run(1.0)
    driver.respond(driver.calls()[0])
    driver.run(5.0)
    assert "'interactionStatus': 'IDLE'" in str(driver.sent[-1][1])


@pytest.mark.parametrize("model", [M31, ET])
def test_models_without_scheduling_refuse_it(model: str) -> None:
    driver = Driver({"hear": "*", "call": CALL}, model=model)
    driver.text("go")
    driver.run(1.0)
    # Inside of the response it is the client's own JSON and does no harm.
    driver.respond({"id": "unknown", "name": "draw"}, {"scheduling": "SILENT"})
    assert driver.close is None
    driver.respond(driver.calls()[0], scheduling="SILENT")
    assert driver.close == INVALID_ARGUMENT


def test_a_response_needs_its_id_except_on_the_enterprise_platform() -> None:
    driver = calling(RESULT)
    driver.respond({"id": None, "name": "draw"})
    assert driver.close == INVALID_ARGUMENT
    driver = calling(RESULT, door=VERTEX)
    driver.respond({"id": None, "name": "draw"})
    driver.run(5.0)
    assert driver.said() == " Your cat is ready."
