"""Who said what, in order (transcript.js), as the reducer applies it."""

import pytest

from tests.web.conftest import Modules
from tests.web.messages import rtvi, said, transcript

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_cumulative_text_replaces_and_becomes_final(modules: Modules) -> None:
    view = await modules.reduce(
        transcript("model", "Of"), transcript("model", "Of course."),
        transcript("model", "Of course.", final=True),
    )  # fmt: skip
    (item,) = view["transcript"]["items"]
    assert (item["text"], item["final"], item["interrupted"]) == ("Of course.", True, False)


async def test_a_cut_answer_says_so(modules: Modules) -> None:
    view = await modules.reduce(
        transcript("model", "One two three"),
        transcript("model", "One two", final=True, interrupted=True),
    )
    (item,) = view["transcript"]["items"]
    assert (item["text"], item["interrupted"]) == ("One two", True)


async def test_the_model_may_speak_again_in_its_turn(modules: Modules) -> None:
    view = await modules.reduce(
        transcript("model", "On it.", final=True),
        transcript("model", "Here"),
        transcript("model", "Here it is.", final=True),
    )
    assert said(view) == [("model", "On it."), ("model", "Here it is.")]
    assert len({item["key"] for item in view["transcript"]["items"]}) == 2


async def test_a_final_text_may_be_corrected(modules: Modules) -> None:
    view = await modules.reduce(
        transcript("model", "On it and", final=True), transcript("model", "On it", final=True)
    )
    assert said(view) == [("model", "On it")]


async def test_what_the_user_said_comes_before_the_answer_even_if_late(modules: Modules) -> None:
    view = await modules.reduce(transcript("model", "Sure"), transcript("user", "Blue, please"))
    assert said(view) == [("user", "Blue, please"), ("model", "Sure")]


@pytest.mark.parametrize("turn", [2, 3])
async def test_a_later_turn_is_not_moved(modules: Modules, turn: int) -> None:
    view = await modules.reduce(transcript("model", "Hi", 1), transcript("user", "Hello", turn))
    assert said(view) == [("model", "Hi"), ("user", "Hello")]


async def test_a_finished_answer_is_not_preceded_afterwards(modules: Modules) -> None:
    view = await modules.reduce(
        transcript("model", "Welcome", final=True), transcript("user", "Hello")
    )
    assert said(view) == [("model", "Welcome"), ("user", "Hello")]


async def test_silence_is_not_shown(modules: Modules) -> None:
    assert said(await modules.reduce(transcript("user", ""))) == []


async def test_an_answer_cut_before_its_first_word_disappears(modules: Modules) -> None:
    cut = transcript("model", "", final=True, interrupted=True)
    view = await modules.reduce(transcript("user", "Hi"), transcript("model", "Hello"), cut)
    assert said(view) == [("user", "Hi")]


async def test_what_is_said_again_to_the_model_is_shown_once(modules: Modules) -> None:
    """The connection broke while the user spoke: the line is emptied, and written anew."""
    emptied = [transcript("user", "Change the"), transcript("user", "")]
    assert said(await modules.reduce(*emptied)) == []
    view = await modules.reduce(
        *emptied, transcript("user", "Change the"), transcript("user", "Change the wall"),
        transcript("user", "Change the wall.", final=True), transcript("model", "Sure"),
    )  # fmt: skip
    assert said(view) == [("user", "Change the wall."), ("model", "Sure")]


async def test_emptying_touches_no_line_that_is_final(modules: Modules) -> None:
    view = await modules.reduce(transcript("user", "Hello.", final=True), transcript("user", ""))
    assert said(view) == [("user", "Hello.")]


async def test_typed_words_are_shown_at_once_and_not_twice(modules: Modules) -> None:
    picture = {"src": "blob:x", "name": "p"}
    typed: dict[str, object] = {"kind": "typed", "id": 1, "text": "Hi ", "pictures": [picture]}
    view = await modules.reduce(typed)
    assert [item["final"] for item in view["transcript"]["items"]] == [True]
    view = await modules.reduce(
        typed, transcript("user", "Hi"), transcript("user", "Hi", final=True)
    )
    (item,) = view["transcript"]["items"]
    assert (item["role"], item["pictures"]) == ("user", [picture])


async def test_the_same_words_twice_are_two_messages(modules: Modules) -> None:
    typed: list[dict[str, object]] = [
        {"kind": "typed", "id": i, "text": "again", "pictures": []} for i in (1, 2)
    ]
    view = await modules.reduce(
        typed[0], transcript("user", "again", 1, final=True),
        typed[1], transcript("user", "again", 2, final=True),
    )  # fmt: skip
    assert said(view) == [("user", "again"), ("user", "again")]


async def test_each_guest_has_lines_of_their_own(modules: Modules) -> None:
    ready = rtvi("bot-ready", about={"peer": "me"})
    view = await modules.reduce(
        ready,
        transcript("user", "left", 1, peer="a"),
        transcript("user", "right", 1, peer="b"),
        transcript("user", "left!", 1, peer="a"),
    )
    assert said(view) == [("peer", "left!"), ("peer", "right")]


async def test_a_guest_may_be_named(modules: Modules) -> None:
    view = await modules.reduce(transcript("peer", "Hello", name="Ada"))
    assert view["transcript"]["items"][0]["name"] == "Ada"


async def test_standard_messages_alone_are_understood(modules: Modules) -> None:
    view = await modules.reduce(
        rtvi("user-transcription", text="Hel", final=False),
        rtvi("user-transcription", text="Hello", final=True),
        rtvi("bot-started-speaking"),
        rtvi("bot-transcription", text="Good"),
        rtvi("bot-transcription", text="day"),
        rtvi("bot-transcription", text="."),
        rtvi("bot-stopped-speaking"),
        rtvi("bot-transcription", text="Next"),
    )
    assert said(view) == [("user", "Hello"), ("model", "Good day."), ("model", "Next")]
    assert [item["final"] for item in view["transcript"]["items"]] == [True, True, False]


async def test_bot_output_is_better_than_fragments(modules: Modules) -> None:
    view = await modules.reduce(
        rtvi("bot-transcription", text="Go"),
        rtvi("bot-output", text="Good day.", segment_id=1),
        rtvi("bot-transcription", text="od"),
        rtvi("bot-output", text="Good day.", segment_id=1, spoken_status="completed"),
        rtvi("bot-output", text="How are you?", segment_id=2),
        rtvi("bot-output", text="Not said.", spoken=False),
        rtvi("bot-output", text="Well?"),
    )
    assert said(view) == [("model", "Good day. How are you? Well?")]


async def test_the_services_own_transcript_is_best(modules: Modules) -> None:
    view = await modules.reduce(
        rtvi("user-transcription", text="Blue", final=True),
        rtvi("bot-output", text="Sure.", segment_id=1),
        transcript("user", "Blue, please"),
        transcript("model", "Sure. One moment."),
        rtvi("user-transcription", text="Blue", final=True),
        rtvi("bot-output", text="Sure.", segment_id=2),
        rtvi("bot-stopped-speaking"),
    )
    assert said(view) == [("user", "Blue, please"), ("model", "Sure. One moment.")]
    assert view["transcript"]["items"][1]["final"] is False


async def test_the_list_is_bounded(modules: Modules) -> None:
    most = await modules.value("transcript.js", "MOST_ITEMS")
    view = await modules.reduce(
        *(transcript("user", f"t{i}", i, final=True) for i in range(most + 3))
    )
    texts = [text for _, text in said(view)]
    assert (len(texts), texts[0], texts[-1]) == (most, "t3", f"t{most + 2}")
