from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.conversation import (
    FORGOTTEN_IMAGE,
    HISTORY_LIMIT,
    IMAGES_LIMIT_BYTES,
    Conversation,
    image_part,
)
from processors.frames import Role
from tests.processors.conversation_talk import Talk

USER, MODEL = Role.USER, Role.MODEL


@pytest.fixture
def talk() -> Talk:
    return Talk()


def test_fragments_of_both_sides_become_a_turn(talk: Talk) -> None:
    talk.voice()
    assert talk.user("hello", "there") == 1
    assert talk.model("good", "day") == 1
    assert talk.told == []
    talk.complete()
    assert talk.told == talk.record == ["1 u: hello there", "1 m: good day"]


def test_turns_count_up(talk: Talk) -> None:
    for turn in (1, 2, 3):
        talk.voice()
        assert talk.user("a") == turn
        assert talk.model("b") == turn
        talk.complete()
    assert talk.record == ["1 u: a", "1 m: b", "2 u: a", "2 m: b", "3 u: a", "3 m: b"]


def test_the_open_side_grows(talk: Talk) -> None:
    talk.user("hel")
    talk.conversation.append(USER, "lo")
    entry = talk.conversation.entry(USER)
    assert entry is not None
    assert (entry.text, entry.peer_id) == ("hello", "p")
    assert talk.conversation.entry(MODEL) is None


def test_spaces_within_are_kept_and_those_around_are_not(talk: Talk) -> None:
    talk.conversation.append(MODEL, " ")
    talk.conversation.append(MODEL, "  so ")
    talk.conversation.append(MODEL, " it is ")
    talk.complete()
    assert talk.record == ["1 m: so  it is"]


def test_late_words_of_the_user_belong_to_the_turn_that_is_answered(talk: Talk) -> None:
    talk.voice()
    assert talk.user("make", "it") == 1
    assert talk.model("sure") == 1
    assert talk.user("blue") == 1
    talk.complete()
    assert talk.record == ["1 u: make it blue", "1 m: sure"]


def test_all_words_of_the_user_may_be_late(talk: Talk) -> None:
    talk.voice()
    talk.model("sure")
    assert talk.user("blue", "please") == 1
    talk.complete()
    assert talk.told == ["1 u: blue please", "1 m: sure"]


def test_they_may_come_when_the_answer_is_over_already(talk: Talk) -> None:
    talk.voice()
    talk.model("yes")
    talk.complete()
    assert talk.user("ready?") == 1
    talk.complete()
    assert talk.told == ["1 m: yes", "1 u: ready?"]
    assert talk.record == ["1 u: ready?", "1 m: yes"]


def test_late_words_in_a_later_turn(talk: Talk) -> None:
    talk.voice()
    talk.user("one")
    talk.model("two")
    talk.complete()
    talk.voice()
    assert talk.model("four") == 2
    assert talk.user("three") == 2


def test_words_that_nobody_heard_spoken_still_open_a_turn(talk: Talk) -> None:
    """A voice too soft for the detector: after the answer, such words are a new utterance."""
    talk.user("one")
    talk.model("two")
    talk.complete()
    assert talk.user("three") == 2


def test_so_do_words_after_a_greeting(talk: Talk) -> None:
    talk.model("welcome")
    talk.complete()
    assert talk.user("hello") == 2


def test_speaking_into_the_answer_opens_a_turn(talk: Talk) -> None:
    """Without an interruption, as with NO_INTERRUPTION: the answer goes on."""
    talk.voice()
    talk.user("tell", "me")
    talk.model("once")
    talk.voice()
    assert talk.user("stop") == 2
    assert talk.told == ["1 u: tell me"]
    assert talk.model("upon") == 1
    talk.complete()
    assert talk.told == ["1 u: tell me", "1 m: once upon"]
    assert talk.user("now") == 2
    assert talk.model("well") == 2
    talk.complete()
    assert talk.record == ["1 u: tell me", "1 m: once upon", "2 u: stop now", "2 m: well"]


def test_a_second_breath_before_the_answer_is_the_same_turn(talk: Talk) -> None:
    talk.voice()
    talk.user("tell")
    talk.voice()
    assert talk.user("me") == 1


