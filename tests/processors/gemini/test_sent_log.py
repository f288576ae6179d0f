from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.gemini.outbox import (
    BYTES_PER_S,
    Audio,
    AudioEnd,
    ContextUpdate,
    Outgoing,
    Picture,
    RealtimeText,
    Slot,
    ToolResponse,
    Turns,
)
from processors.gemini.sent_log import (
    BREATH_S,
    IN_FLIGHT_S,
    KEPT_AUDIO_S,
    KEPT_ITEM_BYTES,
    KEPT_ITEMS,
    PICTURE_FRESH_S,
    PRE_ROLL_S,
    QUIET_KEPT_S,
    SentLog,
)

PIECE_S = 0.125


class Sender:
    """Sends eighths of seconds of sound, each of which is numbered, as time passes."""

    def __init__(self) -> None:
        self.log = SentLog()
        self.log.opened(messages=1)
        self.now = 0.0
        self.number = 0

    def send(self, *items: Outgoing) -> list[Slot]:
        slots = [Slot(item, self.now) for item in items]
        for slot in slots:
            slot.sent_at = self.now
            self.log.sent(slot)
        return slots

    def sound(self, seconds: float) -> list[int]:
        """The numbers of what was sent."""
        numbers = []
        for _ in range(round(seconds / PIECE_S)):
            self.now += PIECE_S
            self.number += 1
            pcm = self.number.to_bytes(4, "big") + bytes(int(PIECE_S * BYTES_PER_S) - 4)
            self.send(Audio(pcm))
            numbers.append(self.number)
        return numbers

    def speech(self, seconds: float) -> list[int]:
        self.log.speech_began([], self.now)
        numbers = self.sound(seconds)
        self.log.speech_ended()
        return numbers

    def taken(self, *, answered: bool = True) -> list[Slot]:
        return self.log.taken_along(answered=answered, now=self.now)


def numbers_in(slots: list[Slot]) -> list[int]:
    return [int.from_bytes(s.item.pcm[:4], "big") for s in slots if isinstance(s.item, Audio)]


def items_in(slots: list[Slot]) -> list[Outgoing]:
    return [slot.item for slot in slots if not isinstance(slot.item, Audio)]


@pytest.fixture
def sender() -> Sender:
    return Sender()


def test_nothing_was_sent_nothing_is_lost(sender: Sender) -> None:
    assert sender.taken() == []
    sender.log.answer_began()
    sender.log.answer_ended()
    sender.log.answer_ended()
    assert sender.taken() == []


def test_an_utterance_without_an_answer_is_said_again_whole(sender: Sender) -> None:
    sender.sound(5.0)
    said = sender.speech(4.0)
    after = sender.sound(1.0)
    found = numbers_in(sender.taken())
    assert found[-len(said) - len(after) :] == said + after
    assert len(found) == len(said + after) + PRE_ROLL_S / PIECE_S + 1
    assert sender.taken() == [], "once"


def test_of_silence_a_little_is_kept(sender: Sender) -> None:
    sent = sender.sound(60.0)
    assert numbers_in(sender.taken()) == sent[-round(QUIET_KEPT_S / PIECE_S) :]
    assert sender.log.forgotten_s == 0.0


def test_old_silence_is_not_worth_sending(sender: Sender) -> None:
    sender.sound(1.0)
    sender.now += QUIET_KEPT_S + PIECE_S
    assert numbers_in(sender.taken()) == []


def test_more_than_can_be_kept_of_an_utterance_is_counted(sender: Sender) -> None:
    said = sender.speech(KEPT_AUDIO_S + 5.0)
    assert sender.log.forgotten_s == pytest.approx(5.0, abs=PIECE_S)
    assert numbers_in(sender.taken()) == said[-round(KEPT_AUDIO_S / PIECE_S) :]


def test_whether_what_was_said_is_all_said_again(sender: Sender) -> None:
    assert not sender.log.begins_in(sender.taken())
    sender.speech(1.0)
    assert sender.log.begins_in(sender.taken())
    sender.speech(1.0)
    sender.log.covered(2, sender.now)
    assert not sender.log.begins_in(sender.taken()), "a handle holds the beginning"


