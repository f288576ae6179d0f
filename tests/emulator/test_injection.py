"""Faults at work on a session, on virtual time."""

import json

import pytest

from emulator.admission import Refused
from emulator.closes import INTERNAL_ERROR, INVALID_ARGUMENT, QUOTA, SESSION_NOT_FOUND, Close
from emulator.effects import SendRaw, SlowPong, SlowRead
from emulator.faults import KINDS, Kind, parse_fault
from emulator.injection import GARBAGE
from emulator.json_types import JSON, JsonObject, list_of, object_of
from emulator.options import Options
from tests.emulator.live_driver import Driver, World, spoken
from tests.emulator.test_activity import silence, tone
from tests.emulator.test_resuming import RESUME, resumed

LONG = "one two three four five six seven eight nine ten"


def options(*faults: str, **more: float) -> Options:
    """Two equal faults are two."""
    return Options(
        faults=tuple(parse_fault(text, str(number)) for number, text in enumerate(faults)),
        handle_interval_s=more.get("handle_interval_s"),
    )


def driver_with(*faults: str, setup: JsonObject | None = None, **more: float) -> Driver:
    return Driver(
        {"hear": "go", "say": LONG, "repeat": True},
        setup=spoken({**RESUME, **(setup or {})}),
        options=options(*faults, **more),
    )


def suffered(driver: Driver) -> list[JSON]:
    return [object_of(one)["kind"] for one in list_of(driver.record.to_json()["faults"])]


def test_a_go_away_has_its_own_or_the_usual_time_left() -> None:
    driver = driver_with("go_away@age=3,left=5")
    driver.run(7.9)
    assert driver.bodies("goAway") == [{"timeLeft": "5s"}]
    assert not driver.over
    driver.run(1.0)
    assert driver.close is not None and driver.close.code == 1008
    usual = driver_with("go_away@age=3")
    usual.run(3.0)
    assert usual.bodies("goAway") == [{"timeLeft": "50s"}]


def test_a_close_in_mid_answer() -> None:
    driver = driver_with("close@answer=0.4,code=4000,reason=because")
    driver.text("go")
    driver.run(20.0)
    assert driver.close == Close(4000, "because")
    [first, *_] = driver.times("modelTurn")
    assert driver.times("modelTurn")[-1] - first <= 0.4
    assert "generationComplete" not in driver.keys()
    assert suffered(driver) == ["close"]


def test_a_close_from_the_start_follows_the_setup() -> None:
    driver = driver_with("close")
    assert driver.keys() == ["setupComplete", "sessionResumptionUpdate"]
    assert driver.close == INTERNAL_ERROR


def test_a_drop_while_the_user_speaks() -> None:
    driver = driver_with("drop@speech=0.3")
    driver.audio(tone(0.2))
    driver.run(0.2)
    assert not driver.over
    driver.run(0.2)
    assert driver.dropped
    # Nothing more is done to a connection that is gone.
    driver.audio(tone(0.2))
    assert suffered(driver) == ["drop"]


def test_a_drop_after_a_call() -> None:
    driver = Driver(
        {"hear": "go", "call": {"name": "draw"}}, setup=spoken(), options=options("drop@call=0")
    )
    driver.text("go")
    driver.run(1.0)
    assert driver.calls() and driver.dropped


def test_a_spent_quota_while_the_talk_goes_on() -> None:
    driver = driver_with("quota@age=1")
    driver.run(1.0)
    assert driver.close == QUOTA


def test_every_break_of_a_session_hits_each_of_its_connections() -> None:
    driver = driver_with("drop@age=2,times=2")
    driver.run(5.0)
    assert driver.dropped
    again = resumed(driver)
    again.run(5.0)
    assert again.dropped
    third = resumed(driver, handle=[one for one in again.handles() if one][-1])
    third.run(60.0)
    assert not third.over


def test_a_stall_holds_an_answer_for_its_time() -> None:
    driver = driver_with("stall@answer=0.4,s=7")
    driver.text("go")
    driver.run(40.0)
    times = driver.times("modelTurn")
    assert max(b - a for a, b in zip(times, times[1:], strict=False)) == pytest.approx(7, abs=0.1)
    assert driver.said() == f" {LONG}"
    assert "turnComplete" in driver.keys()


