from dataclasses import dataclass, field

from emulator.closes import INTERNAL_ERROR
from emulator.faults import parse_fault
from emulator.json_types import JSON, JsonObject
from emulator.minds import BrainMind, EchoBrain, Reply, ToolRequest, Words, merged


def test_an_empty_reply_is_known() -> None:
    assert Reply(after_s=2.0).empty
    for reply in (
        Reply(say="x"),
        Reply(calls=(ToolRequest("f", {}),)),
        Reply(close=INTERNAL_ERROR),
        Reply(go_away_s=0.0),
    ):
        assert not reply.empty


def test_the_echo_repeats_what_it_heard_and_saw() -> None:
    echo = EchoBrain()
    assert echo.on_user("hi", sight="", tools=frozenset()).say == "You said: hi."
    assert echo.on_user("", sight="red", tools=frozenset()).say.endswith("I see red.")
    assert echo.on_tool_result("create_image", {}).say == "create image is done."


@dataclass(frozen=True)
class Call:
    name: str
    args: dict[str, JSON]


@dataclass(frozen=True)
class Thought:
    say: str = ""
    calls: tuple[Call, ...] = ()


@dataclass
class Brain:
    asked: list[object] = field(default_factory=list)

    def on_user(self, text: str, *, sight: str, tools: frozenset[str]) -> Thought:
        self.asked.append((text, sight, tools))
        return Thought("yes", (Call("f", {"x": 1}),))

    def on_tool_result(self, name: str, response: JsonObject) -> Thought:
        self.asked.append((name, response))
        return Thought("done")


def test_a_brain_is_asked_and_its_thoughts_become_replies() -> None:
    brain = Brain()
    mind = BrainMind(brain)
    reply = mind.on_user("hi", sight="red", tools=frozenset({"f"}))
    assert reply == Reply(say="yes", calls=(ToolRequest("f", {"x": 1}),))
    assert mind.on_tool_result("f", {"a": 1}) == Reply(say="done")
    assert brain.asked == [("hi", "red", frozenset({"f"})), ("f", {"a": 1})]
    assert (mind.transcript(), mind.next_at(), mind.on_time()) == (None, None, Reply())


def test_poison_is_something_that_follows() -> None:
    assert not Reply(poison=True).empty


def test_replies_to_several_results_are_one() -> None:
    fault = parse_fault("drop")
    one = merged(
        (
            Reply("One.", after_s=1.0),
            Reply("Two.", close=INTERNAL_ERROR, go_away_s=3.0, words=Words.LATE),
            Reply(bundled=True, faults=(fault,)),
        )
    )
    assert one == Reply(
        *("One. Two.", (), 1.0, INTERNAL_ERROR, 3.0),
        words=Words.LATE,
        bundled=True,
        faults=(fault,),
    )
    assert merged((Reply(),)) == Reply()
    assert not Reply(faults=(fault,)).empty
