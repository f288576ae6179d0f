"""What a client may send, and what comes of it, on virtual time."""

import json

import pytest

from emulator.closes import (
    DEADLINE_EXPIRED,
    EMPTY_ACTIVITY,
    GO_AWAY_IGNORED,
    INTERNAL_ERROR,
    INVALID_ARGUMENT,
    NOT_IMPLEMENTED,
)
from emulator.faults import parse_fault
from emulator.json_types import JSON, JsonObject, list_of, object_of
from emulator.lifetime import Limits
from emulator.live_turns import TurnState
from emulator.memory import Origin
from emulator.options import Options
from emulator.wire import parse_untrusted
from tests.emulator.live_driver import VERTEX, Driver, spoken
from tests.emulator.test_activity import silence, tone

M25 = "gemini-2.5-flash-native-audio-latest"
M31 = "gemini-3.1-flash-live-preview"
ET = "gemini-3.8-live-extended-thinking"
CALL: JsonObject = {"name": "draw", "args": {}}
MANUAL: JsonObject = {"realtimeInputConfig": {"automaticActivityDetection": {"disabled": True}}}
SEED: JsonObject = {"historyConfig": {"initialHistoryInClientContent": True}}


def content(*turns: tuple[str, str], complete: bool = True) -> JsonObject:
    written: list[JSON] = [{"role": role, "parts": [{"text": text}]} for role, text in turns]
    return {"clientContent": {"turns": written, "turnComplete": complete}}


def picture(data: str = "cmVk") -> JsonObject:
    return {"realtimeInput": {"video": {"data": data, "mimeType": "image/jpeg"}}}


def test_setup_complete_comes_first_and_is_empty() -> None:
    assert Driver().sent[0][1] == {"setupComplete": {}}


def test_text_is_answered_without_an_end_of_turn() -> None:
    driver = Driver(setup=spoken())
    driver.text(" hi ")
    driver.run(5.0)
    assert "You said: hi." in driver.said()
    assert driver.heard() == ""


def test_text_cuts_an_answer() -> None:
    driver = Driver({"hear": "go", "say": "one two three four"}, setup=spoken())
    driver.text("go")
    driver.run(0.1)
    driver.text("stop")
    driver.run(5.0)
    assert driver.keys()[2:4] == ["interrupted", "turnComplete"]
    assert driver.said().endswith("You said: stop.")


def test_text_while_the_user_speaks_is_answered_and_then_cut() -> None:
    driver = Driver(setup=spoken())
    driver.audio(tone(0.5))
    driver.text("hi")
    assert driver.state is TurnState.GENERATING
    driver.audio(silence(0.3))
    assert "interrupted" in driver.keys()
    driver.understand("hello")
    driver.run(5.0)
    # The first answer had begun, so its words are answered.
    assert driver.said() == " You You said: hello."


def test_pictures_are_seen_counted_and_billed() -> None:
    driver = Driver(setup=spoken())
    driver.send(picture())
    driver.text("what")
    driver.run(5.0)
    assert driver.said().endswith("I see red.")
    usage = str(driver.bodies("usageMetadata"))
    assert "'VIDEO', 'tokenCount': 258" in usage
    assert object_of(driver.record.to_json()["video"])["frames"] == 1


def test_older_models_bill_pictures_during_activity_only() -> None:
    driver = Driver(model=M25, setup=spoken())
    meter = driver.admission.memory.meter
    driver.send(picture())
    assert meter.context_tokens == 0
    driver.audio(tone(0.3))
    driver.send(picture())
    assert meter.context_tokens == 258


@pytest.mark.parametrize(("coverage", "tokens"), [("ALL_INPUT", 50), ("ONLY_ACTIVITY", 0)])
def test_silence_is_billed_only_when_the_turn_includes_it(coverage: str, tokens: int) -> None:
    setup: JsonObject = {"realtimeInputConfig": {"turnCoverage": f"TURN_INCLUDES_{coverage}"}}
    driver = Driver(setup=setup)
    driver.audio(silence(2.0))
    assert driver.admission.memory.meter.context_tokens == tokens


