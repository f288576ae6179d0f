"""What was said while the page was away, joined to what it heard itself (past.js)."""

from typing import Any

import pytest

from tests.web.conftest import Modules
from tests.web.messages import image, said, transcript

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LOST: dict[str, object] = {"kind": "quiet"}


def line(role: str, turn: int, text: str, **more: object) -> dict[str, object]:
    return {"role": role, "turn": turn, "text": text, "final": True, **more}


def past(*said: object, own: tuple[str, ...] = ("me",)) -> dict[str, object]:
    return {"kind": "past", "said": list(said), "own": list(own)}


async def test_the_past_is_told_once_and_before_everything(modules: Modules) -> None:
    told = past(line("user", 1, "Hello"), line("model", 1, " Hi. "))
    before = [("user", "Hello"), ("model", "Hi.")]
    view = await modules.reduce(told)
    assert said(view) == before
    assert [item["past"] for item in view["transcript"]["items"]] == [True, True]
    assert said(await modules.reduce(told, told)) == before
    assert said(await modules.reduce(transcript("user", "Now", 2), told)) == [
        *before, ("user", "Now"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    [None, 7, {}, line("tool", 1, "x"), line("user", 1, " "), {"role": "user", "turn": 1},
     {"role": "user", "turn": "1", "text": "x"}],
)  # fmt: skip
async def test_what_is_no_line_is_left_out_of_the_past(modules: Modules, broken: object) -> None:
    assert said(await modules.reduce(past(broken, line("user", 1, "Hello")))) == [("user", "Hello")]


async def test_what_was_heard_here_is_known_better_than_the_past(modules: Modules) -> None:
    view = await modules.reduce(
        transcript("model", "Once upon a time", 1), past(line("model", 1, "Once upon"))
    )
    assert said(view) == [("model", "Once upon a time")]


async def test_an_answer_that_was_cut_in_the_past_says_so(modules: Modules) -> None:
    view = await modules.reduce(past(line("model", 1, "One two", interrupted=True)))
    assert view["transcript"]["items"][0]["interrupted"] is True


async def test_in_the_past_too_others_are_guests(modules: Modules) -> None:
    told = past(
        line("user", 1, "mine", peer="me"), line("user", 1, "theirs", peer="you"),
        line("user", 2, "nobody's", peer=None),
    )  # fmt: skip
    assert said(await modules.reduce(told)) == [
        ("user", "mine"), ("peer", "theirs"), ("user", "nobody's"),
    ]  # fmt: skip


@pytest.mark.parametrize("marks_first", [True, False])
async def test_images_stand_where_they_were_begun(modules: Modules, marks_first: bool) -> None:
    told = past(line("user", 1, "Draw"), line("model", 1, "Yes."), line("user", 2, "Thanks"))
    marks = [image("ready", 1, "a", turn=1), image("ready", 2, "b", turn=2)]
    view = await modules.reduce(*([*marks, told] if marks_first else [told, *marks]))
    assert said(view) == [
        ("user", "Draw"), ("model", "Yes."), ("image", "a"), ("user", "Thanks"), ("image", "b"),
    ]  # fmt: skip


async def test_an_image_without_a_turn_stands_last(modules: Modules) -> None:
    told = past(line("user", 1, "Draw"))
    view = await modules.reduce(image("ready", 1), told, transcript("user", "Now", 2))
    assert said(view) == [("user", "Draw"), ("image", "a"), ("user", "Now")]


async def test_what_was_said_meanwhile_stands_where_it_was_said(modules: Modules) -> None:
    view = await modules.reduce(
        transcript("user", "One", 1, final=True), transcript("model", "Two.", 1, final=True),
        LOST,
        past(line("user", 1, "One"), line("model", 1, "Two."), line("user", 2, "Three"),
             line("model", 2, "Four.")),
    )  # fmt: skip
    assert said(view) == [("user", "One"), ("model", "Two."), ("user", "Three"), ("model", "Four.")]
    assert [item["past"] for item in view["transcript"]["items"]] == [False, False, True, True]


async def test_an_answer_that_ended_meanwhile_ends_as_it_was_heard(modules: Modules) -> None:
    cut = line("model", 1, "Once upon", interrupted=True)
    view = await modules.reduce(transcript("model", "Once upon a time", 1), LOST, past(cut))
    (item,) = view["transcript"]["items"]
    assert (item["text"], item["final"], item["interrupted"]) == ("Once upon", True, True)


async def test_what_nobody_heard_in_the_end_is_not_kept(modules: Modules) -> None:
    kept = past(line("user", 1, "Hello"))
    view = await modules.reduce(
        transcript("user", "Hello", 1, final=True), transcript("model", "Good", 1), LOST, kept
    )
    assert said(view) == [("user", "Hello")]


async def test_an_answer_that_goes_on_is_shown_again(modules: Modules) -> None:
    events = [
        transcript("user", "Hello", 1, final=True), transcript("model", "Good", 1), LOST,
        transcript("model", "Good day", 1), past(line("user", 1, "Hello")),
    ]  # fmt: skip
    view = await modules.reduce(*events)
    assert said(view) == [("user", "Hello"), ("model", "Good day")]
    ended = transcript("model", "Good day.", 1, final=True)
    assert said(await modules.reduce(*events, ended)) == [("user", "Hello"), ("model", "Good day.")]


async def test_the_models_first_words_in_a_turn_are_not_lost_to_its_second(
    modules: Modules,
) -> None:
    """It says that it begins, and later that it is done; the record comes in between."""
    view = await modules.reduce(
        transcript("model", "Here it", 1),
        past(line("user", 1, "Draw"), line("model", 1, "On it.")),
        transcript("model", "Here it is.", 1, final=True),
    )  # fmt: skip
    assert said(view) == [("user", "Draw"), ("model", "On it."), ("model", "Here it is.")]
    keys = [item["key"] for item in view["transcript"]["items"]]
    assert len(set(keys)) == 3


async def test_the_record_corrects_what_was_final(modules: Modules) -> None:
    view = await modules.reduce(
        transcript("model", "One two three.", 1, final=True),
        past(line("model", 1, "One two", interrupted=True)),
    )
    (item,) = view["transcript"]["items"]
    assert (item["text"], item["interrupted"]) == ("One two", True)


async def test_typed_words_are_found_in_the_record(modules: Modules) -> None:
    picture = {"src": "blob:x", "name": "p"}
    typed: dict[str, Any] = {"kind": "typed", "id": 1, "text": "What is it?", "pictures": [picture]}
    told = past(line("user", 1, "What is it?", peer="me"), line("model", 1, "A cat."))
    view = await modules.reduce(typed, LOST, told)
    assert said(view) == [("user", "What is it?"), ("model", "A cat.")]
    assert view["transcript"]["items"][0]["pictures"] == [picture]
    again = {**typed, "id": 2}
    assert said(await modules.reduce(typed, told, again))[-1] == ("user", "What is it?")


async def test_what_the_record_lacks_stays_where_it_was(modules: Modules) -> None:
    dropped = {"type": "audio-dropped", "seconds": 3}
    note = {"kind": "rtvi", "type": "server-message", "id": "1", "data": dropped}
    typed: dict[str, Any] = {"kind": "typed", "id": 1, "text": "Unsent", "pictures": []}
    view = await modules.reduce(
        transcript("user", "One", 1, final=True), note, transcript("model", "Two.", 1, final=True),
        typed, past(line("user", 1, "One"), line("model", 1, "Two."), line("user", 2, "Three")),
    )  # fmt: skip
    assert said(view) == [
        ("user", "One"), ("note", "The last 3 seconds could not be kept"), ("model", "Two."),
        ("user", "Unsent"), ("user", "Three"),
    ]  # fmt: skip


async def test_a_line_that_is_newer_than_the_record_follows_it(modules: Modules) -> None:
    view = await modules.reduce(
        transcript("user", "Later", 3, final=True),
        past(line("user", 1, "Hello"), line("model", 2, "Hi.")),
    )
    assert [text for _, text in said(view)] == ["Hello", "Hi.", "Later"]


async def test_the_joined_list_is_bounded(modules: Modules) -> None:
    most = await modules.value("transcript.js", "MOST_ITEMS")
    view = await modules.reduce(past(*(line("user", i, f"t{i}") for i in range(most + 3))))
    assert [said(view)[0], said(view)[-1]] == [("user", "t3"), ("user", f"t{most + 2}")]