def test_nothing_that_comes_during_a_stall_lets_the_answer_out() -> None:
    driver = driver_with("stall@answer=0.4,s=7")
    driver.text("go")
    driver.run(1.0)
    driver.forget()
    for _ in range(20):
        driver.audio(silence(0.1))
        driver.run(0.1)
    assert driver.times("modelTurn") == []


def test_a_stall_without_an_end_ends_with_its_turn() -> None:
    driver = driver_with("stall@answer=0.4")
    driver.text("go")
    driver.run(60.0)
    assert "turnComplete" not in driver.keys()
    assert driver.session.deadline(driver.now) != driver.now
    driver.forget()
    driver.text("go")
    driver.run(30.0)
    assert driver.said() == f" {LONG}"


def test_a_stall_also_holds_the_end_of_a_turn_back() -> None:
    driver = driver_with("stall@answer=1.2,s=9")
    driver.text("go")
    driver.run(5.0)
    assert "turnComplete" not in driver.keys()
    driver.run(5.5)
    assert driver.keys()[-2] == "turnComplete"


def test_a_mute_connection_says_nothing_to_anything() -> None:
    driver = driver_with("mute@turn=2", handle_interval_s=1.0)
    driver.text("go")
    driver.run(20.0)
    driver.forget()
    driver.text("go")
    driver.run(5.0)
    driver.text("Please answer what was just said.")
    driver.utter("go")
    driver.run(600.0)
    # The handles too: a session that was never heard cannot be gone on from.
    assert driver.keys() == ["sessionResumptionUpdate", "goAway"]
    assert driver.handles() == [""]
    assert driver.close is not None
    assert [turn.said for turn in driver.record.turns] == [LONG, "", "", ""]


def test_a_mute_session_is_heard_again_once_it_is_resumed() -> None:
    driver = driver_with("mute@turn=1")
    driver.text("go")
    driver.run(5.0)
    again = resumed(driver)
    again.text("go")
    again.run(30.0)
    assert again.said() == f" {LONG}"


def test_a_mute_session_gives_no_handles_that_push_out_the_last_one_that_was_told() -> None:
    driver = driver_with("mute@age=1", handle_interval_s=0.5)
    driver.run(60.0)
    assert resumed(driver).close is None


def test_mute_after_a_barge_in() -> None:
    driver = driver_with("mute_after_barge_in")
    driver.text("go")
    driver.run(0.5)
    driver.audio(tone(0.3))
    assert driver.keys()[-2:] == ["interrupted", "turnComplete"]
    driver.forget()
    driver.audio(silence(0.5))
    driver.run(30.0)
    assert driver.sent == []
    assert suffered(driver) == ["mute_after_barge_in"]


def test_no_handles_any_more() -> None:
    driver = driver_with("no_handles@age=1")
    driver.run(2.0)
    driver.text("go")
    driver.run(20.0)
    assert [bool(handle) for handle in driver.handles()] == [True]


def test_poison_from_a_time_on() -> None:
    driver = driver_with("poison@age=1")
    driver.run(2.0)
    driver.text("go")
    driver.run(20.0)
    first, *_, last = [one for one in driver.handles() if one]
    dying = resumed(driver, handle=last)
    dying.text("go")
    assert dying.close == INVALID_ARGUMENT
    dying.leave()
    living = Driver(
        setup=spoken({"sessionResumption": {"handle": first}}), world=driver.world, now=dying.now
    )
    living.text("go")
    assert living.close is None


def test_an_empty_turn_is_answered_with_the_next_one() -> None:
    driver = Driver(setup=spoken(), options=options("empty_turn@turn=1"))
    driver.text("first")
    driver.run(1.0)
    assert driver.keys() == ["setupComplete", "generationComplete", "turnComplete"]
    driver.text("second")
    driver.run(20.0)
    assert driver.said().strip() == "You said: first second."