def test_with_all_input_billed_an_utterance_is_not_billed_twice() -> None:
    coverage: JsonObject = {"turnCoverage": "TURN_INCLUDES_ALL_INPUT"}
    driver = Driver(setup={"realtimeInputConfig": {**coverage, "automaticActivityDetection": {}}})
    driver.audio(tone(1.0) + silence(1.0))
    assert len(driver.utterances) == 1
    assert driver.admission.memory.meter.context_tokens == 50


def test_an_utterance_is_billed_by_its_length() -> None:
    driver = Driver(setup=spoken())
    driver.audio(silence(1.0) + tone(1.0) + silence(0.3))
    assert driver.admission.memory.meter.context_tokens == pytest.approx(35, abs=8)


def test_every_input_is_counted() -> None:
    driver = Driver(setup=spoken())
    driver.audio(silence(0.1))
    driver.audio(silence(0.1))
    driver.text("hi")
    assert driver.record.messages == {"Audio": 2, "Text": 1}
    document = object_of(driver.record.to_json()["audio"])
    assert document["seconds"] == pytest.approx(0.2)


def test_media_are_recorded_when_they_arrived() -> None:
    driver = Driver()
    for body in (picture(), {"realtimeInput": {"audio": {"data": "", "mimeType": "audio/pcm"}}}):
        [message] = parse_untrusted(json.dumps(body))
        driver.session.on_message(message, driver.now, driver.now - 0.25)
    document = driver.record.to_json()
    assert object_of(document["video"])["times"] == [driver.now - 0.25]
    assert object_of(document["audio"])["first_at"] == driver.now - 0.25


def test_the_end_of_the_stream_ends_the_turn() -> None:
    driver = Driver(setup=spoken())
    driver.audio(tone(0.5))
    driver.send({"realtimeInput": {"audioStreamEnd": True}})
    assert len(driver.utterances) == 1


# -- marks of activity -------------------------------------------------------------------------


def test_marked_activity_is_answered_after_its_end() -> None:
    driver = Driver(setup=MANUAL)
    driver.audio(tone(0.5) + silence(2.0))
    driver.send({"realtimeInput": {"activityStart": {}}})
    assert driver.state is TurnState.USER_ACTIVE
    driver.audio(tone(0.5))
    driver.text("and this")
    assert driver.state is TurnState.USER_ACTIVE
    driver.send({"realtimeInput": {"activityEnd": {}}})
    assert [one["type"] for one in driver.bodies("voiceActivity")] == [
        "ACTIVITY_START",
        "ACTIVITY_END",
    ]
    [utterance] = driver.utterances
    assert utterance.pcm == tone(0.5)
    driver.understand("hello")
    driver.run(5.0)
    assert driver.record.turns[0].heard == "hello"
    # Text outside of an activity is answered by itself.
    driver.text("alone")
    assert len(driver.record.turns) == 2


def test_an_activity_without_sound_is_fatal() -> None:
    driver = Driver(setup=MANUAL)
    driver.send({"realtimeInput": {"activityStart": {}}})
    driver.send({"realtimeInput": {"activityEnd": {}}})
    assert driver.sent[-1][1] == {"serverContent": {"turnComplete": True}, "usageMetadata": {}}
    assert driver.close == EMPTY_ACTIVITY


@pytest.mark.parametrize(
    ("setup", "realtime"),
    [
        ({}, {"activityStart": {}}),
        ({}, {"activityEnd": {}}),
        (MANUAL, {"audioStreamEnd": True}),
        ({}, {"audio": {"data": "AAA=", "mimeType": "audio/ogg"}}),
    ],
)
def test_what_does_not_fit_the_setup_is_fatal(setup: JsonObject, realtime: JsonObject) -> None:
    driver = Driver(setup=setup)
    driver.send({"realtimeInput": realtime})
    assert driver.close == INVALID_ARGUMENT


# -- written content ---------------------------------------------------------------------------


def test_content_is_answered_when_its_turn_is_complete() -> None:
    driver = Driver(setup=spoken())
    driver.send(content(("user", "one"), complete=False))
    driver.run(5.0)
    assert driver.said() == ""
    driver.send(content(("user", "two")))
    driver.run(5.0)
    assert "You said: one two." in driver.said()


def test_what_the_model_answered_already_is_not_asked_again() -> None:
    driver = Driver(setup=spoken())
    driver.send(content(("user", "old"), ("model", "answer"), ("user", "new")))
    driver.run(5.0)
    assert "You said: new." in driver.said()


