"""Turns, cuts, calls and their order, on virtual time."""

import pytest

from emulator.closes import INTERNAL_ERROR, INVALID_ARGUMENT, Close
from emulator.faults import parse_fault
from emulator.json_types import JSON, JsonObject, list_of, object_of, text_of
from emulator.live_turns import TurnState
from emulator.options import Options
from tests.emulator.live_driver import WORD_S, Driver, spoken
from tests.emulator.test_activity import silence, tone

M25 = "gemini-2.5-flash-native-audio-latest"
M31 = "gemini-3.1-flash-live-preview"
ET = "gemini-3.8-live-extended-thinking"
LONG = "one two three four five six seven eight nine ten"
CALL: JsonObject = {"name": "draw", "args": {"what": "a cat"}}


def tools(**behavior: str) -> JsonObject:
    return {"tools": [{"functionDeclarations": [{"name": "draw", **behavior}]}]}


def speaking(driver: Driver) -> Driver:
    """Run into the middle of the answer."""
    driver.run(0.35)
    assert driver.state is TurnState.GENERATING
    return driver


def playing(driver: Driver) -> Driver:
    """Run to where all is sent and turnComplete is held."""
    driver.run(1.5)
    assert driver.state is TurnState.PLAYBACK_WAIT
    return driver


def test_a_spoken_turn_has_the_documented_order_and_timing() -> None:
    driver = Driver({"hear": "hello", "say": LONG}, setup=spoken())
    driver.utter("hello there")
    driver.run(20.0)
    assert driver.keys() == [
        "setupComplete",
        "inputTranscription",
        "outputTranscription",
        "generationComplete",
        "turnComplete",
    ]
    assert (driver.heard(), driver.said()) == (" hello there", f" {LONG}")
    start = driver.times("modelTurn")[0]
    [generated], [completed] = driver.times("generationComplete"), driver.times("turnComplete")
    length = 10 * WORD_S
    # Four times faster than real time, then held until it should have been played.
    assert generated - start == pytest.approx(length / 4, abs=0.07)
    assert completed - start == pytest.approx(length)
    assert driver.state is TurnState.IDLE


def test_the_first_output_is_what_is_sent_first_not_the_wish_for_it() -> None:
    driver = Driver({"hear": "go", "say": "one"}, setup=spoken())
    driver.mute = True
    driver.text("go")
    driver.run(0.4)
    [turn] = driver.record.turns
    assert turn.first_output_at is None
    driver.session.on_spoken(1, bytes(9600), driver.now)
    driver.drain()
    assert turn.first_output_at == driver.now == driver.times("modelTurn")[0]


def test_a_call_is_an_output_too() -> None:
    driver = Driver({"hear": "*", "call": CALL}, model=M31)
    driver.text("go")
    driver.run(1.0)
    assert driver.record.turns[0].first_output_at == driver.times("toolCall")[0]


@pytest.mark.parametrize(
    ("setup", "tokens"),
    [
        # Two words of 0.4 s: 20 tokens of sound; " one two" without its space: 2 of text.
        ({}, {"AUDIO": 20}),
        ({"outputAudioTranscription": {}}, {"AUDIO": 20, "TEXT": 2}),
        ({"generationConfig": {"responseModalities": ["TEXT"]}}, {"TEXT": 2}),
    ],
)
def test_an_answer_costs_what_it_sends(setup: JsonObject, tokens: dict[str, int]) -> None:
    driver = Driver({"hear": "*", "say": "one two"}, setup=setup, model=M25)
    driver.text("go")
    driver.run(5.0)
    [usage] = driver.bodies("usageMetadata")
    details = [object_of(one) for one in list_of(usage["responseTokensDetails"])]
    assert {str(one["modality"]): one["tokenCount"] for one in details} == tokens


def test_the_hold_can_be_scaled_and_switched_off() -> None:
    for scale, expected in ((0.5, 0.5), (0.0, 0.0)):
        driver = Driver({"hear": "*", "say": LONG}, options=Options(hold_scale=scale))
        driver.text("hi")
        driver.run(20.0)
        [generated], [completed] = driver.times("generationComplete"), driver.times("turnComplete")
        playback_until = driver.times("modelTurn")[0] + 10 * WORD_S
        assert completed - generated == pytest.approx((playback_until - generated) * expected)