def test_an_interruption_keeps_what_was_heard(talk: Talk) -> None:
    talk.voice()
    talk.user("count")
    talk.sounds()
    talk.model("one", "two", "three", "four")
    talk.voice()
    talk.cut(0.5)
    talk.interrupted()
    assert talk.told == ["1 u: count", "1 m: one two (cut)"]
    assert talk.user("stop") == 2
    talk.complete()  # of the turn that was cut
    assert talk.user("it") == 2
    talk.model("fine")
    talk.complete()
    assert talk.record[2:] == ["2 u: stop it", "2 m: fine"]


def test_words_before_the_interruption_are_of_the_new_turn(talk: Talk) -> None:
    talk.voice()
    talk.user("count")
    talk.sounds()
    talk.model("one", "two")
    talk.voice()
    assert talk.user("stop") == 2
    talk.cut(1.0)
    talk.interrupted()
    talk.complete()
    assert talk.user("it") == 2
    assert talk.told == ["1 u: count", "1 m: one two (cut)"]


def test_an_answer_that_had_fallen_silent_was_heard_to_its_end(talk: Talk) -> None:
    talk.user("count")
    talk.sounds()
    talk.model("one", "two")
    talk.interrupted()
    assert talk.told == ["1 u: count", "1 m: one two"]
    assert talk.user("stop") == 2


def test_of_one_that_stalled_what_had_sounded_was_heard(talk: Talk) -> None:
    talk.model("one two three four")
    talk.sound(0.5)
    talk.interrupted()
    assert talk.told == ["1 m: one two (cut)"]


def test_an_answer_that_had_not_begun_to_sound_was_not_heard(talk: Talk) -> None:
    talk.user("count")
    talk.model("one", "two")
    talk.interrupted()
    assert talk.told == ["1 u: count", "1 m:  (cut)"]
    assert talk.record == ["1 u: count"]
    assert talk.user("stop") == 2


def test_an_answer_without_words_is_an_answer_too(talk: Talk) -> None:
    talk.user("count")
    talk.sounds()
    talk.cut(0.3)
    talk.interrupted()
    assert talk.told == ["1 u: count"]
    assert talk.user("stop") == 2


def test_words_after_an_interruption_are_new_even_when_the_first_ones_never_came(
    talk: Talk,
) -> None:
    talk.voice()
    talk.sounds()
    talk.model("one")
    talk.cut(1.0)
    talk.interrupted()
    assert talk.user("stop") == 2


def test_an_answer_is_cut_where_its_sound_was() -> None:
    """Most of the sound is a pause, and all of the words came before it."""
    talk = Talk()
    talk.model("One two three.", "Four five six.")
    talk.sound(0.8)
    talk.sound(8.0, b"\x00")
    talk.sound(0.8)
    talk.generated()
    talk.finals += talk.conversation.cut_answer(8.8)
    assert talk.told == ["1 m: One two three. (cut)"]


def test_what_a_voice_was_like_is_remembered() -> None:
    """The second answer's words all come before its sound, of which more will come."""
    talk = Talk()
    for _ in range(2):
        talk.model("one two three four")
        talk.sound(3.0)
        talk.generated()
        talk.complete()
    talk.model("one two three four")
    talk.sound(2.0)
    talk.finals += talk.conversation.cut_answer(1.5)
    assert talk.told[-1] == "3 m: one two (cut)"


def test_words_after_the_end_of_their_answer_are_its_words(talk: Talk) -> None:
    talk.voice()
    talk.user("tell")
    talk.sound(3.0)
    talk.complete()
    assert talk.model("once", "upon", "a", "time", "there", "was", "a", "painter") == 1
    talk.user("go on")
    talk.sound(3.0)
    assert talk.told == ["1 u: tell", "1 m: once upon a time there was a painter"]
    talk.complete()
    assert talk.model("one", "day") == 2
    assert talk.record == ["1 u: tell", "1 m: once upon a time there was a painter", "2 u: go on"]


@pytest.mark.parametrize("step", ["sound", "type", "interrupted", "complete", "close"])
def test_they_are_whole_when_anything_else_begins(talk: Talk, step: str) -> None:
    talk.sound(3.0)
    talk.complete()
    talk.model("once", "upon", "a", "time")
    arguments: dict[str, list[Any]] = {"sound": [1.0], "type": ["hello"]}
    getattr(talk, step)(*arguments.get(step, []))
    assert talk.told[0] == "1 m: once upon a time"


def test_words_of_a_cut_answer_that_come_after_it_are_nobodys(talk: Talk) -> None:
    talk.user("tell")
    talk.sound(3.0)
    talk.cut(0.5)
    talk.interrupted()
    talk.complete()
    assert talk.conversation.append(MODEL, "once upon a time there was") == ([], None)
    talk.model("a painter")
    talk.user("stop")
    talk.sound(0.5)
    talk.model("fine")
    talk.complete()
    assert talk.record == ["1 u: tell", "2 u: stop", "2 m: fine"]