@pytest.mark.parametrize("complete", [True, False])
def test_content_cuts_an_answer_even_without_interruption(complete: bool) -> None:
    setup: JsonObject = {"realtimeInputConfig": {"activityHandling": "NO_INTERRUPTION"}}
    driver = Driver({"hear": "go", "say": "one two three"}, setup=setup)
    driver.text("go")
    driver.run(0.1)
    driver.send(content(("user", "stop"), complete=complete))
    assert driver.keys()[-2:] == ["interrupted", "turnComplete"]


def test_pictures_in_content_are_seen() -> None:
    driver = Driver(setup=spoken())
    part: JsonObject = {"inlineData": {"data": "cmVk", "mimeType": "image/png"}}
    turn: JsonObject = {"role": "user", "parts": [{"text": "look"}, part]}
    driver.send({"clientContent": {"turns": [turn], "turnComplete": True}})
    driver.run(5.0)
    assert driver.said().endswith("I see red.")
    assert driver.admission.memory.meter.context_tokens >= 258


def test_content_without_words_adds_none() -> None:
    driver = Driver(setup=spoken())
    driver.send(content(("user", ""), ("user", "hi")))
    driver.run(5.0)
    assert "You said: hi." in driver.said()


def test_a_seed_is_read_in_silence_and_a_nudge_answers_it() -> None:
    driver = Driver(setup=spoken(SEED))
    driver.send(content(("user", "one"), complete=False))
    driver.send(content(("model", "two"), ("user", "three")))
    driver.run(5.0)
    assert driver.keys() == ["setupComplete"]
    driver.text(" ")
    driver.run(5.0)
    assert "You said: three." in driver.said()
    # The seed is over: content is answered again.
    driver.send(content(("user", "four")))
    driver.run(5.0)
    assert "You said: four." in driver.said()


@pytest.mark.parametrize(("model", "closed"), [(M25, True), ("gemini-3.8-live", False)])
def test_older_models_want_a_seed_to_end_with_the_user(model: str, closed: bool) -> None:
    driver = Driver(model=model, setup=SEED)
    driver.send(content(("user", "one"), ("model", "two")))
    assert driver.close == (INVALID_ARGUMENT if closed else None)


def test_tools_can_be_replaced_on_the_way() -> None:
    driver = Driver()
    tools: JsonObject = {"tools": [{"functionDeclarations": [{"name": "f"}]}]}
    driver.send({"contextUpdate": {"tools": tools}})
    assert [tool.name for tool in driver.admission.memory.tools] == ["f"]
    driver.send({"contextUpdate": {"systemInstruction": {"parts": [{"text": "x"}]}}})
    assert [tool.name for tool in driver.admission.memory.tools] == ["f"]
    driver.send({"contextUpdate": {"tools": {"tools": []}}})
    assert driver.admission.memory.tools == ()
    driver.send({"contextUpdate": {"tools": {"tools": [{"urlContext": {}}]}}})
    assert driver.close == NOT_IMPLEMENTED


def test_older_models_cannot_replace_tools() -> None:
    driver = Driver(model=M31)
    driver.send({"contextUpdate": {}})
    assert driver.close == NOT_IMPLEMENTED


def test_every_response_of_a_message_is_taken() -> None:
    driver = Driver({"hear": "*", "call": [CALL, CALL]}, model=M31)
    driver.text("go")
    driver.run(1.0)
    responses: list[JSON] = [
        {"id": call["id"], "name": call["name"], "response": {}} for call in driver.calls()
    ]
    driver.send({"toolResponse": {"functionResponses": responses}})
    driver.run(5.0)
    assert driver.admission.memory.ledger.pending == ()
    assert (driver.state, driver.session.model_has_floor) == (TurnState.IDLE, False)


def test_a_second_setup_is_fatal() -> None:
    driver = Driver()
    driver.send({"setup": {"model": "models/gemini-3.8-live"}})
    assert driver.close == INVALID_ARGUMENT


# -- time --------------------------------------------------------------------------------------


