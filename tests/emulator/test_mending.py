"""What a client asks for in words after a break, and what is left of a broken answer."""

import pytest

from emulator.live_setup import Behavior
from emulator.mending import (
    NOTHING_MORE,
    CarryOn,
    Nudge,
    Request,
    ToolTold,
    carried_on,
    read_notes,
    read_request,
    rest_of,
)
from emulator.minds import Reply, ToolRequest

AFTER = (
    'Your last answer broke off after the words "{}". '
    "Go on from there; do not repeat them and do not greet."
)
MIDDLE = "Your last answer broke off in the middle. Go on from there, and do not greet."
WHOLE = "Your last answer broke off before its first word. Give it now."


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        (AFTER.format("one, two"), CarryOn("one, two")),
        (AFTER.format('she said "no".'), CarryOn('she said "no".')),
        (WHOLE, CarryOn("")),
        (MIDDLE, CarryOn(None)),
        ("Please answer what was just said.", Nudge()),
        (
            'The result of get_time, which you called before: {"output": "noon"}',
            ToolTold("get_time", {"output": "noon"}),
        ),
        ("The result of f, which you called before: [1]", ToolTold("f", {"output": [1]})),
        ("The result of f, which you called before: {", ToolTold("f", {"output": "{"})),
        ("Please answer.", None),
        ("hello", None),
        ("", None),
    ],
)
def test_requests_are_read(text: str, request_: Request | None) -> None:
    assert read_request(text) == request_


NOTE = (
    "(Before the connection broke you called {} with {{}}. Its result will follow: "
    "do not call it again for this.)"
)
ANSWERED = '(Before the connection broke you called {} with {{}}. Its result was: {{"output": 1}})'


@pytest.mark.parametrize(
    ("text", "left", "names"),
    [
        ("Hello.", "Hello.", ()),
        (NOTE.format("draw"), "", ("draw",)),
        ("Make it red.[an image]", "Make it red.", ()),
        (f"This is the current image.{NOTE.format('draw')}", "", ("draw",)),
        (f"Red. {ANSWERED.format('draw')} {NOTE.format('ask')} So?", "Red. So?", ("draw", "ask")),
        (f"Red. {NOTE.format('draw')} {NOTE.format('ask')}", "Red.", ("draw", "ask")),
    ],
)
def test_notes_of_calls_are_read_and_left_out(text: str, left: str, names: tuple[str, ...]) -> None:
    assert read_notes(text) == (left, names)


@pytest.mark.parametrize(
    ("answer", "words", "rest"),
    [
        ("One, two, three.", "one two", "three."),
        ("One, two, three.", "TWO,", "three."),
        ("One, two, three.", "two three", ""),
        ("One, two, three.", "", "One, two, three."),
        ("One, two, three.", "four", "One, two, three."),
        # Whole words only, and all of them side by side.
        ("Once upon a time.", "on", "Once upon a time."),
        ("One, two, three.", "one three", "One, two, three."),
        ("One.", "one two three", "One."),
        # Of two places the first: rather said twice than never.
        ("a b a b c", "a b", "a b c"),
        ("", "one", ""),
    ],
)
def test_what_is_left_of_an_answer(answer: str, words: str, rest: str) -> None:
    assert rest_of(answer, words) == rest


def behavior(name: str) -> Behavior:
    return Behavior.BLOCKING if name == "blocks" else Behavior.NON_BLOCKING


CALLS = (ToolRequest("blocks", {}), ToolRequest("runs", {}))
AGAIN = Reply(say="One, two, three.", calls=CALLS)


def test_a_remembered_answer_goes_on_with_the_calls_it_still_owes() -> None:
    broken = Reply(say="Red, green, blue.", calls=CALLS)
    assert carried_on("red", broken, AGAIN, behavior) == Reply("green, blue.", CALLS)


def test_an_answer_made_anew_calls_nothing_that_was_called_before_its_first_word() -> None:
    assert carried_on("one", None, AGAIN, behavior) == Reply("two, three.", CALLS[:1])
    assert carried_on("", None, AGAIN, behavior) == AGAIN


def test_an_answer_of_which_nothing_is_left_is_ended_in_words() -> None:
    assert (
        carried_on("two three", None, Reply(say="One, two, three."), behavior).say == NOTHING_MORE
    )
    assert carried_on("two three", None, AGAIN, behavior) == Reply("", CALLS[:1])