def test_latency_follows_the_models_measured_one() -> None:
    driver = Driver(options=Options(latency_scale=0.5))
    driver.text("hi")
    driver.run(10.0)
    assert driver.times("modelTurn")[0] - 1000.0 == pytest.approx(1.18 / 2)


@pytest.mark.parametrize("phase", [speaking, playing])
def test_speech_cuts_the_answer_in_both_phases(phase: object) -> None:
    driver = Driver({"hear": "go", "say": LONG}, setup=spoken())
    driver.text("go")
    (speaking if phase is speaking else playing)(driver)
    said = driver.said()
    driver.forget()
    driver.audio(tone(0.3))
    assert driver.keys() == ["interrupted", "turnComplete"]
    assert driver.state is TurnState.USER_ACTIVE
    [turn] = driver.record.turns
    assert (turn.interrupted, turn.said) == (True, said.strip())
    assert turn.interrupted_at == driver.now == turn.turn_complete_at
    driver.run(5.0)
    assert driver.times("modelTurn") == []
    driver.audio(silence(0.3))
    driver.understand("again")
    driver.run(5.0)
    assert "You said: again." in driver.said()


def test_an_interrupted_answer_never_completes_its_generation() -> None:
    driver = speaking_of_long()
    driver.audio(tone(0.3) + silence(0.3))
    driver.understand("*")
    driver.run(30.0)
    assert driver.keys().count("generationComplete") == 1
    assert len(driver.times("turnComplete")) == 2


def speaking_of_long(setup: JsonObject | None = None) -> Driver:
    driver = Driver({"hear": "go", "say": LONG}, setup=spoken(setup))
    driver.text("go")
    return speaking(driver)


def test_only_what_was_sent_was_said() -> None:
    driver = speaking_of_long()
    driver.audio(tone(0.3))
    [turn] = driver.record.turns
    assert turn.said != ""
    assert LONG.startswith(turn.said)
    assert len(turn.said) < len(LONG)
    assert turn.said_s == pytest.approx(1.6, abs=0.25)


def test_without_interruption_the_answer_goes_on_and_the_next_turn_waits() -> None:
    setup = spoken()
    object_of(setup["realtimeInputConfig"])["activityHandling"] = "NO_INTERRUPTION"
    driver = Driver({"hear": "go", "say": LONG}, setup=setup)
    driver.text("go")
    speaking(driver)
    driver.utter(None)
    assert driver.utterances == []
    driver.run(10.0)
    assert "interrupted" not in driver.keys()
    assert driver.said() == f" {LONG}"
    driver.understand("next")
    driver.run(10.0)
    assert len(driver.times("turnComplete")) == 2
    assert driver.times("interrupted") == []


def test_what_came_while_nobody_could_cut_in_is_answered_in_order() -> None:
    setup = spoken()
    object_of(setup["realtimeInputConfig"])["activityHandling"] = "NO_INTERRUPTION"
    driver = Driver({"hear": "go", "say": "one"}, setup=setup)
    for words in ("go", "two", "three"):
        driver.text(words)
    driver.run(10.0)
    assert driver.said() == " one You said: two. You said: three."


def test_an_urgent_result_goes_before_what_waits() -> None:
    driver = Driver(
        {"hear": "draw", "call": CALL},
        {"result": "draw", "say": "Your cat."},
        {"at": 2, "say": "Still there?"},
        setup=spoken(),
    )
    driver.text("draw")
    driver.run(1.0)
    driver.audio(tone(0.5))
    driver.run(2.0)
    driver.respond(driver.calls()[0], scheduling="INTERRUPT")
    assert not driver.session.model_has_floor
    driver.audio(silence(0.3))
    driver.understand("hello")
    driver.run(10.0)
    assert driver.said() == " You said: hello. Your cat. Still there?"


def test_who_still_speaks_when_the_answer_ends_has_the_floor() -> None:
    setup = spoken()
    object_of(setup["realtimeInputConfig"])["activityHandling"] = "NO_INTERRUPTION"
    driver = Driver({"hear": "go", "say": "one"}, setup=setup)
    driver.text("go")
    driver.audio(tone(0.5))
    driver.run(5.0)
    assert driver.state is TurnState.USER_ACTIVE
    driver.audio(silence(0.3))
    driver.understand("more")
    driver.run(5.0)
    assert "You said: more." in driver.said()