def test_a_connection_is_told_to_go_and_then_closed() -> None:
    driver = Driver(setup={"contextWindowCompression": {}})
    driver.run(539.9)
    assert driver.keys() == ["setupComplete"]
    driver.run(0.2)
    assert driver.bodies("goAway") == [{"timeLeft": "50s"}]
    driver.run(50.0)
    assert driver.close == GO_AWAY_IGNORED


def test_pictures_end_an_uncompressed_session_early() -> None:
    driver = Driver()
    driver.send(picture())
    driver.run(120.0)
    assert driver.close == DEADLINE_EXPIRED


def test_the_sessions_age_counts_across_connections() -> None:
    limits = Limits(go_away_after_s=None, audio_limit_s=900.0)
    resumption: JsonObject = {"sessionResumption": {}}
    driver = Driver(setup=resumption, options=Options(limits=limits))
    driver.run(800.0)
    driver.text("hi")
    driver.run(10.0)
    driver.leave()
    handle: JsonObject = {"sessionResumption": {"handle": driver.handles()[-1]}}
    again = Driver(setup=handle, world=driver.world, now=driver.now)
    again.run(80.0)
    assert again.close is None
    again.run(20.0)
    assert again.close == DEADLINE_EXPIRED


def test_a_full_context_is_fatal_without_compression() -> None:
    driver = Driver()
    driver.text("x" * 4 * 131_073)
    assert driver.close == INVALID_ARGUMENT


def test_a_scenario_speaks_at_its_time_when_the_floor_is_free() -> None:
    driver = Driver(
        {"at": 2, "say": "Still there?"}, {"hear": "go", "say": "a b c d"}, setup=spoken()
    )
    driver.run(1.5)
    driver.text("go")
    driver.run(10.0)
    assert driver.said() == " a b c d Still there?"
    assert [turn.prompt for turn in driver.record.turns] == ["text", "scenario"]


def test_handles_come_by_the_clock_when_asked() -> None:
    driver = Driver(setup={"sessionResumption": {}}, options=Options(handle_interval_s=2.0))
    driver.run(7.0)
    assert len(set(driver.handles())) == 4


def test_a_setup_may_hang_for_a_time_or_for_ever() -> None:
    late = Driver(setup=spoken(), options=Options(faults=(parse_fault("hang_setup,s=3"),)))
    late.text("hi")
    assert (late.sent, late.session.deadline(late.now)) == ([], late.now + 3)
    late.session.on_time(late.now)
    late.run(10.0)
    # What was said meanwhile is not lost.
    assert late.keys()[0] == "setupComplete"
    assert "You said: hi." in late.said()
    never = Driver(options=Options(faults=(parse_fault("hang_setup"),)))
    assert (never.sent, never.session.deadline(never.now)) == ([], None)
    assert [object_of(one)["kind"] for one in list_of(never.record.to_json()["faults"])] == [
        "hang_setup"
    ]


def test_faults_are_due_by_the_clock() -> None:
    driver = Driver(options=Options(faults=(parse_fault("close@age=5"),)))
    driver.run(4.9)
    assert not driver.over
    driver.run(0.2)
    assert driver.close == INTERNAL_ERROR


def test_the_record_shows_the_setup_that_holds_now() -> None:
    voice: JsonObject = {"prebuiltVoiceConfig": {"voiceName": "Kore"}}
    speech: JsonObject = {"languageCode": "de-DE", "voiceConfig": voice}
    setup: JsonObject = {
        "generationConfig": {"speechConfig": speech},
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
    }
    driver = Driver(setup=setup)
    shown: JsonObject = {
        **{"model": "models/gemini-3.8-live", "voice": "Kore", "language": "de-DE"},
        **{"instruction": "Be brief.", "tools": []},
    }
    assert driver.record.to_json()["setup_now"] == shown
    driver.send({"contextUpdate": {"systemInstruction": {"parts": [{"text": "Be kind."}]}}})
    assert driver.record.to_json()["setup_now"] == {**shown, "instruction": "Be kind."}
    tools: JsonObject = {"tools": [{"functionDeclarations": [{"name": "draw"}]}]}
    driver.send({"contextUpdate": {"tools": tools}})
    assert driver.record.to_json()["setup_now"] == {
        **shown,
        **{"instruction": "Be kind.", "tools": ["draw"]},
    }


