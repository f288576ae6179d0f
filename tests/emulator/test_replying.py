"""From words and requests in words to replies."""

from emulator.json_types import JsonObject, list_of
from emulator.live_setup import Behavior
from emulator.memory import Memory
from emulator.mending import NOTHING_MORE, NOTHING_TO_ANSWER, CarryOn, Nudge, ToolTold
from emulator.minds import Reply
from emulator.record import SessionRecord
from emulator.replying import Replying
from tests.emulator.live_driver import World, mind_of

TOOLS: JsonObject = {
    "tools": [{"functionDeclarations": [{"name": "draw", "behavior": "BLOCKING"}]}]
}


class Bench:
    def __init__(self) -> None:
        admission = World().admit({"model": "models/gemini-3.8-live", **TOOLS})
        self.memory: Memory = admission.memory
        self.record = SessionRecord(0, 0.0, 0.0)
        self.replying = Replying(self.memory, self.record)


def test_words_are_taken_together_and_once() -> None:
    bench = Bench()
    bench.memory.unanswered += ["one", "", "two"]
    assert bench.replying.take_words("three") == "one two three"
    assert bench.replying.take_words() == ""


def test_the_mind_sees_and_remembers_what_it_was_asked() -> None:
    bench = Bench()
    bench.memory.eyes.look(b"red", 0.0)
    assert bench.replying.to_words("hi").say == "You said: hi. I see red."
    assert bench.memory.asked == "hi"
    assert bench.replying.behavior("draw") is Behavior.BLOCKING


def test_a_nudge_answers_what_is_unanswered_or_says_so() -> None:
    bench = Bench()
    bench.memory.unanswered.append("hi")
    assert bench.replying.to_request(Nudge(), 1.0) == ("hi", Reply("You said: hi."))
    assert bench.replying.to_request(Nudge(), 1.0) == ("", Reply(NOTHING_TO_ANSWER))


def test_a_told_result_is_a_result_and_in_the_record() -> None:
    bench = Bench()
    told = ToolTold("draw", {"output": 1})
    assert bench.replying.to_request(told, 3.0) == ("", Reply("draw is done."))
    [call] = list_of(bench.record.to_json()["calls"])
    assert call == {
        **{"kind": "response", "name": "draw", "id": "", "value": {"output": 1}},
        **{"at": 3.0, "at_unix": 3.0},
    }


def test_a_told_result_answers_the_words_that_it_was_called_for() -> None:
    bench = Bench()
    bench.memory.unanswered.append("draw a cat")
    bench.memory.called.append("draw")
    bench.replying.to_request(ToolTold("draw", {}), 3.0)
    assert (bench.memory.called, bench.replying.take_words()) == ([], "")
    bench.memory.unanswered.append("and a dog")
    bench.replying.to_request(ToolTold("draw", {}), 3.0)
    assert bench.replying.take_words() == "and a dog"


def test_an_answer_is_carried_on_by_words_that_came_since() -> None:
    bench = Bench()
    bench.memory.unanswered.append("hi")
    assert bench.replying.to_request(CarryOn(""), 1.0) == ("hi", Reply("You said: hi."))
    # Asked once more: the words are known as those that were answered last.
    assert bench.replying.to_request(CarryOn("you said"), 1.0) == ("hi", Reply("hi."))


def test_where_an_answer_broke_off_may_be_left_to_the_model() -> None:
    bench = Bench()
    bench.memory.asked = "hi"
    bench.memory.said = "You said"
    assert bench.replying.to_request(CarryOn(None), 1.0) == ("hi", Reply("hi."))


def test_what_the_client_says_was_called_is_not_called_again_for_it() -> None:
    world = World(new_mind=mind_of({"hear": "go", "call": {"name": "draw"}, "repeat": True}))
    memory = world.admit({"model": "models/gemini-3.8-live", **TOOLS}).memory
    replying = Replying(memory, SessionRecord(0, 0.0, 0.0))
    memory.called.append("draw")
    assert replying.to_words("go").calls == ()
    memory.called.clear()
    assert len(replying.to_words("go").calls) == 1


def test_without_any_words_there_is_nothing_to_carry_on() -> None:
    assert Bench().replying.to_request(CarryOn("one"), 1.0) == ("", Reply(NOTHING_MORE))


def test_an_answer_is_carried_on_from_memory() -> None:
    bench = Bench()
    bench.memory.asked = "hi"
    bench.memory.broken = Reply("Red, green, blue.")
    assert bench.replying.to_request(CarryOn("red green"), 1.0) == ("hi", Reply("blue."))