def test_words_cut_off_before_any_answer_are_answered_with_the_next() -> None:
    driver = Driver(setup=spoken(), options=Options(latency_scale=1.0))
    driver.utter("change the")
    driver.run(0.3)
    driver.utter("wall")
    driver.run(10.0)
    assert "You said: change the wall." in driver.said()
    assert [turn.heard for turn in driver.record.turns] == ["change the", "wall"]


def test_words_understood_after_their_turn_was_cut_are_answered_with_the_next() -> None:
    driver = Driver(setup=spoken())
    driver.utter(None)
    driver.utter(None)
    assert driver.keys() == ["setupComplete", "interrupted", "turnComplete"]
    driver.understand("change the")
    driver.understand("wall")
    driver.run(10.0)
    assert driver.heard() == " change the wall"
    assert "You said: change the wall." in driver.said()
    assert [turn.heard for turn in driver.record.turns] == ["change the", "wall"]


def test_sound_for_a_cut_turn_comes_too_late() -> None:
    driver = Driver({"hear": "go", "say": LONG}, setup=spoken())
    driver.mute = True
    driver.text("go")
    driver.audio(tone(0.3))
    driver.forget()
    driver.session.on_spoken(1, bytes(9600), driver.now)
    driver.drain()
    assert driver.sent == []


def test_a_scenarios_transcript_stands_for_the_ears() -> None:
    driver = Driver({"hear": "*", "transcript": "Hi, model", "say": "Yes."}, setup=spoken())
    driver.utter(None)
    assert driver.utterances == []
    driver.run(5.0)
    assert (driver.heard(), driver.said()) == (" Hi, model", " Yes.")


def test_a_scenario_may_close() -> None:
    driver = Driver({"hear": "*", "say": "Bye.", "close": "internal_error"})
    driver.text("hi")
    driver.run(5.0)
    assert driver.close is not None
    assert (driver.close.code, driver.close.reason) == (1011, "Internal error encountered.")
    assert len(driver.times("modelTurn")) > 0
    assert driver.times("generationComplete") == []


def test_a_scenario_may_tell_the_client_to_go_away() -> None:
    driver = Driver({"hear": "*", "go_away": 2})
    driver.text("hi")
    driver.run(1.0)
    assert driver.bodies("goAway") == [{"timeLeft": "2s"}]
    driver.run(1.5)
    assert driver.close is not None and driver.close.code == 1008


# -- calls -------------------------------------------------------------------------------------


def test_a_blocking_call_silences_the_turn_until_its_result() -> None:
    driver = Driver(
        {"hear": "draw", "say": "Wait.", "call": CALL},
        {"result": "draw", "say": "Done."},
        setup={**spoken(), **tools()},
        model=M31,
    )
    driver.text("draw")
    driver.run(30.0)
    assert driver.keys() == ["setupComplete", "outputTranscription", "toolCall"]
    assert driver.state is TurnState.GENERATING
    [call] = driver.calls()
    assert (call["name"], call["args"]) == ("draw", {"what": "a cat"})
    driver.respond(call, {"output": "ok"})
    driver.run(10.0)
    assert driver.keys()[3:] == ["outputTranscription", "generationComplete", "turnComplete"]
    assert driver.said() == " Wait. Done."
    [turn] = driver.record.turns
    assert turn.said == "Wait. Done."


def test_a_turn_waits_for_all_its_blocking_calls() -> None:
    two: list[JSON] = [{"name": "draw"}, {"name": "ask"}]
    driver = Driver(
        {"hear": "*", "call": two},
        {"result": "ask", "say": "Asked.", "after": 1.0},
        {"result": "draw", "say": "Drawn.", "go_away": 9},
        setup=spoken(),
        model=M31,
    )
    driver.text("go")
    driver.run(1.0)
    draw, ask = driver.calls()
    driver.respond(ask)
    driver.run(5.0)
    assert driver.said() == ""
    driver.respond(draw)
    driver.run(5.0)
    assert driver.said() == " Asked. Drawn."
    assert driver.bodies("goAway") == [{"timeLeft": "9s"}]