@pytest.mark.parametrize(
    ("setup", "options", "index"),
    [
        ({"transparent": True}, Options(), "1"),
        ({}, Options(), None),
        ({}, Options(consumed_index=True), "1"),
    ],
)
def test_handles_tell_their_index_when_asked(
    setup: JsonObject, options: Options, index: str | None
) -> None:
    driver = Driver(setup={"sessionResumption": setup}, door=VERTEX, options=options)
    driver.text("hi")
    driver.run(10.0)
    *_, last = driver.bodies("sessionResumptionUpdate")
    assert last.get("lastConsumedClientMessageIndex") == index


def test_content_in_the_middle_is_taken_in_silence() -> None:
    driver = Driver(setup=spoken())
    driver.send(content(("user", "by the way"), complete=False))
    driver.run(10.0)
    assert driver.keys() == ["setupComplete"]


def test_an_answer_is_carried_on_by_a_session_that_was_told_of_it() -> None:
    driver = Driver({"hear": "go", "say": "One, two, three, four."}, setup=spoken())
    driver.send(content(("user", "let us go"), ("model", "One, two"), complete=False))
    driver.text(
        'Your last answer broke off after the words "one two". '
        "Go on from there; do not repeat them and do not greet."
    )
    driver.run(10.0)
    assert driver.said() == " three, four."


def test_a_note_of_a_call_is_no_question_and_is_heeded() -> None:
    driver = Driver({"hear": "go", "say": "Well.", "call": CALL}, setup=spoken())
    note = (
        "(Before the connection broke you called draw with {}. Its result will follow: "
        "do not call it again for this.)"
    )
    driver.send(content(("user", note), complete=False))
    driver.text("go")
    driver.run(5.0)
    assert (driver.said(), driver.calls()) == (" Well.", [])


def test_what_was_cut_before_any_output_was_never_asked() -> None:
    driver = Driver({"hear": "go", "say": "Well.", "call": CALL}, setup=spoken())
    driver.mute = True
    note = (
        "(Before the connection broke you called draw with {}. Its result will follow: "
        "do not call it again for this.)"
    )
    driver.send(content(("user", note), complete=False))
    driver.text("go")
    driver.run(1.0)
    driver.mute = False
    driver.text("Please answer what was just said.")
    driver.run(5.0)
    assert (driver.said(), driver.calls()) == (" Well.", [])


def test_an_answer_is_carried_on_though_the_first_attempt_was_cut_too() -> None:
    driver = Driver({"hear": "go", "say": "One, two, three, four."}, setup=spoken())
    driver.text("go")
    driver.run(0.15)
    words = driver.said().strip()
    for mute in (True, False):
        driver.mute = mute
        driver.text("Your last answer broke off in the middle. Go on from there, and do not greet.")
        driver.run(0.5)
    driver.run(10.0)
    assert (words, driver.said()) == ("One, two, three,", " One, two, three, four.")


def test_what_only_shows_a_picture_is_no_question() -> None:
    driver = Driver(setup=spoken())
    driver.send(content(("user", "This is the current image."), ("model", "Nice."), complete=False))
    driver.send(content(("user", "This is the current image."), ("user", " "), complete=False))
    driver.text("hello")
    driver.run(5.0)
    assert driver.said() == " You said: hello."


def test_a_stalled_answer_is_carried_on_on_the_same_connection() -> None:
    options = Options(faults=(parse_fault("stall@answer=0.3"),))
    story = "one two three four five six seven eight nine ten"
    driver = Driver({"hear": "go", "say": story}, setup=spoken(), options=options)
    driver.text("go")
    driver.run(9.0)
    driver.text("Your last answer broke off in the middle. Go on from there, and do not greet.")
    driver.run(30.0)
    assert driver.said() == f" {story}"


def test_the_model_may_be_told_of_an_answer_without_a_question() -> None:
    driver = Driver(setup=spoken())
    driver.send(content(("model", "Hello."), complete=False))
    assert driver.admission.memory.asked == ""


def test_an_end_says_what_it_knows_of_the_connection() -> None:
    driver = Driver(setup=spoken())
    driver.audio(silence(0.1))
    driver.run(3.0)
    memory = driver.session.end(driver.now)
    assert memory.origin == Origin(0, 1600, 0)
    assert memory.age_s == 3.0
