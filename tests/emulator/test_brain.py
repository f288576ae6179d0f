from __future__ import annotations

import copy

import pytest

from emulator import phrases
from emulator.brain import (
    ABILITIES,
    CANCEL,
    COUNT,
    CREATE,
    EDIT,
    MAX_ECHO_CHARACTERS,
    NAME,
    NO_BRUSH,
    NOT_UNDERSTOOD,
    NOTHING_SEEN,
    SELECT,
    STORY,
    WAIT,
    Brain,
    Call,
    Thought,
    failure,
    last_colour,
    read_out,
)
from emulator.json_types import JSON, JsonObject

IMAGE_TOOLS = frozenset({CREATE, EDIT})
NONE: frozenset[str] = frozenset()


def say(text: str, *, sight: str = "", tools: frozenset[str] = NONE) -> str:
    return Brain().on_user(text, sight=sight, tools=tools).say


def edit_of(brain: Brain, text: str, *, sight: str = "I see a room.") -> tuple[JSON, JSON]:
    """(source, prompt) of the one edit that a sentence asks for."""
    thought = brain.on_user(text, sight=sight, tools=IMAGE_TOOLS)
    [call] = thought.calls
    assert (thought.say, call.name) == (WAIT, EDIT)
    return call.args["source"], call.args["prompt"]


def test_every_spoken_sentence_has_its_own_answer() -> None:
    for sentence in phrases.sentences():
        thought = Brain().on_user(sentence, sight="I see a room.", tools=IMAGE_TOOLS)
        assert (thought.say or thought.calls) and not thought.say.startswith("You said")
        assert thought.say != NOT_UNDERSTOOD


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Hello!", "Hello. I am the emulator."),
        ("goodbye", "Goodbye."),
        ("Thanks", "You are welcome."),
        ("stop", "Okay."),
        ("What can you do?", ABILITIES),
        ("tell me a story", STORY),
        ("please count to ten", COUNT),
        ("", NOT_UNDERSTOOD),
        (" ?! ", NOT_UNDERSTOOD),
        ("what do you see", NOTHING_SEEN),
        ("what time is it", "I have no clock, and nobody gave me a tool that tells the time."),
        ("I like cheese.", "You said: I like cheese."),
    ],
)
def test_plain_answers(text: str, answer: str) -> None:
    assert say(text) == answer


def test_the_story_is_long_enough_to_interrupt() -> None:
    words_per_minute = 180
    assert len(STORY.split()) / words_per_minute * 60 > 25


def test_what_is_seen_is_said() -> None:
    assert say("What do you see?", sight="I see blue.") == "I see blue."


def test_long_text_is_not_repeated_whole() -> None:
    assert len(say("x" * 5000)) < MAX_ECHO_CHARACTERS + 20


def test_drawing_calls_the_tool_with_the_words() -> None:
    thought = Brain().on_user("Draw a red circle", sight="", tools=IMAGE_TOOLS)
    assert thought == Thought(WAIT, (Call(CREATE, {"prompt": "Draw a red circle"}),))
    again = Brain().on_user("make me a picture of a house", sight="", tools=IMAGE_TOOLS)
    assert again.calls[0].name == CREATE


@pytest.mark.parametrize("text", ["draw a red circle", "change the wall to blue", "undo"])
def test_without_tools_it_cannot_draw(text: str) -> None:
    thought = Brain().on_user(text, sight="I see a room.", tools=frozenset({"get_time"}))
    assert thought == Thought(NO_BRUSH)


def test_sources_of_edits() -> None:
    brain = Brain()
    assert edit_of(brain, "change the wall to blue")[0] == "camera"
    assert edit_of(brain, "show me this room with a blue wall")[0] == "camera"
    assert edit_of(brain, "make it warmer")[0] == "last"
    assert edit_of(brain, "add a plant")[0] == "last"
    assert edit_of(brain, "change the wall to red")[0] == "camera"
    assert edit_of(brain, "add a hat to my photo")[0] == "upload"
    assert edit_of(brain, "change the wall in the uploaded picture to red")[0] == "upload"


def test_only_one_side_names_the_last_colour() -> None:
    brain = Brain()
    assert edit_of(brain, "only the left wall") == ("last", "only the left wall")
    edit_of(brain, "change the wall to blue")
    edit_of(brain, "blur it")
    assert edit_of(brain, "only the left wall.") == ("last", "only the left wall, in blue")


def test_going_back() -> None:
    assert edit_of(Brain(), "undo") == ("last", "undo")
    assert edit_of(Brain(), "go back to the first one")[0] == "last"
    tools = IMAGE_TOOLS | {"undo_image"}
    undone = Brain().on_user("undo", sight="", tools=tools)
    assert undone.calls == (Call("undo_image", {"which": "undo"}),)
    first = Brain().on_user("go back to the first one", sight="", tools=tools)
    assert first.calls == (Call("undo_image", {"which": "first"}),)