def test_a_result_may_close() -> None:
    driver = Driver({"hear": "*", "call": CALL}, {"result": "*", "close": "unavailable"}, model=M31)
    driver.text("go")
    driver.run(1.0)
    driver.respond(driver.calls()[0])
    driver.run(1.0)
    assert driver.close is not None and driver.close.code == 1011


def test_an_interruption_cancels_the_blocking_call() -> None:
    driver = Driver({"hear": "draw", "call": CALL}, setup=spoken(), model=M31)
    driver.text("draw")
    driver.run(1.0)
    [call] = driver.calls()
    driver.audio(tone(0.3))
    assert driver.keys()[2:] == ["interrupted", "turnComplete", "toolCallCancellation"]
    assert driver.bodies("toolCallCancellation") == [{"ids": [call["id"]]}]
    driver.respond(call)
    assert driver.record.unmatched_tool_responses == 1
    kinds = [call["kind"] for call in driver.record.to_json()["calls"]]  # type: ignore[union-attr,call-overload,index]  # JSON
    assert kinds == ["call", "cancellation"]


@pytest.mark.parametrize(("model", "cancelled"), [(M25, 1), ("gemini-3.8-live", 0)])
def test_a_call_in_the_background_survives_on_newer_models(model: str, cancelled: int) -> None:
    driver = Driver(
        {"hear": "draw", "say": LONG, "call": CALL},
        setup={**spoken(), **tools(behavior="NON_BLOCKING")},
        model=model,
    )
    driver.text("draw")
    speaking(driver)
    driver.audio(tone(0.3))
    assert len(driver.bodies("toolCallCancellation")) == cancelled
    assert len(driver.admission.memory.ledger.pending) == 1 - cancelled


def test_the_talk_goes_on_while_a_call_runs_in_the_background() -> None:
    driver = Driver(
        {"hear": "draw", "say": "Sure.", "call": CALL},
        {"hear": "time", "say": "It is noon."},
        {"result": "draw", "say": "Your cat."},
        setup={**spoken(), **tools()},
    )
    driver.text("draw")
    driver.run(3.0)
    assert driver.keys() == [
        "setupComplete",
        "toolCall",
        "outputTranscription",
        "generationComplete",
        "turnComplete",
    ]
    driver.text("time")
    driver.run(0.2)
    # The response waits until nobody has the floor.
    driver.respond(driver.calls()[0])
    driver.run(10.0)
    assert driver.said() == " Sure. It is noon. Your cat."
    assert driver.times("interrupted") == []
    assert [turn.prompt for turn in driver.record.turns] == ["text", "text", "tool"]


def test_extended_thinking_is_in_progress_while_calls_pend() -> None:
    driver = Driver(
        {"hear": "draw", "say": "Sure.", "call": CALL},
        {"result": "draw", "say": "Your cat."},
        setup=spoken(),
        model=ET,
    )
    driver.text("draw")
    driver.run(3.0)
    driver.respond(driver.calls()[0])
    driver.run(3.0)
    status = [
        object_of(body["serverContent"]).get("interactionStatus")
        for _, body in driver.sent
        if "turnComplete" in object_of(body.get("serverContent"))
    ]
    assert status == ["IN_PROGRESS", "IDLE"]


def test_a_new_connection_hears_again_what_was_not_understood() -> None:
    driver = Driver(setup=spoken({"sessionResumption": {}}))
    driver.utter(None)
    driver.audio(tone(0.5))
    driver.leave()
    handle: JsonObject = {"sessionResumption": {"handle": driver.handles()[-1]}}
    again = Driver(setup=spoken(handle), world=driver.world, now=driver.now + 1.0)
    assert [one.pcm for one in again.utterances] == [driver.utterances[0].pcm]
    assert again.state is TurnState.USER_ACTIVE


def test_words_cut_an_answer_too() -> None:
    driver = Driver({"hear": "go", "say": LONG}, setup=spoken())
    driver.text("go")
    speaking(driver)
    driver.text("stop")
    driver.run(5.0)
    assert driver.times("interrupted") != []
    assert driver.said().endswith("You said: stop.")


# -- faults ------------------------------------------------------------------------------------

