"""What a resumed connection brings back, on virtual time."""

import hashlib

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from emulator.json_types import JSON, JsonObject, object_of
from emulator.live_turns import TurnState
from emulator.minds import Reply
from emulator.options import Options
from tests.emulator.live_driver import Driver, World, spoken
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


class Listener:
    """A mind that remembers what it was asked, and says nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def transcript(self) -> str | None:
        return None

    def on_user(self, text: str, *, sight: str, tools: frozenset[str]) -> Reply:
        self.asked += text.split()
        return Reply(say="Well.")

    def on_tool_result(self, name: str, response: JsonObject) -> Reply:
        return Reply()

    def next_at(self) -> float | None:
        return None

    def on_time(self) -> Reply:
        return Reply()


def understand(driver: Driver) -> None:
    """An utterance is heard as its very bytes."""
    while driver.utterances:
        driver.understand(hashlib.sha256(driver.utterances[0].pcm).hexdigest())


def listen(driver: Driver, frames: list[int]) -> None:
    """Send frames, each with some time behind it."""
    understand(driver)
    for frame in frames:
        if frame < len(SPEECH):
            driver.audio(SPEECH[frame])
        else:
            driver.text(f"word{frame}")
        understand(driver)
        driver.run(0.15)


def asked(driver: Driver) -> list[str]:
    """Each word once, in order, also what waits to be asked."""
    driver.run(30.0)
    memory = driver.admission.memory
    mind = memory.mind
    assert isinstance(mind, Listener)
    return list(dict.fromkeys(mind.asked + memory.unanswered))


SPEECH: list[bytes] = [
    *(tone(0.1), tone(0.33), silence(0.1), silence(0.3)),
    *(tone(0.3) + silence(0.3), silence(0.25) + tone(0.2), tone(0.25) + silence(0.3) + tone(0.2)),
]
# Numbers beyond the sounds are words.
FRAMES = st.lists(st.integers(0, len(SPEECH) + 9), min_size=1, max_size=14)


@given(frames=FRAMES, broken_at=st.integers(0, 14), back=st.integers(0, 5))
# Without shrinking, which takes minutes here; fourteen frames can be read as they are.
@settings(max_examples=40, deadline=None, phases=(Phase.reuse, Phase.generate))
def test_what_a_handle_does_not_know_is_exactly_what_follows_its_index(
    frames: list[int], broken_at: int, back: int
) -> None:
    options = Options(handle_interval_s=0.1, consumed_index=True)
    setup = spoken(RESUME)
    unbroken = Driver(setup=setup, world=World(options, Listener))
    listen(unbroken, frames)
    driver = Driver(setup=setup, world=World(options, Listener))
    listen(driver, frames[:broken_at])
    known = [one for one in driver.bodies("sessionResumptionUpdate") if "newHandle" in one]
    update = known[max(0, len(known) - 1 - back)]
    again = resumed(driver, handle=str(update["newHandle"]))
    listen(again, frames[int(str(update["lastConsumedClientMessageIndex"])) :])
    assert asked(again) == asked(unbroken)


LIVE = Options(live_handles=True)
STORY = "one two three four five six seven eight nine ten"


def test_a_live_handle_answers_what_the_end_of_the_connection_left_unanswered() -> None:
    driver = Driver(setup=spoken(RESUME), options=LIVE)
    driver.utter(None)
    again = resumed(driver)
    again.understand("hello")
    again.run(5.0)
    assert again.said() == " You said: hello."


def test_a_live_handle_remembers_how_an_answer_broke_off() -> None:
    driver = Driver({"hear": "go", "say": STORY}, setup=spoken(RESUME), options=LIVE)
    driver.text("go")
    driver.run(0.4)
    words = driver.said().strip()
    again = resumed(driver)
    again.run(30.0)
    assert again.said() == ""
    again.text(
        f'Your last answer broke off after the words "{words}". '
        "Go on from there; do not repeat them and do not greet."
    )
    again.run(30.0)
    assert (words + again.said()).split() == STORY.split()


def test_a_live_handle_takes_the_result_of_a_call_that_blocked_a_turn() -> None:
    tools: JsonObject = {
        "tools": [{"functionDeclarations": [{"name": "draw", "behavior": "BLOCKING"}]}]
    }
    driver = Driver(
        {"hear": "draw", "call": CALL},
        {"result": "draw", "say": "Your cat."},
        setup=spoken({**RESUME, **tools}),
        options=LIVE,
    )
    driver.text("draw")
    driver.run(1.0)
    again = resumed(driver, setup=tools)
    again.respond(driver.calls()[0])
    again.run(5.0)
    assert again.said() == " Your cat."
    assert again.record.unmatched_tool_responses == 0


def test_an_answer_is_carried_on_in_a_session_that_never_heard_the_question() -> None:
    driver = Driver({"hear": "go", "say": STORY, "call": CALL}, setup=spoken(RESUME))
    driver.text("let us go")
    driver.run(0.4)
    words = driver.said().strip()
    again = resumed(driver)
    turns: list[JSON] = [
        {"role": "user", "parts": [{"text": "let us go"}]},
        {"role": "model", "parts": [{"text": words}]},
    ]
    again.send({"clientContent": {"turns": turns, "turnComplete": False}})
    again.text(
        f'Your last answer broke off after the words "{words}". '
        "Go on from there; do not repeat them and do not greet."
    )
    again.run(30.0)
    assert (words + again.said()).split() == STORY.split()
    # It called before its first word.
    assert again.calls() == []


def test_a_resumed_setup_may_bring_another_voice_instruction_and_tools() -> None:
    driver = Driver(setup=spoken(RESUME))
    voice: JsonObject = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}
    again = resumed(
        driver,
        setup={
            "generationConfig": {"speechConfig": {**voice, "languageCode": "de-DE"}},
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "tools": [{"functionDeclarations": [{"name": "draw"}]}],
        },
    )
    assert again.record.to_json()["setup_now"] == {
        **{"model": "models/gemini-3.8-live", "voice": "Kore", "language": "de-DE"},
        **{"instruction": "Be brief.", "tools": ["draw"]},
    }