def test_of_a_long_utterance_it_is_all_that_could_be_kept(sender: Sender) -> None:
    sender.speech(KEPT_AUDIO_S + 5.0)
    sender.sound(1.0)
    assert sender.log.begins_in(sender.taken())


class TestAnswers:
    def test_what_was_answered_is_history(self, sender: Sender) -> None:
        sender.speech(2.0)
        sender.log.answer_began()
        sender.log.answer_began()
        while_it_spoke = sender.sound(1.0)
        sender.log.answer_ended()
        assert numbers_in(sender.taken()) == while_it_spoke

    def test_an_answer_that_broke_off_leaves_what_came_after(self, sender: Sender) -> None:
        sender.send(RealtimeText("question"))
        sender.speech(2.0)
        sender.log.answer_began()
        after = sender.speech(1.0)
        slots = sender.taken(answered=True)
        assert numbers_in(slots) == after
        assert items_in(slots) == []
        assert sender.log.unanswered

    def test_or_all_of_it_when_it_cannot_be_told_in_words(self, sender: Sender) -> None:
        said = sender.speech(2.0)
        sender.log.answer_began()
        after = sender.sound(1.0)
        assert numbers_in(sender.taken(answered=False)) == said + after
        assert sender.log.unanswered

    def test_an_answer_to_a_text_has_no_speech(self, sender: Sender) -> None:
        sender.send(RealtimeText("question"))
        sender.log.answer_began()
        assert sender.log.exchange is not None
        assert not sender.log.exchange.spoken
        assert items_in(sender.taken(answered=False)) == [RealtimeText("question")]

    def test_speech_that_began_just_before_the_answer_is_not_answered(self, sender: Sender) -> None:
        sender.speech(2.0)
        sender.sound(2.0)
        sender.log.speech_began([], sender.now)
        second = sender.sound(0.5)
        sender.log.answer_began()
        assert sender.log.unanswered
        sender.log.answer_ended()
        assert numbers_in(sender.taken())[-len(second) :] == second

    def test_nor_is_speech_that_was_not_even_sent(self, sender: Sender) -> None:
        sender.speech(1.0)
        sender.now += 2.0
        waiting = Slot(Audio(b"ab"), sender.now)
        sender.log.speech_began([waiting], sender.now)
        sender.log.answer_began()
        sender.log.sent(waiting)
        sender.log.answer_ended()
        assert [slot.item for slot in sender.taken()] == [Audio(b"ab")]

    def test_the_first_words_of_a_long_breath_are_being_answered(self, sender: Sender) -> None:
        sender.log.speech_began([], sender.now)
        sender.sound(2.0)
        sender.log.answer_began()
        assert not sender.log.unanswered

    def test_who_speaks_on_says_something_new(self, sender: Sender) -> None:
        """Gemini took a pause for the end, and the room's detectors heard none."""
        sender.log.speech_began([], sender.now)
        sender.sound(2.0)
        sender.log.answer_began()
        new = sender.sound(10.0)
        assert sender.log.unanswered
        sender.log.answer_ended()
        sender.log.speech_ended()
        assert numbers_in(sender.taken()) == new

    def test_but_not_who_has_just_stopped(self, sender: Sender) -> None:
        """The detectors need a moment to be sure."""
        sender.log.speech_began([], sender.now)
        sender.sound(2.0)
        sender.log.answer_began()
        sender.sound(BREATH_S - PIECE_S)
        sender.log.speech_ended()
        sender.sound(2.0)
        assert not sender.log.unanswered

    def test_nor_does_who_goes_on_for_two_answers_lose_the_second(self, sender: Sender) -> None:
        sender.log.speech_began([], sender.now)
        sender.sound(2.0)
        sender.log.answer_began()
        sender.sound(2.0)
        sender.log.answer_ended()
        sender.log.answer_began()
        new = sender.sound(5.0)
        sender.log.answer_ended()
        assert numbers_in(sender.taken()) == new

    @pytest.mark.parametrize("late", [RealtimeText("2"), ToolResponse("c", "draw", {})])
    def test_what_was_sent_as_the_answer_began_is_not_answered(
        self, sender: Sender, late: Outgoing
    ) -> None:
        sender.send(RealtimeText("1"))
        sender.now += 1.0
        sender.send(late)
        sender.log.answer_began(sender.now + IN_FLIGHT_S / 2)
        sender.log.answer_ended()
        assert items_in(sender.taken()) == [late]

    def test_unless_there_is_nothing_else(self, sender: Sender) -> None:
        sender.send(RealtimeText("1"))
        sender.log.answer_began(sender.now)
        sender.log.answer_ended()
        assert sender.taken() == []

    def test_a_result_that_the_answer_waited_for_is_answered(self, sender: Sender) -> None:
        sender.send(RealtimeText("draw"))
        sender.log.answer_began()
        sender.send(ToolResponse("c", "draw", {}), RealtimeText("and then?"))
        sender.log.results_answered()
        sender.log.answer_ended()
        assert items_in(sender.taken()) == [RealtimeText("and then?")]

    def test_what_is_gone_already_is_not_missed(self, sender: Sender) -> None:
        sender.speech(1.0)
        sender.log.answer_began()
        sender.now += 1.0
        sender.log.covered(None, sender.now)
        kept = sender.sound(0.5)
        sender.log.answer_ended()
        assert numbers_in(sender.taken()) == kept