def test_but_those_right_before_the_next_answer_are_its_first(talk: Talk) -> None:
    talk.type("tell")
    talk.sound(3.0)
    talk.type("stop")
    talk.cut(0.5)
    talk.interrupted()
    talk.complete()
    talk.model("once upon a time there was", "all")
    finals, entry = talk.conversation.sounded(0.2)
    assert finals == [] and entry is not None and (entry.turn, entry.text) == (2, "all")
    talk.model("right")
    talk.complete()
    assert talk.record == ["1 u: tell", "2 u: stop", "2 m: all right"]


def test_nor_are_they_the_first_of_an_answer_whose_words_are_late_too(talk: Talk) -> None:
    talk.type("tell")
    talk.sound(3.0)
    talk.type("stop")
    talk.cut(0.5)
    talk.interrupted()
    talk.complete()
    talk.model("once upon a time there was")
    talk.sound(1.0)
    talk.complete()
    talk.model("all right")
    talk.complete()
    assert talk.record == ["1 u: tell", "2 u: stop", "2 m: all right"]


def test_words_of_the_next_answer_may_come_before_its_sound(talk: Talk) -> None:
    """The words of the answer that was cut had come with it, so these are others."""
    talk.sounds()
    talk.model("one", "two", "three", "four")
    talk.cut(0.5)
    talk.interrupted()
    talk.complete()
    talk.user("stop")
    talk.model("fine")
    talk.complete()
    assert talk.record == ["1 m: one two (cut)", "2 u: stop", "2 m: fine"]


def test_words_that_come_twice_are_written_once(talk: Talk) -> None:
    grew = [
        talk.conversation.append(MODEL, word)[1] is not None
        for word in (" one", " one", " two", " two", " three", " three")
    ]
    assert grew == [True, True, True, False, True, False]
    talk.complete()
    assert talk.record == ["1 m: one two three"]


def test_a_broken_answer_keeps_what_sounds(talk: Talk) -> None:
    talk.user("count")
    talk.model("one two three four")
    talk.sound(0.5)
    talk.broken()
    assert talk.told == ["1 u: count", "1 m: one two"]
    talk.model("three", "four")
    talk.complete()
    assert talk.record[2:] == ["2 m: three four"]


def test_an_answer_that_broke_before_its_first_word_is_still_to_come(talk: Talk) -> None:
    talk.user("count")
    talk.broken()
    assert talk.told == []
    talk.model("one")
    talk.complete()
    assert talk.record == ["1 u: count", "1 m: one"]


def test_the_rest_of_a_broken_answer_may_be_cut_without_a_trace(talk: Talk) -> None:
    """It was final: what it had to say is what came."""
    talk.model("one two three four")
    talk.sound(1.0)
    talk.broken()
    talk.cut(0.2)
    talk.interrupted()
    assert talk.told == ["1 m: one two three four"]


def test_an_utterance_is_forgotten_to_be_heard_again(talk: Talk) -> None:
    assert talk.conversation.forget_utterance() is None
    talk.voice()
    talk.user("make", "it")
    entry = talk.conversation.forget_utterance()
    assert entry is not None and (entry.text, entry.peer_id) == ("", "p")
    assert talk.conversation.forget_utterance() is None, "it is empty already"
    assert talk.user("make", "it", "blue") == 1
    talk.model("sure")
    talk.complete()
    assert talk.told == ["1 u: make it blue", "1 m: sure"]


def test_what_was_final_already_is_taken_back_to_be_heard_again(talk: Talk) -> None:
    talk.voice()
    talk.conversation.showed([("image/png", b"cat")])
    talk.user("make it blue")
    talk.finals += talk.conversation.finish(USER)
    assert talk.record == ["1 u: make it blue"]
    entry = talk.conversation.forget_utterance()
    assert entry is not None and (entry.text, entry.turn) == ("", 1)
    assert talk.record == []
    assert talk.conversation.forget_utterance() is None
    assert talk.user("make it blue") == 1
    talk.model("sure")
    talk.complete()
    assert talk.record == ["1 u: make it blue", "1 m: sure"]
    assert len(talk.conversation.history[0].parts) == 1, "the image went with the words"
    talk.type("what is written is not said again")
    assert talk.conversation.forget_utterance() is None