@pytest.mark.parametrize(
    ("how", "said"), [("twice", f" {LONG}"), ("late", f" {LONG}"), ("early", f" {LONG}")]
)
def test_transcripts_out_of_step(how: str, said: str) -> None:
    driver = driver_with(f"transcripts,how={how}")
    driver.text("go")
    driver.run(20.0)
    words = driver.times("outputTranscription")
    if how == "twice":
        assert len(driver.said().split()) == 2 * len(LONG.split())
    else:
        assert driver.said() == said
    assert (words[0] >= driver.times("turnComplete")[0]) is (how == "late")
    assert (words[-1] <= driver.times("modelTurn")[0]) is (how == "early")


def test_what_only_a_socket_can_do() -> None:
    driver = driver_with(
        "slow_pong,s=3", "slow_read", "garbage,how=list", "big_frame,bytes=50", "garbage,how=text"
    )
    *slow, listed, big, text = driver.others
    assert slow == [SlowPong(3.0), SlowRead(8000)]
    assert (listed, text) == (SendRaw(GARBAGE["list"]), SendRaw(GARBAGE["text"]))
    assert isinstance(big, SendRaw) and len(big.frame) == 50
    assert json.loads(big.frame) == {"serverContent": {}}
    assert set(GARBAGE) == set(KINDS[Kind.GARBAGE].hows)


def test_a_bundled_answer_is_one_message() -> None:
    driver = driver_with("bundled@turn=2")
    for count in (1, 2):
        driver.forget()
        driver.text("go")
        driver.run(20.0)
        assert (len(driver.times("modelTurn")) == 1) is (count == 2)
    assert driver.said() == f" {LONG}"


@pytest.mark.parametrize(
    ("how", "heard"), [("user_twice", " hello hello"), ("user_late", " hello")]
)
def test_the_users_words_out_of_step(how: str, heard: str) -> None:
    driver = driver_with(f"transcripts,how={how}", "transcripts,how=early")
    driver.utter("hello")
    driver.run(20.0)
    assert driver.heard() == heard
    late = driver.times("inputTranscription")[0] >= driver.times("turnComplete")[0]
    assert late is (how == "user_late")
    assert suffered(driver) == ["transcripts", "transcripts"]


def test_a_refused_handle_is_refused_for_good() -> None:
    driver = driver_with("refuse_handle")
    driver.leave()
    setup: JsonObject = {"sessionResumption": {"handle": driver.handles()[0]}}
    for fault in ("refuse_handle", ""):
        with pytest.raises(Refused) as caught:
            driver.world.admit({"model": "models/gemini-3.8-live", **setup})
        assert (caught.value.close, caught.value.fault) == (SESSION_NOT_FOUND, fault)


def test_a_spent_quota_at_the_door_spoils_nothing() -> None:
    world = World(options("quota"))
    with pytest.raises(Refused) as caught:
        world.admit({"model": "models/gemini-3.8-live"})
    assert (caught.value.close, caught.value.fault) == (QUOTA, "quota")
    world.admit({"model": "models/gemini-3.8-live"})


def test_a_step_of_a_scenario_brings_a_fault() -> None:
    driver = Driver(
        {"hear": "go", "say": LONG, "fault": ["stall@answer=0.4,s=7", "drop@answer=3"]},
        setup=spoken(RESUME),
    )
    driver.text("go")
    driver.run(20.0)
    assert driver.dropped
    assert suffered(driver) == ["stall", "drop"]
    # The step is played again after it, its faults are not.
    again = resumed(driver)
    again.text("go")
    again.run(20.0)
    assert again.said() == f" {LONG}"
    assert suffered(again) == []


def test_what_was_resumed_is_told_in_samples_and_calls() -> None:
    driver = driver_with(handle_interval_s=0.5)
    driver.audio(tone(0.25))
    driver.run(0.6)
    driver.audio(tone(0.25))
    again = resumed(driver)
    assert driver.record.to_json()["resumed_from"] is None
    assert again.record.to_json()["resumed_from"] == {"id": 0, "audio_samples": 4000, "calls": 0}
    again.audio(tone(0.25) + silence(0.3))
    [turn] = map(object_of, list_of(again.record.to_json()["turns"]))
    # The utterance began on the connection before.
    assert turn["audio_from"] == 0
    # Quiet that ended it is left out, all but 200 ms of it.
    assert turn["audio_to"] == pytest.approx(4000 + 3200, abs=320)