def test_the_time_comes_from_a_tool() -> None:
    thought = Brain().on_user("what time is it", sight="", tools=frozenset({"draw", "get_time"}))
    assert thought == Thought(WAIT, (Call("get_time", {}),))


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("call look_up", Call("look_up", {})),
        ("Use the tool look_up.", Call("look_up", {})),
        (
            'use look_up with {"city": "Oslo", "n": [1]}',
            Call("look_up", {"city": "Oslo", "n": [1]}),
        ),
    ],
)
def test_any_tool_can_be_called(text: str, call: Call) -> None:
    thought = Brain().on_user(text, sight="", tools=frozenset({"look_up"}))
    assert thought == Thought(WAIT, (call,))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("call nobody_here", "I have no tool called nobody here."),
        ("use look_up with {broken}", "I cannot read the arguments: they are not JSON."),
        ("call me at five", "You said: call me at five"),
    ],
)
def test_calls_that_cannot_be_made(text: str, answer: str) -> None:
    assert say(text, tools=frozenset({"look_up"})) == answer


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ({"output": "image shown"}, "Here it is."),
        ({"status": "ready", "image_id": "7"}, "Here it is."),
        ({"status": "started"}, "It is being drawn."),
        ({"error": "the prompt was blocked"}, "That did not work: the prompt was blocked"),
        ({"error": {"message": "too dark"}}, "That did not work: too dark"),
        ({"status": "failed", "reason": "no image"}, "That did not work: no image"),
        ({"success": False}, "That did not work: no reason was given."),
        ({}, "I got no answer, so I cannot say how it went."),
    ],
)
def test_results_of_pictures_are_told_truthfully(response: JsonObject, words: str) -> None:
    assert Brain().on_tool_result(EDIT, response).say == words
    assert Brain().on_tool_result(CREATE, response).say == words


def test_of_several_pictures_the_words_are_told() -> None:
    output: JsonObject = {"image_id": "a", "images": ["a", "b"], "text": "First, take 3."}
    assert Brain().on_tool_result(CREATE, {"output": output}).say == "Here it is. First, take 3."
    del output["images"]
    assert Brain().on_tool_result(CREATE, {"output": output}).say == "Here it is."


ALL_TOOLS = frozenset({CREATE, EDIT, SELECT, NAME, CANCEL})


@pytest.mark.parametrize(
    ("text", "name", "args"),
    [
        ("redo", SELECT, {"which": "redo"}),
        ("take the second one", SELECT, {"which": "the second one"}),
        ("Show me the blue one.", SELECT, {"which": "the blue one"}),
        ("call it the blue one", NAME, {"name": "the blue one"}),
        ("Never mind.", CANCEL, {}),
        ("cancel that", CANCEL, {}),
        ("go back to the first one and add a plant", EDIT,
         {"prompt": "add a plant", "source": "first"}),
        ("make it green instead", EDIT,
         {"prompt": "make it green", "source": "last", "replaces_pending": True}),
        ("make a poster saying hello in three variants", CREATE,
         {"prompt": "make a poster saying hello", "count": 3}),
        ("Make a poster saying hello", CREATE, {"prompt": "Make a poster saying hello"}),
        ("show the fox in a forest", CREATE,
         {"prompt": "show the fox in a forest", "like": ["last"]}),
        ("put this lamp on that table", CREATE,
         {"prompt": "put this lamp on that table", "like": ["upload 1", "upload 2"]}),
        ("explain this step by step", CREATE,
         {"prompt": "explain this step by step", "like": ["camera"]}),
    ],
)  # fmt: skip
def test_wishes_about_pictures(text: str, name: str, args: dict[str, JSON]) -> None:
    [call] = Brain().on_user(text, sight="I see a room.", tools=ALL_TOOLS).calls
    assert (call.name, call.args) == (name, args)


def test_without_those_tools_it_says_little() -> None:
    assert say("never mind") == "Okay."
    assert say("make it green instead") == NO_BRUSH
    assert say("explain this step by step") == NO_BRUSH
    [call] = Brain().on_user("explain it step by step", sight="", tools=ALL_TOOLS).calls
    assert call.args["like"] == []


@pytest.mark.parametrize("name", [SELECT, NAME, CANCEL])
def test_what_was_done_is_said_and_what_failed_too(name: str) -> None:
    assert Brain().on_tool_result(name, {"output": {"image_id": "a"}}).say
    assert "failed: no" in Brain().on_tool_result(name, {"error": "no"}).say


def test_what_people_did_beside_their_words_is_no_wish() -> None:
    told = "(Somebody points at a part of a picture.) (Somebody did more.) draw a house"
    [call] = Brain().on_user(told, sight="", tools=ALL_TOOLS).calls
    assert call.args == {"prompt": "draw a house"}
    assert say("(Somebody points at a part of a picture.)").startswith("You said")


def test_results_of_other_tools_are_read_out() -> None:
    brain = Brain()
    assert brain.on_tool_result("get_time", {"output": "noon"}).say == "get time says: noon"
    assert brain.on_tool_result("get_time", {"error": "x"}).say == "get time failed: x"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("text", "text"),
        (3.5, "3.5"),
        (True, "yes"),
        (False, "no"),
        (None, "nothing"),
        ([], "nothing"),
        ({}, "nothing"),
        (["a", 1], "a, 1"),
        ({"result": {"text": "deep"}}, "deep"),
        ({"wind_speed": 4, "sky": "clear"}, "wind speed 4, sky clear"),
    ],
)
def test_reading_json_out(value: JSON, words: str) -> None:
    assert read_out(value) == words


def test_reading_out_is_bounded() -> None:
    assert len(read_out("x" * 9000)) <= 400
    assert len(read_out(["x" * 300] * 9)) <= 400
    assert len(read_out({str(n): "x" * 300 for n in range(9)})) <= 400


def test_failure_is_none_for_success() -> None:
    assert failure({"output": "ok", "error": None, "success": True}) is None
    assert failure({"status": "cancelled"}) == "no reason was given."
    assert failure({"ok": False, "message": "late"}) == "late"


def test_the_last_colour_counts() -> None:
    assert last_colour("from white to a gray wall") == "gray"
    assert last_colour("warmer") == ""


def test_a_brain_can_be_copied() -> None:
    brain = Brain()
    edit_of(brain, "change the wall to blue")
    twin = copy.deepcopy(brain)
    edit_of(brain, "change the wall to red")
    assert edit_of(twin, "only the left wall")[1] == "only the left wall, in blue"
