"""What a resumed connection brings back, on virtual time."""

import pytest

from emulator.json_types import JsonObject, object_of
from emulator.live_turns import TurnState
from emulator.options import Options
from tests.emulator.live_driver import Driver, spoken
from tests.emulator.test_activity import silence, tone

CALL: JsonObject = {"name": "draw", "args": {"what": "a cat"}}
RESUME: JsonObject = {"sessionResumption": {}}


def resumed(driver: Driver, handle: str | None = None, setup: JsonObject | None = None) -> Driver:
    """Close the connection, and connect again from its last handle."""
    driver.leave()
    handle = handle or [one for one in driver.handles() if one][-1]
    more: JsonObject = {"sessionResumption": {"handle": handle}}
    return Driver(setup=spoken({**(setup or {}), **more}), world=driver.world, now=driver.now + 1.0)


def test_handles_come_outside_of_answers() -> None:
    driver = Driver(setup=spoken(RESUME))
    assert [bool(handle) for handle in driver.handles()] == [True]
    driver.text("hi")
    driver.run(10.0)
    assert [bool(handle) for handle in driver.handles()] == [True, False, True]
    assert driver.keys()[-1] == "sessionResumptionUpdate"


def test_a_resumed_session_remembers_its_calls_and_its_scenario() -> None:
    driver = Driver(
        {"hear": "draw", "call": CALL},
        {"result": "draw", "say": "Your cat."},
        setup=spoken(RESUME),
    )
    driver.text("draw")
    driver.run(3.0)
    again = resumed(driver)
    again.respond(driver.calls()[0])
    again.run(3.0)
    assert again.said() == " Your cat."


def test_an_utterance_half_spoken_at_the_handle_is_ended_in_the_next_connection() -> None:
    options = Options(handle_interval_s=0.5)
    driver = Driver(setup=spoken(RESUME), options=options)
    driver.audio(tone(0.5))
    driver.run(0.6)
    again = resumed(driver)
    assert again.state is TurnState.USER_ACTIVE
    again.audio(tone(0.5) + silence(0.3))
    [utterance] = again.utterances
    assert len(utterance.pcm) / 32_000 == pytest.approx(1.0, abs=0.25)


def test_an_utterance_not_yet_understood_at_the_handle_is_heard_again() -> None:
    driver = Driver(setup=spoken(RESUME))
    driver.utter(None)
    # Cutting the turn brings a handle while the ears are still at work.
    driver.audio(tone(0.5))
    again = resumed(driver)
    assert [one.pcm for one in again.utterances] == [driver.utterances[0].pcm]
    again.understand("change the")
    again.audio(silence(0.3))
    again.understand("wall")
    again.run(5.0)
    assert "You said: change the wall." in again.said()


def test_a_prompt_that_waited_at_the_handle_is_answered_after_it() -> None:
    setup = spoken(RESUME)
    object_of(setup["realtimeInputConfig"])["activityHandling"] = "NO_INTERRUPTION"
    driver = Driver({"hear": "go", "say": "one"}, setup=setup)
    driver.text("go")
    driver.text("next")
    driver.run(0.6)
    assert driver.state is TurnState.GENERATING
    again = resumed(driver, handle=driver.handles()[-2])
    again.run(5.0)
    assert "You said: next." in again.said()