FIVE = "one two three four five"
RESUME: JsonObject = {"sessionResumption": {}}


def told(step: JsonObject, model: str = "gemini-3.8-live") -> Driver:
    driver = Driver({"hear": "*", "say": FIVE, **step}, setup=spoken(), model=model)
    driver.text("go")
    driver.run(30.0)
    return driver


def transcripts(driver: Driver) -> list[str]:
    return [text_of(one.get("text")) for one in driver.bodies("outputTranscription")]


def sound(driver: Driver) -> list[float]:
    return driver.times("modelTurn")


def test_a_stalled_answer_goes_on() -> None:
    driver = told({"stall": 8})
    first, second, *_ = sound(driver)
    assert second - first == pytest.approx(8.0, abs=0.1)
    assert driver.said() == f" {FIVE}"
    # The playback paused too, and the turn is held until it is over.
    assert driver.times("turnComplete")[0] - first == pytest.approx(8.0 + 5 * WORD_S, abs=0.3)


@pytest.mark.parametrize("model", ["gemini-3.8-live", M25])
def test_words_may_leave_before_the_sound(model: str) -> None:
    driver = told({"words": "early"}, model)
    assert transcripts(driver) == [f" {FIVE}"]
    assert driver.keys() == [
        "setupComplete",
        "outputTranscription",
        "generationComplete",
        "turnComplete",
    ]
    bundled = [object_of(body.get("serverContent")) for _, body in driver.sent]
    assert all("outputTranscription" not in one for one in bundled if "modelTurn" in one)
    assert driver.record.turns[0].said == FIVE


def test_words_may_leave_after_the_turn() -> None:
    driver = told({"words": "late"})
    assert driver.keys() == [
        "setupComplete",
        "generationComplete",
        "turnComplete",
        "outputTranscription",
    ]
    assert transcripts(driver) == [f" {FIVE}"]


def test_words_that_leave_late_are_those_whose_sound_was_sent() -> None:
    driver = Driver({"hear": "go", "say": FIVE, "words": "late"}, setup=spoken())
    driver.text("go")
    driver.run(0.2)
    driver.text("stop")
    text = transcripts(driver)[0]
    assert f" {FIVE}".startswith(text) and text != f" {FIVE}"
    assert driver.keys()[1:4] == ["interrupted", "turnComplete", "outputTranscription"]


def test_every_word_may_come_twice() -> None:
    driver = told({"words": "twice"})
    found = transcripts(driver)
    assert found[::2] == found[1::2]
    assert "".join(found[::2]) == f" {FIVE}"
    assert driver.record.turns[0].said == FIVE


def test_an_answer_in_text_has_no_words_to_disturb() -> None:
    text_only: JsonObject = {"generationConfig": {"responseModalities": ["TEXT"]}}
    driver = Driver(
        {"hear": "*", "say": "one two", "words": "early"}, setup=spoken(text_only), model=M25
    )
    driver.text("go")
    driver.run(5.0)
    assert driver.bodies("modelTurn") == [{"role": "model", "parts": [{"text": " one two"}]}]


def test_the_results_of_several_calls_share_their_faults() -> None:
    two: list[JSON] = [{"name": "draw"}, {"name": "ask"}]
    driver = Driver(
        {"hear": "*", "call": two},
        {"result": "draw", "say": "One.", "words": "late", "poison": True},
        {"result": "ask", "say": "Two.", "stall": 4},
        setup=spoken(RESUME),
        model=M31,
    )
    driver.text("go")
    driver.run(1.0)
    for call in driver.calls():
        driver.respond(call)
    driver.run(20.0)
    assert transcripts(driver) == [" One. Two."]
    assert sound(driver)[1] - sound(driver)[0] == pytest.approx(4.0, abs=0.1)
    assert driver.admission.memory.poisoned


def test_a_turn_may_be_empty() -> None:
    driver = Driver({"hear": "*"}, setup=spoken())
    driver.text("go")
    driver.run(5.0)
    assert driver.keys() == ["setupComplete", "generationComplete", "turnComplete"]
    assert driver.bodies("modelTurn") == []
    assert driver.record.turns[0].first_output_at is None


def dying(driver: Driver) -> Close | None:
    driver.text("hello")
    return driver.close


