import json
import re
import sys
from pathlib import Path

import pytest

from emulator.closes import INTERNAL_ERROR, NAMED, UNAVAILABLE, Close
from emulator.faults import parse_fault
from emulator.json_types import JSON
from emulator.minds import BrainMind, EchoBrain, Reply, ToolRequest, Words
from emulator.scenario import (
    Scenario,
    ScenarioError,
    ScenarioMind,
    holds,
    load_scenario,
    parse_scenario,
)

YAML = """
otherwise: silence
steps:
  - hear: hello
    transcript: Hello, there!
    after: 0.5
    say: Good day.
  - hear: "*"
    call: {name: create_image, args: {prompt: a red house}}
  - result: create_image
    say: Here it is.
  - at: 12.5
    say: Are you still there?
    go_away: 3
  - hear: stop
    close: unavailable
"""


def mind(scenario: Scenario) -> ScenarioMind:
    return ScenarioMind(scenario, BrainMind(EchoBrain()))


def user(one: ScenarioMind, text: str) -> Reply:
    return one.on_user(text, sight="", tools=frozenset())


def steps(*written: JSON) -> Scenario:
    return parse_scenario({"steps": list(written)})


def test_a_written_conversation_is_played() -> None:
    one = mind(load_scenario(YAML))
    assert one.transcript() == "Hello, there!"
    assert user(one, "Hello, there!") == Reply(say="Good day.", after_s=0.5)
    assert one.transcript() is None
    call = ToolRequest("create_image", {"prompt": "a red house"})
    assert user(one, "whatever") == Reply(calls=(call,))
    assert one.on_tool_result("create_image", {}) == Reply(say="Here it is.")
    assert one.next_at() == 12.5
    assert one.on_time() == Reply(say="Are you still there?", go_away_s=3.0)
    assert (one.next_at(), one.on_time()) == (None, Reply())
    assert user(one, "please STOP now") == Reply(close=UNAVAILABLE)
    # Nothing is left, and nobody else answers.
    assert user(one, "hello") == Reply()
    assert one.on_tool_result("create_image", {}) == Reply()


def test_the_documented_example_is_valid_and_names_every_close() -> None:
    text = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text()
    [example] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    one = mind(load_scenario(example))
    assert one.transcript() == "Hello there"
    assert user(one, "Hello there").say == "Good morning. What shall I draw?"
    assert user(one, "Draw a red house!").calls[0].args == {"prompt": "a red house"}
    assert one.on_tool_result("create_image", {}).say == "Here is your house."
    assert user(one, "crash").close == INTERNAL_ERROR
    [names] = re.findall(r"- Names of `close`: (.*)\.", text)
    assert re.findall(r"\w+", names) == list(NAMED)


def test_json_is_read_too() -> None:
    scenario = load_scenario(json.dumps({"steps": [{"hear": "a", "say": "b"}]}))
    assert user(mind(scenario), "a").say == "b"


def test_unexpected_turns_go_to_the_brain() -> None:
    one = mind(steps({"hear": "a", "say": "b"}))
    assert user(one, "c").say == "You said: c."
    assert one.on_tool_result("f", {}).say == "f is done."
    assert user(one, "a").say == "b"


def test_steps_are_used_once_unless_they_repeat() -> None:
    one = mind(steps({"hear": "a", "say": "1"}, {"hear": "*", "say": "2", "repeat": True}))
    assert [user(one, "a").say for _ in range(3)] == ["1", "2", "2"]


def test_the_earliest_time_comes_first() -> None:
    one = mind(steps({"at": 5, "say": "late"}, {"at": 1, "say": "early"}))
    assert [one.on_time().say, one.on_time().say] == ["early", "late"]


def test_results_of_any_function_can_be_met() -> None:
    assert mind(steps({"result": "*", "say": "x"})).on_tool_result("f", {}).say == "x"


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("Make it WARMER, please.", "it warmer", True),
        ("It is swarmer", "warmer", False),
        ("anything", "*", True),
        ("", "*", True),
        ("make it", "it make", False),
    ],
)
def test_words_are_held_whole_and_in_order(text: str, words: str, expected: bool) -> None:
    assert holds(text, words) is expected


def test_a_close_may_be_written_out() -> None:
    one = mind(steps({"hear": "*", "close": {"code": 4000, "reason": "because"}}))
    assert user(one, "").close == Close(4000, "because")


def test_several_calls_are_a_list() -> None:
    reply = user(mind(steps({"hear": "*", "call": [{"name": "a"}, {"name": "b"}]})), "")
    assert [call.name for call in reply.calls] == ["a", "b"]