class TestHandles:
    def test_one_with_an_index_holds_just_that(self, sender: Sender) -> None:
        said = sender.speech(2.0)
        sender.log.covered(5, sender.now)
        assert numbers_in(sender.taken()) == said[5:]

    def test_the_index_counts_what_opened_the_connection(self, sender: Sender) -> None:
        sender.log.opened(messages=2)
        said = sender.speech(2.0)
        sender.log.covered(5, sender.now)
        assert numbers_in(sender.taken()) == said[4:]

    def test_what_was_several_messages_or_none_is_counted_so(self, sender: Sender) -> None:
        results = [Slot(ToolResponse(name, "draw", {}), 0.0) for name in "abc"]
        for slot, messages in zip(results, (0, 2, 1), strict=True):
            sender.log.sent(slot, messages)
        assert [slot.index for slot in results] == [1, 2, 3]
        sender.log.covered(2, sender.now)
        assert sender.taken() == results[2:]

    def test_an_index_that_cannot_be_ours_is_none(self, sender: Sender) -> None:
        """It may count from the beginning of the session, or something else."""
        said = sender.speech(2.0)
        sender.log.covered(17, sender.now)
        assert numbers_in(sender.taken()) == said

    def test_one_without_holds_what_had_time_to_arrive(self, sender: Sender) -> None:
        sent = sender.sound(2.0)
        sender.log.covered(None, sender.now)
        found = numbers_in(sender.taken())
        assert found == sent[-len(found) :]
        assert 0 < len(found) * PIECE_S <= IN_FLIGHT_S + PIECE_S

    def test_but_never_a_part_of_an_utterance_that_goes_on(self, sender: Sender) -> None:
        sender.sound(2.0)
        said = sender.speech(2.0)
        sender.log.covered(None, sender.now)
        assert numbers_in(sender.taken())[-len(said) :] == said

    def test_texts_and_results_are_held_too(self, sender: Sender) -> None:
        sender.send(RealtimeText("1"), ToolResponse("c", "draw", {}))
        sender.log.covered(1, sender.now)
        assert items_in(sender.taken()) == [ToolResponse("c", "draw", {})]

    def test_one_that_was_no_turn_after_all_is_let_go(self, sender: Sender) -> None:
        sender.speech(2.0)
        sender.log.give_up()
        sender.now += 1.0
        sender.log.covered(None, sender.now)
        assert (sender.log.unanswered, sender.taken()) == (False, [])

    def test_not_while_somebody_speaks(self, sender: Sender) -> None:
        sender.log.speech_began([], sender.now)
        said = sender.sound(2.0)
        sender.log.give_up()
        assert numbers_in(sender.taken()) == said

    def test_what_could_not_be_kept_was_held_after_all(self, sender: Sender) -> None:
        sender.speech(KEPT_AUDIO_S + 5.0)
        sender.log.covered(None, sender.now)
        assert sender.log.forgotten_s == 0.0