def test_an_answer_of_which_nothing_sounded_is_still_to_come(talk: Talk) -> None:
    talk.voice()
    talk.user("count")
    talk.model("one")
    talk.broken()
    talk.forget()
    talk.complete()
    assert talk.record == []
    talk.user("count")
    talk.sounds()
    talk.model("one", "two")
    talk.complete()
    assert talk.record == ["1 u: count", "1 m: one two"]


@pytest.mark.parametrize("with_words", [True, False])
def test_what_is_answered_is_not_what_is_said_again(talk: Talk, with_words: bool) -> None:
    """All of the answer had come, and was still played, when somebody spoke up."""
    talk.voice()
    talk.user("count")
    talk.sound(1.0)
    if with_words:
        talk.model("one two three four")
    talk.generated()
    talk.voice()
    talk.forget()
    talk.complete()
    assert talk.record[0] == "1 u: count"
    assert talk.user("stop") == 2


def test_which_turn_is_over(talk: Talk) -> None:
    over: list[int] = []
    steps: list[Callable[[], object]] = [
        talk.voice,
        lambda: talk.user("count"),
        lambda: talk.model("one"),
        lambda: talk.sound(0.5),
        talk.complete,
        lambda: talk.user("stop"),
        lambda: talk.model("well"),
        talk.broken,  # before its first sound: it is still to come
        lambda: talk.sound(0.5),  # without words
        talk.complete,
        lambda: talk.type("a text is whole"),
    ]
    for step in steps:
        step()
        over.append(talk.conversation.turn_over)
    assert over == [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 3]


def test_what_was_told_since_a_turn(talk: Talk) -> None:
    talk.conversation.begin_with([{"role": "user", "parts": [{"text": "before"}]}])
    talk.type("count")
    talk.sounds()
    talk.model("one", "two", "three", "four")
    talk.cut(0.5)
    talk.interrupted()
    talk.type("stop")
    talk.model("not final yet")
    since = talk.conversation.told_since
    assert since(-1) == talk.conversation.contents()
    assert [each["parts"][0]["text"] for each in since(-1)] == [
        "before",
        "count",
        "one two",
        "stop",
    ]
    assert since(0) == since(-1)[1:]
    assert since(1) == [{"role": "user", "parts": [{"text": "stop"}]}]
    assert since(2) == []


def test_an_interruption_of_nothing_changes_nothing(talk: Talk) -> None:
    talk.user("hello")
    talk.interrupted()
    talk.complete()
    assert talk.told == []
    assert talk.user("there") == 1


def test_a_cut_of_nothing_changes_nothing(talk: Talk) -> None:
    talk.user("hello")
    talk.cut(0.5)
    assert talk.told == []


def test_an_interruption_whose_end_never_comes_spoils_nothing(talk: Talk) -> None:
    talk.sounds()
    talk.model("one")
    talk.cut(1.0)
    talk.interrupted()
    talk.user("two")
    talk.model("three")
    talk.complete()
    assert talk.record == ["1 m: one (cut)", "2 u: two", "2 m: three"]
    talk.user("four")
    talk.model("five")
    talk.complete()
    assert talk.record[-2:] == ["3 u: four", "3 m: five"]


def test_a_turn_without_an_answer_ends_as_well(talk: Talk) -> None:
    talk.user("hm")
    talk.complete()
    assert talk.told == ["1 u: hm"]
    assert talk.user("hello") == 2


def test_words_after_a_final_side_are_another_utterance(talk: Talk) -> None:
    talk.user("one")
    talk.finals += talk.conversation.finish(USER)
    assert talk.user("two") == 2


def test_finishing_what_is_not_open_gives_nothing(talk: Talk) -> None:
    assert talk.conversation.finish(MODEL) == []
    assert talk.conversation.complete() == []
    assert talk.conversation.close() == []


def test_at_the_end_nothing_stays_open(talk: Talk) -> None:
    talk.user("hello")
    talk.model("good")
    talk.close()
    assert talk.told == talk.record == ["1 u: hello", "1 m: good"]


def test_what_came_before_comes_first() -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    before: list[dict[str, Any]] = [
        {"role": "user", "parts": [{"text": "look"}, image]},
        {"role": "model", "parts": [{"text": "nice"}]},
    ]
    conversation = Conversation()
    conversation.begin_with(before)
    conversation.append(USER, "thanks")
    conversation.close()
    assert conversation.contents() == [
        {"role": "user", "parts": [{"text": "look"}, image]},
        {"role": "model", "parts": [{"text": "nice"}]},
        {"role": "user", "parts": [{"text": "thanks"}]},
    ]