WRONG: list[tuple[JSON, str]] = [
    ({"steps": [{"hear": "a", "fault": 1}]}, "step 1: a `fault` is text"),
    ({"steps": [{"hear": "a", "fault": "x"}]}, "step 1: `x` is no kind of fault"),
    ({"steps": [{"hear": "a", "fault": "quota"}]}, "step 1: `quota` belongs to a setup"),
    ([], "a scenario is an object"),
    ({"steps": [], "speed": 1}, "the scenario does not know `speed`"),
    ({}, "`steps` is a list"),
    ({"steps": [], "otherwise": "x"}, "`otherwise` is"),
    ({"steps": [5]}, "step 1 is an object"),
    ({"steps": [{"hear": "a", "sey": "b"}]}, "step 1 does not know `sey`"),
    ({"steps": [{"say": "b"}]}, "step 1 has exactly one of"),
    ({"steps": [{"hear": "a", "at": 1}]}, "step 1 has exactly one of"),
    ({"steps": [{"hear": 5}]}, "step 1: `hear` is text"),
    ({"steps": [{"hear": "*"}, {"hear": "a", "after": -1}]}, "step 2: `after` is a number"),
    ({"steps": [{"at": "soon"}]}, "step 1: `at` is a number"),
    ({"steps": [{"hear": "a", "call": {"args": {}}}]}, "step 1: a call has"),
    ({"steps": [{"hear": "a", "call": {"name": "f", "args": 1}}]}, "step 1: a call has"),
    ({"steps": [{"hear": "a", "call": {"name": "f", "arg": {}}}]}, "step 1: a call has"),
    ({"steps": [{"hear": "a", "close": "nonsense"}]}, "step 1: `close` is"),
    ({"steps": [{"hear": "a", "close": {"code": 1006}}]}, "step 1: `close` is"),
    ({"steps": [{"hear": "a", "transcript": "b"}]}, "step 1: `transcript` does not hold"),
    ({"steps": [{"result": "a", "transcript": "a"}]}, "step 1: `transcript` does not hold"),
    ({"steps": [{"at": 1, "repeat": True}]}, "step 1: a step with `at` cannot repeat"),
    ({"steps": [{"hear": "a", "repeat": "yes"}]}, "step 1: `repeat` is true or false"),
    ({"steps": [{"hear": "a", "poison": 1}]}, "step 1: `poison` is true or false"),
    ({"steps": [{"hear": "a", "call": "draw"}]}, "step 1: a call has"),
    ({"steps": [{"hear": "a", "close": {"code": 4000, "text": "x"}}]}, "`close` does not know"),
    ({"steps": [{"hear": "a", "close": {"code": 4000, "reason": 1}}]}, "step 1: `close` is"),
    ({"steps": [{"hear": "a", "stall": "long"}]}, "step 1: `stall` is a number"),
    ({"steps": [{"hear": "a", "words": "never"}]}, "step 1: `words` is one of along, early"),
    ({"steps": [{"hear": "a", "words": 1}]}, "step 1: `words` is one of along, early"),
]


@pytest.mark.parametrize(("value", "words"), WRONG)
def test_mistakes_are_named(value: JSON, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(value)
    assert words in str(caught.value)


def test_text_that_is_neither_is_refused() -> None:
    with pytest.raises(ScenarioError, match="neither JSON nor YAML"):
        load_scenario("steps: [")


@pytest.mark.parametrize(
    "text",
    [
        "steps: [{hear: a, call: {name: f, args: {day: 2026-01-01}}}]",
        "steps: &steps [{hear: a, call: {name: f, args: {again: *steps}}}]",
    ],
)
def test_what_yaml_knows_and_json_does_not_is_refused(text: str) -> None:
    with pytest.raises(ScenarioError, match="JSON cannot hold"):
        load_scenario(text)


def test_keys_of_yaml_that_are_no_text_are_named() -> None:
    with pytest.raises(ScenarioError, match="step 1 does not know `5`"):
        load_scenario("steps: [{hear: a, on: b, 5: c}]")


def test_faults_are_read() -> None:
    fault: JSON = {"hear": "*", "say": "a", "stall": 2, "words": "late", "poison": True}
    expected = Reply(say="a", stall_s=2.0, words=Words.LATE, poison=True)
    assert user(mind(steps(fault)), "") == expected


def test_yaml_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ScenarioError, match="PyYAML"):
        load_scenario("steps: []")
    assert load_scenario('{"steps": []}').steps == ()


def test_steps_may_bring_faults() -> None:
    steps: JSON = [
        {"hear": "a", "fault": "drop@answer=1"},
        {"hear": "b", "fault": ["mute", "drop"]},
    ]
    one = mind(parse_scenario({"steps": steps}))
    assert user(one, "a").faults == (parse_fault("drop@answer=1", "step 1.1"),)
    assert [fault.origin for fault in user(one, "b").faults] == ["step 2.1", "step 2.2"]