def test_a_poisoned_handle_dies_at_the_next_words_and_so_does_every_later_one() -> None:
    driver = Driver(
        {"hear": "*", "say": "Yes.", "poison": True, "repeat": True}, setup=spoken(RESUME)
    )
    clean = driver.handles()[-1]
    driver.text("go")
    driver.run(5.0)
    # The connection itself lives on.
    driver.text("go")
    driver.run(5.0)
    assert driver.close is None
    for _ in range(2):
        driver.leave()
        handle: JsonObject = {"sessionResumption": {"handle": driver.handles()[-1]}}
        driver = Driver(setup=spoken(handle), world=driver.world, now=driver.now + 1.0)
        driver.run(5.0)
        assert driver.close is None
        assert dying(driver) == INVALID_ARGUMENT
        assert driver.times("modelTurn") == []
    # What was issued before the poison is good.
    driver.leave()
    again = Driver(
        setup=spoken({"sessionResumption": {"handle": clean}}),
        world=driver.world,
        now=driver.now + 1.0,
    )
    again.text("hello")
    again.run(5.0)
    assert again.close is None
    assert again.said() == " Yes."


def test_a_backend_may_fail_in_the_middle_of_a_call() -> None:
    driver = Driver({"hear": "*", "call": CALL, "close": "internal_error"}, model=M31)
    driver.text("go")
    driver.run(5.0)
    assert len(driver.calls()) == 1
    assert driver.close == INTERNAL_ERROR
    assert driver.times("turnComplete") == []


def faulty(*faults: str, **step: JSON) -> Driver:
    options = Options(faults=tuple(map(parse_fault, faults)))
    driver = Driver({"hear": "go", "say": LONG, **step}, setup=spoken(), options=options)
    driver.text("go")
    return driver


def test_a_stall_lasts_its_time() -> None:
    driver = faulty("stall@answer=0.3,s=5")
    driver.run(5.2)
    assert "generationComplete" not in driver.keys()
    driver.run(5.0)
    assert driver.said() == f" {LONG}"


def test_a_mute_model_neither_answers_nor_is_cut() -> None:
    driver = speaking(faulty("mute@answer=0.3", "mute_after_barge_in"))
    driver.forget()
    driver.utter("hello")
    driver.run(90.0)
    assert driver.sent == []


def test_a_barge_in_may_leave_the_model_mute() -> None:
    driver = speaking(faulty("mute_after_barge_in"))
    driver.utter("hello")
    driver.run(90.0)
    assert (driver.keys()[-1], driver.record.turns[-1].said) == ("turnComplete", "")


def test_answers_may_be_empty_bundled_or_out_of_step() -> None:
    empty = faulty("empty_turn")
    empty.run(1.0)
    assert empty.keys()[1:] == ["generationComplete", "turnComplete"]
    bundled = faulty("bundled", "transcripts,how=twice")
    bundled.run(30.0)
    assert len(bundled.sent) == 2
    assert len(bundled.said().split()) == 2 * len(LONG.split())
    for how, count in (("user_twice", 2), ("user_late", 1)):
        heard = faulty(f"transcripts,how={how}")
        heard.utter("yes")
        heard.run(30.0)
        assert heard.heard() == " yes" * count


def test_a_request_in_words_is_understood() -> None:
    driver = Driver(setup=spoken())
    driver.text("Please answer what was just said.")
    driver.run(5.0)
    assert driver.said() == " I have nothing to add."


def test_an_abandoned_turn_is_answered_later_or_remembered_as_broken() -> None:
    driver = Driver({"hear": "go", "say": LONG, "call": CALL}, setup={**spoken(), **tools()})
    memory = driver.admission.memory
    assert not driver.session.end(driver.now).waiting
    driver.utter(None)
    driver.session.end(driver.now)
    [prompt] = memory.waiting
    assert (prompt.kind, prompt.reply, len(prompt.pcm) > 0) == ("audio", None, True)
    [prompt] = faulty("mute@turn=1").session.end(1000.0).waiting
    assert prompt.reply is not None and prompt.reply.say == LONG
    broken = speaking(faulty()).session.end(1000.35).broken
    assert broken is not None and (broken.say, broken.calls) == (LONG, ())