def test_the_transcript_tells_what_the_contents_leave_out() -> None:
    conversation = Conversation()
    conversation.begin_with([{"role": "user", "parts": [{"text": "before"}]}])
    conversation.append(USER, "a story, please", peer_id="ada")
    conversation.append(MODEL, "Once upon a time")
    conversation.sounded(1.0)
    conversation.cut_answer(0.3)
    told = [
        (line["role"], line["turn"], line["text"], line["final"], line["interrupted"], line["peer"])
        for line in conversation.transcript()
    ]
    assert told == [
        ("user", 0, "before", True, False, None),
        ("user", 1, "a story, please", True, False, "ada"),
        ("model", 1, "Once", True, True, None),
    ]


def test_the_transcript_has_words_only() -> None:
    conversation = Conversation()
    conversation.showed([("image/png", b"lamp")])
    conversation.typed("", peer_id="p")
    assert conversation.transcript() == []


def test_images_alone_are_a_turn() -> None:
    conversation = Conversation()
    conversation.showed([("image/png", b"lamp")])
    (entry,) = conversation.typed("", peer_id="p")
    assert entry.text == ""
    part = image_part("image/png", b"lamp")
    assert conversation.contents() == [{"role": "user", "parts": [part]}]


def test_the_oldest_images_are_forgotten_when_they_are_too_large_together() -> None:
    half = ("image/png", b"x" * (IMAGES_LIMIT_BYTES // 2))
    conversation = Conversation()
    conversation.begin_with(
        [{"role": "user", "parts": [image_part(*half), {"text": "one"}]}] * 2
        + [{"role": "model", "parts": [{"text": "two"}]}]
    )
    assert "inlineData" in conversation.contents()[0]["parts"][0]
    conversation.showed([half])
    conversation.typed("three", peer_id="p")
    assert conversation.contents() == [
        {"role": "user", "parts": [{"text": FORGOTTEN_IMAGE}, {"text": "one"}]},
        {"role": "user", "parts": [image_part(*half), {"text": "one"}]},
        {"role": "model", "parts": [{"text": "two"}]},
        {"role": "user", "parts": [image_part(*half), {"text": "three"}]},
    ]
    assert [line["text"] for line in conversation.transcript()] == ["one", "one", "two", "three"]


def test_the_record_is_bounded(talk: Talk) -> None:
    for number in range(HISTORY_LIMIT // 2 + 10):
        talk.user(str(number))
        talk.model("yes")
        talk.complete()
    assert len(talk.record) == HISTORY_LIMIT
    assert talk.record[0] == "11 u: 10"
    talk.conversation.begin_with([{"role": "user", "parts": [{"text": "x"}]}] * 5)
    assert len(talk.record) == HISTORY_LIMIT


STEPS = (
    "voice",
    "user",
    "model",
    "type",
    "sounds",
    "wordless",
    "generated",
    "cut",
    "broken",
    "interrupted",
    "complete",
)


@given(st.lists(st.sampled_from(STEPS), max_size=40))
def test_whatever_happens_the_record_stays_in_order(steps: list[str]) -> None:
    talk = Talk()
    for number, step in enumerate(steps):
        match step:
            case "user" | "model" | "type":
                getattr(talk, step)(f"w{number}")
            case "cut":
                talk.cut(1.0)
            case "wordless":
                talk.sound(3.0)
            case _:
                getattr(talk, step)()
    talk.close()
    order = [(entry.turn, entry.role is MODEL) for entry in talk.conversation.history]
    assert order == sorted(set(order)), "one entry of each side in each turn"
    spoken = {f"w{n}" for n, step in enumerate(steps) if step in ("user", "model", "type")}
    recorded = {word for entry in talk.conversation.history for word in entry.text.split()}
    unheard = {word for entry in talk.finals for word in entry.text.split()}
    assert recorded == unheard <= spoken
    assert {f"w{n}" for n, step in enumerate(steps) if step in ("user", "type")} <= recorded


def test_it_goes_on_from_what_was_said_before_a_restart(talk: Talk) -> None:
    before = Conversation()
    before.append(USER, "hello")
    before.append(MODEL, "Hello.")
    before.complete()
    again = Conversation()
    again.go_on_from(before.history, 1)
    assert again.contents() == before.contents()
    assert again.turn == 2, "the next turn, whatever was written last"