class TestItems:
    def test_they_come_in_their_order(self, sender: Sender) -> None:
        sender.send(RealtimeText("1"))
        said = sender.speech(0.25)
        sender.send(AudioEnd(), RealtimeText("2"))
        slots = sender.taken()
        assert [type(slot.item).__name__ for slot in slots] == [
            "RealtimeText", *["Audio"] * len(said), "AudioEnd", "RealtimeText",
        ]  # fmt: skip

    def test_the_end_of_audio_that_is_not_said_again_is_not_either(self, sender: Sender) -> None:
        sender.send(AudioEnd())
        assert sender.taken() == []

    def test_only_a_picture_of_now_is_shown_again(self, sender: Sender) -> None:
        sender.send(Picture(b"1"))
        said = sender.speech(1.0)
        sender.send(Picture(b"2"))
        after = sender.speech(1.0)
        slots = sender.taken()
        assert items_in(slots) == [Picture(b"2")]
        assert slots[len(said)].item == Picture(b"2")
        assert numbers_in(slots) == said + after

    def test_an_old_one_is_not(self, sender: Sender) -> None:
        sender.send(Picture(b"1"))
        sender.now += PICTURE_FRESH_S + 0.1
        assert sender.taken() == []

    def test_nor_one_that_a_handle_holds(self, sender: Sender) -> None:
        sender.send(Picture(b"1"))
        sender.log.covered(0, sender.now)
        assert items_in(sender.taken()) == [Picture(b"1")]
        sender.send(Picture(b"2"))
        sender.log.covered(2, sender.now)
        assert sender.taken() == []

    def test_they_can_be_looked_at(self, sender: Sender) -> None:
        slots = sender.send(RealtimeText("1"), RealtimeText("2"))
        assert list(sender.log) == slots

    def test_a_context_update_is_told_to_a_session_that_may_have_the_older_context(
        self, sender: Sender
    ) -> None:
        (slot,) = sender.send(ContextUpdate("be brief", None))
        assert slot.index == 1
        assert items_in(sender.taken()) == [ContextUpdate("be brief", None)]

    def test_there_is_a_bound_to_them(self, sender: Sender) -> None:
        sender.sound(PIECE_S)
        for number in range(KEPT_ITEMS + 5):
            sender.send(RealtimeText(str(number)))
        assert sender.log.forgotten_items == 5
        assert items_in(sender.taken())[0] == RealtimeText("5")

    def test_and_to_their_bytes(self, sender: Sender) -> None:
        half = Turns((("image/png", bytes(KEPT_ITEM_BYTES // 2)),), "", complete=True)
        sender.send(half, half, half)
        assert sender.log.forgotten_items == 1
        assert len(sender.taken()) == 2


def test_what_waits_counts_when_somebody_speaks_up_while_nothing_is_sent() -> None:
    log = SentLog()
    waiting = [Slot(RealtimeText("a"), 0.0), Slot(Audio(b"ab"), 0.0), Slot(Audio(b"cd"), 1.0)]
    log.speech_began(waiting, 1.2)
    log.opened(messages=1)
    for slot in waiting:
        log.sent(slot)
    found = log.taken_along(answered=True, now=1.3)
    assert [slot.item for slot in found] == [RealtimeText("a"), Audio(b"cd")]


def test_marks_outlive_a_connection() -> None:
    sender = Sender()
    sender.sound(3.0)
    said = sender.speech(1.0)
    for _ in range(3):
        slots = sender.taken()
        sender.log.opened(messages=1)
        for slot in slots:
            sender.log.sent(slot)
    assert numbers_in(sender.taken())[-len(said) :] == said


Step = tuple[str, float]
STEPS = ["sound", "speech", "answer_began", "answer_ended", "covered", "text"]


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.floats(0.1, 40.0)), max_size=25))
def test_whatever_happens_order_and_bounds_hold(steps: list[Step]) -> None:
    sender = Sender()
    for name, amount in steps:
        match name:
            case "sound":
                sender.sound(amount)
            case "speech":
                sender.speech(amount)
            case "covered":
                sender.log.covered(None, sender.now)
            case "text":
                sender.send(RealtimeText("x"))
            case _:
                getattr(sender.log, name)()
        last = sender.number
    slots = sender.taken(answered=False)
    found = numbers_in(slots)
    assert all(after == before + 1 for before, after in pairwise(found))
    assert sum(slot.audio_s for slot in slots) <= KEPT_AUDIO_S + PIECE_S
    assert not found or found[-1] == last
    assert sender.taken() == []
