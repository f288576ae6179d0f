import random

import pytest

from processors.frames import Role, ToolCall
from processors.gemini.asking import NUDGE
from processors.gemini.errors import ContextFault, TransientFault
from processors.gemini.events import (
    AudioChunk,
    Disconnected,
    GenerationComplete,
    GoAway,
    HandleUpdate,
    Interrupted,
    ModelImage,
    ModelText,
    ToolCalls,
    ToolsCancelled,
    Transcript,
    TurnComplete,
    Usage,
    VoiceActivityEvent,
)
from processors.gemini.link import LEAVE_BEFORE_S, Link, LinkState
from processors.gemini.live_core import (
    LATE_MEDIA_S,
    UNTOLD_AFTER,
    LiveCore,
    Verdict,
)
from processors.gemini.opening import Opening
from processors.gemini.outbox import (
    BYTES_PER_S,
    TRIES_LIMIT,
    ActivityEnd,
    ActivityStart,
    Audio,
    ContextUpdate,
    Outgoing,
    RealtimeText,
    ToolResponse,
    Turns,
)
from processors.gemini.watchdog import AFTER_NUDGE_S, FIRST_OUTPUT_S, STALL_S, UNNOTICED_S

BROKEN = TransientFault(1011, "Internal error encountered.")
TORN = TransientFault(1006, "")
REFUSED = ContextFault(1008, "BidiGenerateContent session not found")
PIECE_S = 0.125
PIECE = bytes(int(PIECE_S * BYTES_PER_S))
SOUND = AudioChunk(bytes(24_000 * 2), 24_000)
TURN_END = TurnComplete(None, in_progress=False)
CALL = ToolCall("c1", "draw", {"prompt": "a house"})


def words(text: str) -> Transcript:
    return Transcript(Role.MODEL, text, False)


def heard(text: str) -> Transcript:
    return Transcript(Role.USER, text, False)


class Line:
    """A core, and what its connection would have got."""

    def __init__(self) -> None:
        self.turn = 1
        self.core = LiveCore(lambda: self.turn, link=Link(rng=random.Random(1)))
        self.now = 100.0
        self.open()

    def open(self) -> Opening:
        opening = self.core.opening()
        self.core.opened(self.now, messages=1)
        return opening

    def event(self, *events: object) -> list[bool]:
        return [self.core.on_event(event, self.now) for event in events]  # type: ignore[arg-type]  # a closed set, of which tests name single ones

    def speak(self, seconds: float) -> None:
        self.core.user_speaking(True, self.now)
        for _ in range(round(seconds / PIECE_S)):
            self.now += PIECE_S
            self.core.push(Audio(PIECE), self.now)
            self.sent()
        self.core.user_speaking(False, self.now)

    def sent(self) -> list[Outgoing]:
        """What goes out now."""
        items = []
        while (item := self.core.next(self.now)) is not None:
            items.append(item)
            self.core.sent(self.now)
        return items

    def said(self) -> list[Outgoing]:
        """The same, but for sound."""
        return [item for item in self.sent() if not isinstance(item, Audio)]

    def broken(self, fault: TransientFault | ContextFault = TORN) -> Disconnected:
        ended = self.core.lost(fault, self.now)
        assert ended is not None
        self.core.link.retry_due()
        return ended


@pytest.fixture
def line() -> Line:
    return Line()


def seconds(items: list[Outgoing]) -> float:
    return sum(len(item.pcm) for item in items if isinstance(item, Audio)) / BYTES_PER_S


class TestBreaks:
    def test_in_quiet_nothing_is_told_again(self, line: Line) -> None:
        line.event(HandleUpdate("h", None))
        assert line.broken() == Disconnected(False, False)
        assert line.open() == Opening("h", 1, ())
        assert line.said() == []

    def test_within_an_utterance_it_is_said_again(self, line: Line) -> None:
        line.event(HandleUpdate("h", None))
        line.speak(3.0)
        ended = line.broken()
        assert ended == Disconnected(answer_broken=False, utterance_again=True)
        assert len(line.core.outbox) * PIECE_S == 3.0
        line.open()
        assert seconds(line.sent()) == 3.0
        assert line.core.counters.replayed_audio_s == 3.0

    def test_a_fresh_session_knows_from_its_setup_what_was_updated(self, line: Line) -> None:
        """Else an earlier update would undo what the setup says."""
        line.event(HandleUpdate("h", None))
        line.core.push(ContextUpdate("Be brief.", None), line.now)
        updates = line.sent()
        line.broken()
        line.open()
        assert line.sent() == updates, "of one that goes on nobody knows"
        line.core.link.renew(line.now, afresh=True)
        line.core.left(line.now)
        line.open()
        assert line.sent() == []

    def test_the_handle_of_a_session_that_is_given_up_holds_nothing(self, line: Line) -> None:
        line.event(HandleUpdate("h", None))
        line.core.link.renew(line.now, afresh=True)
        line.speak(3.0)
        line.event(HandleUpdate("old", 20))
        line.broken()
        assert line.open().handle is None
        assert seconds(line.sent()) == 3.0

    def test_within_an_answer_it_is_asked_for_the_rest(self, line: Line) -> None:
        line.speak(2.0)
        line.event(heard("Tell me"), words("Once upon a time"), SOUND)
        ended = line.broken()
        assert ended == Disconnected(answer_broken=True, utterance_again=False)
        assert line.sent() == [
            RealtimeText(
                'Your last answer broke off after the words "Once upon a time". '
                "Go on from there; do not repeat them and do not greet."
            )
        ]
        line.open()
        assert line.core.counters.answers_carried_on == 1
        assert line.core.watchdog.expects

    def test_not_when_all_of_it_has_come(self, line: Line) -> None:
        line.speak(2.0)
        line.event(heard("x"), SOUND, words("Hello."), GenerationComplete())
        assert line.broken() == Disconnected(False, False)
        assert line.sent() == []

    def test_not_when_somebody_speaks_meanwhile(self, line: Line) -> None:
        line.speak(2.0)
        line.event(heard("x"), SOUND, words("Hello."))
        line.core.user_speaking(True, line.now)
        line.core.push(Audio(PIECE), line.now)
        line.sent()
        assert line.broken() == Disconnected(answer_broken=True, utterance_again=True)
        assert line.said() == []

    def test_nor_when_they_have_just_spoken(self, line: Line) -> None:
        line.speak(2.0)
        line.event(heard("x"), SOUND, words("Hello."))
        line.speak(1.0)
        line.broken()
        items = line.sent()
        assert seconds(items) == 1.0
        assert len(items) == 8

    def test_what_gemini_never_told_in_words_is_said_again(self, line: Line) -> None:
        line.speak(2.0)
        line.event(SOUND)
        assert line.broken() == Disconnected(answer_broken=True, utterance_again=True)
        assert seconds(line.sent()) == 2.0

    def test_so_is_what_had_words_for_an_answer_but_no_sound(self, line: Line) -> None:
        line.speak(2.0)
        line.event(heard("x"), words("Hel"))
        line.broken()
        assert seconds(line.sent()) == 2.0

    def test_an_answered_turn_is_told_by_the_history(self, line: Line) -> None:
        line.event(HandleUpdate("h", None))
        line.speak(2.0)
        line.event(heard("x"), SOUND, TURN_END)
        line.turn = 2
        line.broken()
        assert line.sent() == []
        assert line.open().since == 1

    def test_what_was_written_and_is_sent_again_is_known_to_be(self, line: Line) -> None:
        line.core.push(RealtimeText("hello"), line.now)
        line.sent()
        line.core.push(Turns((), "look", complete=True), line.now)
        line.broken()
        assert line.open().asked == ("hello", "look")

    def test_a_refused_handle_begins_afresh(self, line: Line) -> None:
        line.event(HandleUpdate("h", None))
        line.speak(1.0)
        line.broken()
        assert line.core.lost(REFUSED, line.now) is None
        line.core.link.retry_due()
        assert line.core.link.state is LinkState.RESEEDING
        assert line.open() == Opening(None, None, ())
        assert seconds(line.sent()) == 1.0

    @pytest.mark.parametrize("written", [True, False])
    def test_what_kills_every_connection_is_given_up(self, line: Line, written: bool) -> None:
        line.core.push(RealtimeText("poison"), line.now)
        tries = 0
        while line.core.next(line.now) is not None:
            tries += 1
            line.core.sent(line.now) if written else line.core.put_back(line.now)
            line.broken(BROKEN)
            line.open()
        assert tries == TRIES_LIMIT

    def test_so_is_telling_fresh_sessions_that_die_of_it(self, line: Line) -> None:
        told = []
        for _ in range(UNTOLD_AFTER + 1):
            line.broken(BROKEN)
            told.append(line.open().tells)
        assert told == [True] * (UNTOLD_AFTER - 1) + [False] * 2
        line.now += 60.0
        line.broken(BROKEN)
        assert line.open().tells, "one lived"

    def test_a_planned_change_blames_nobody(self, line: Line) -> None:
        for _ in range(TRIES_LIMIT + 1):
            line.core.push(RealtimeText("x"), line.now)
            line.sent()
            line.core.link.renew(line.now, afresh=False)
            line.core.left(line.now)
            line.open()
        assert line.core.outbox.counters.items_given_up == 0

    def test_the_end_of_the_room_is_one_too(self, line: Line) -> None:
        line.event(SOUND)
        assert line.core.closed(line.now) is not None
        assert line.core.closed(line.now) is None
        assert line.core.link.state is LinkState.CLOSED
        assert line.core.link.counters.breaks == 0

    def test_what_could_not_be_kept_is_told_once(self, line: Line) -> None:
        line.speak(35.0)
        line.broken()
        line.core.push(Audio(bytes(40 * BYTES_PER_S)), line.now)
        lost_s = line.core.lost_audio_s()
        assert lost_s == pytest.approx(5.0 + 30.0 + 40.0)
        assert line.core.lost_audio_s() == 0.0
        assert line.core.counters.audio_lost_s == lost_s

    def test_an_answer_is_asked_for_once_however_often_it_breaks(self, line: Line) -> None:
        line.core.push(RealtimeText("hello"), line.now)
        line.sent()
        line.event(words("One moment"), SOUND)
        line.broken()
        line.open()
        (first,) = line.sent()
        line.broken()
        line.open()
        assert line.sent() == [first], "nothing has come of it"
        line.event(words("and more"), SOUND)
        line.broken()
        (second,) = line.sent()
        assert isinstance(second, RealtimeText)
        assert "and more" in second.text

    def test_not_when_they_wrote_something_else_meanwhile(self, line: Line) -> None:
        line.core.push(RealtimeText("hello"), line.now)
        line.sent()
        line.event(words("One moment"), SOUND)
        line.now += 1.0
        line.core.push(RealtimeText("stop"), line.now)
        line.sent()
        line.broken()
        assert line.sent() == [RealtimeText("stop")]

    def test_words_that_come_late_are_known_words(self, line: Line) -> None:
        line.speak(2.0)
        line.event(SOUND, words("Hello."), heard("Hi"))
        line.broken()
        (item,) = line.sent()
        assert isinstance(item, RealtimeText)


class TestHandles:
    def test_one_that_comes_within_an_utterance_does_not_take_it_away(self, line: Line) -> None:
        line.core.user_speaking(True, line.now)
        line.core.push(Audio(PIECE), line.now)
        line.sent()
        line.now += 2.0
        line.event(HandleUpdate("h", None))
        line.broken()
        assert seconds(line.sent()) == PIECE_S

    def test_one_that_comes_when_no_answer_is_due_holds_whatever_was_heard(
        self, line: Line
    ) -> None:
        line.speak(0.5)  # a cough
        line.now += 2.0
        line.event(HandleUpdate("h", None))
        line.broken()
        assert line.sent() == []

    def test_its_index_is_trusted(self, line: Line) -> None:
        line.speak(2.0)
        line.event(HandleUpdate("h", 8))
        line.broken()
        assert seconds(line.sent()) == 1.0

    def test_none_leaves_what_was(self, line: Line) -> None:
        line.event(HandleUpdate("h", None), HandleUpdate(None, None))
        assert line.core.link.handle == "h"


class TestTools:
    def call(self, line: Line) -> None:
        line.speak(1.0)
        line.event(heard("draw"), ToolCalls((CALL,)))

    def result(self, line: Line, *, will_continue: bool = False) -> list[Outgoing]:
        response = ToolResponse("c1", "draw", {"output": "done"}, will_continue)
        line.core.push(response, line.now)
        return line.sent()

    def test_a_result_goes_under_its_id(self, line: Line) -> None:
        self.call(line)
        assert self.result(line) == [ToolResponse("c1", "draw", {"output": "done"})]

    def test_a_session_that_does_not_know_the_call_is_told_in_words(self, line: Line) -> None:
        line.event(HandleUpdate("h", None))
        self.call(line)
        line.broken()
        opening = line.open()
        assert opening.notes == (
            '(Before the connection broke you called draw with {"prompt": "a house"}. '
            "Its result will follow: do not call it again for this.)",
        )
        assert self.result(line, will_continue=True) == []
        assert self.result(line) == [
            RealtimeText('The result of draw, which you called before: {"output": "done"}')
        ]
        assert line.core.calls.counters.results_as_text == 1

    def test_but_a_fresh_session_does_not(self, line: Line) -> None:
        self.call(line)
        line.event(TURN_END, HandleUpdate("h", None))
        line.broken(REFUSED)
        assert len(line.open().notes) == 1
        line.event(HandleUpdate("h2", None))
        line.broken()
        line.open()
        (item,) = self.result(line)
        assert isinstance(item, RealtimeText), "no handle of it ever will"

    def test_a_result_that_was_lost_on_its_way_is_told_again(self, line: Line) -> None:
        line.event(HandleUpdate("h", None))
        self.call(line)
        assert self.result(line) == [ToolResponse("c1", "draw", {"output": "done"})]
        line.broken()
        assert line.open().notes == ()
        (item,) = line.sent()
        assert isinstance(item, RealtimeText)

    def test_after_a_break_nothing_is_due_either(self, line: Line) -> None:
        """A nudge would make the model call it again."""
        self.call(line)
        line.broken()
        line.open()
        line.now += 60.0
        assert line.core.poll(line.now) is Verdict.STAY
        assert line.sent() == []
        (item,) = self.result(line)
        assert isinstance(item, RealtimeText)
        assert line.core.due() == line.now + FIRST_OUTPUT_S

    def test_the_result_makes_the_model_go_on(self, line: Line) -> None:
        line.speak(1.0)
        line.event(heard("draw"), words("I will draw it."), SOUND, ToolCalls((CALL,)))
        self.result(line)
        line.broken()
        line.open()
        (item,) = line.sent()
        assert isinstance(item, RealtimeText)
        assert "result of draw" in item.text

    def test_what_was_answered_since_the_handle_is_told(self, line: Line) -> None:
        line.event(HandleUpdate("h", None))
        self.call(line)
        self.result(line)
        line.event(SOUND, words("Done."), TURN_END)
        line.broken()
        assert "Its result was" in line.open().notes[0]
        assert line.sent() == []

    def test_a_result_that_came_while_the_model_spoke_is_told_again(self, line: Line) -> None:
        self.call(line)
        line.event(SOUND, words("I am drawing it."))
        self.result(line)
        line.event(SOUND, words("One moment."), TURN_END)
        line.broken()
        line.open()
        (item,) = line.sent()
        assert isinstance(item, RealtimeText)

    def test_a_call_is_of_the_answer_that_made_it_only(self, line: Line) -> None:
        self.call(line)
        line.broken()
        line.open()
        line.sent()
        line.speak(2.0)
        line.event(heard("x"), words("Hel"))
        line.broken()
        assert seconds(line.sent()) == 2.0, "to which no answer has sounded"

    def test_in_words_it_waits_for_the_end_of_a_marked_activity(self, line: Line) -> None:
        line.event(HandleUpdate("h", None))
        self.call(line)
        line.broken()
        line.open()
        line.core.push(ActivityStart(), line.now)
        line.core.push(Audio(PIECE), line.now)
        line.sent()
        assert self.result(line) == []
        line.core.push(ActivityEnd(), line.now)
        end, result = line.sent()
        assert end == ActivityEnd()
        assert isinstance(result, RealtimeText)

    def test_a_call_that_was_cancelled_is_forgotten(self, line: Line) -> None:
        self.call(line)
        line.event(ToolsCancelled(("c1", "c2")))
        line.broken()
        assert line.open().notes == ()

    def test_while_a_tool_works_nothing_is_due_and_nothing_is_quiet(self, line: Line) -> None:
        self.call(line)
        assert line.core.due() == line.core.link.due(None)
        line.event(TURN_END, HandleUpdate("h", None), GoAway(50.0))
        line.now += 30.0
        assert line.core.poll(line.now) is Verdict.STAY
        self.result(line)
        assert line.core.poll(line.now) is Verdict.LEAVE


class TestRotation:
    def test_it_waits_for_quiet_and_a_handle(self, line: Line) -> None:
        line.speak(1.0)
        line.event(heard("x"), SOUND, GoAway(50.0))
        assert line.core.poll(line.now) is Verdict.STAY
        line.event(TURN_END)
        assert line.core.poll(line.now) is Verdict.STAY
        line.event(HandleUpdate("h", None))
        assert line.core.poll(line.now) is Verdict.LEAVE
        assert line.core.left(line.now) == Disconnected()

    def test_who_speaks_is_not_interrupted_by_it(self, line: Line) -> None:
        line.event(HandleUpdate("h", None), GoAway(50.0))
        line.core.user_speaking(True, line.now)
        line.core.user_speaking(True, line.now)
        line.now += 10.0
        assert line.core.poll(line.now) is Verdict.STAY
        line.now += 40.0 - LEAVE_BEFORE_S
        assert line.core.poll(line.now) is Verdict.LEAVE

    def test_what_was_asked_is_answered_first(self, line: Line) -> None:
        line.event(HandleUpdate("h", None), GoAway(50.0))
        line.core.push(Turns((), "hello", complete=True), line.now)
        assert line.core.poll(line.now) is Verdict.STAY


class TestMuteness:
    def test_it_nudges_and_then_connects_again(self, line: Line) -> None:
        line.core.push(RealtimeText("hello"), line.now)
        line.sent()
        line.now += FIRST_OUTPUT_S
        assert line.core.due() == line.now
        assert line.core.poll(line.now) is Verdict.STAY
        assert line.sent() == [NUDGE]
        line.now += AFTER_NUDGE_S
        assert line.core.poll(line.now) is Verdict.MUTE
        line.event(HandleUpdate("h", None))
        line.broken(TransientFault(0, "mute"))
        line.open()
        assert line.sent() == [NUDGE], "what was said is in the handle"
        assert line.core.outbox.counters.items_resent == 0, "and not the nudge before it, too"
        line.now += AFTER_NUDGE_S
        assert line.core.poll(line.now) is Verdict.MUTE
        assert line.core.link.handle is None, "and then afresh"

    def test_what_is_asked_again_needs_no_nudge(self, line: Line) -> None:
        line.core.push(RealtimeText("hello"), line.now)
        line.sent()
        for wait_s in (FIRST_OUTPUT_S, AFTER_NUDGE_S):
            line.now += wait_s
            line.core.poll(line.now)
        line.sent()
        line.broken(TransientFault(0, "mute"))
        line.open()
        assert line.sent() == [RealtimeText("hello")]

    def test_what_may_have_been_a_noise_is_not_talked_to(self, line: Line) -> None:
        line.speak(2.0)
        line.event(HandleUpdate("h", 16))
        line.now += UNNOTICED_S
        assert line.core.poll(line.now) is Verdict.MUTE
        line.broken(TransientFault(0, "mute"))
        line.open()
        assert line.said() == []

    def test_a_stalled_answer_is_asked_to_go_on(self, line: Line) -> None:
        line.core.push(RealtimeText("hello"), line.now)
        line.sent()
        line.event(SOUND, words("One moment"))
        line.now += STALL_S
        assert line.core.poll(line.now) is Verdict.STAY
        (item,) = line.sent()
        assert isinstance(item, RealtimeText)
        assert "One moment" in item.text

    def test_and_then_given_up_like_any_other(self, line: Line) -> None:
        line.core.push(RealtimeText("hello"), line.now)
        line.sent()
        line.event(SOUND, words("One moment"))
        line.now += STALL_S
        line.core.poll(line.now)
        line.now += AFTER_NUDGE_S
        assert line.core.poll(line.now) is Verdict.MUTE
        line.broken(TransientFault(0, "mute"))
        line.open()
        assert len(line.sent()) == 1
        line.now += AFTER_NUDGE_S
        assert line.core.poll(line.now) is Verdict.MUTE
        assert line.core.link.handle is None

    def test_words_after_all_of_an_answer_are_no_answer(self, line: Line) -> None:
        line.core.push(RealtimeText("hello"), line.now)
        line.sent()
        line.event(SOUND, GenerationComplete(), words("Hello."))
        assert line.core.due() == line.core.link.due(None)
        line.event(TURN_END, words(" You."))
        assert line.core.due() == line.core.link.due(line.now)
        assert line.broken() == Disconnected(False, False)

    def test_an_answer_that_goes_on_after_a_generation_is_not_all_of_it(self, line: Line) -> None:
        line.core.push(RealtimeText("hello"), line.now)
        line.sent()
        line.event(SOUND, words("One."), GenerationComplete(), SOUND, words(" Two."))
        assert line.broken().answer_broken

    def test_who_speaks_is_not_nudged(self, line: Line) -> None:
        line.core.push(RealtimeText("hello"), line.now)
        line.sent()
        line.event(SOUND)
        line.core.user_speaking(True, line.now)
        line.now += 10 * STALL_S
        assert line.core.poll(line.now) is Verdict.STAY
        assert line.sent() == []

    def test_signs_of_hearing_count(self, line: Line) -> None:
        line.speak(2.0)
        line.event(VoiceActivityEvent(False))
        assert line.core.due() == line.now + FIRST_OUTPUT_S


class TestLateMedia:
    LATE = (SOUND, words("x"), ModelText("x", thought=False), ModelImage("image/png", b""))

    def test_media_of_an_interrupted_answer_is_late(self, line: Line) -> None:
        line.event(SOUND, Interrupted())
        assert not any(line.event(*self.LATE))
        assert all(line.event(heard("x"), TURN_END, *self.LATE))

    def test_not_for_ever(self, line: Line) -> None:
        line.event(SOUND, Interrupted())
        line.now += LATE_MEDIA_S
        assert all(line.event(*self.LATE))

    def test_an_interruption_of_nothing_makes_nothing_late(self, line: Line) -> None:
        line.event(Interrupted())
        assert all(line.event(*self.LATE))
        line.event(TURN_END, SOUND, GenerationComplete(), Interrupted())
        assert all(line.event(*self.LATE))

    def test_another_connection_is_not_late(self, line: Line) -> None:
        line.event(SOUND, Interrupted())
        line.broken()
        line.open()
        assert all(line.event(*self.LATE))


def test_a_turn_that_goes_on_by_itself_is_not_over(line: Line) -> None:
    line.core.push(RealtimeText("hello"), line.now)
    line.sent()
    line.event(SOUND, words("Let me think."), TurnComplete(None, in_progress=True))
    line.broken()
    assert len(line.sent()) == 1


def test_an_utterance_in_pieces_is_one(line: Line) -> None:
    line.speak(1.0)
    line.event(heard("Tell"))
    line.speak(1.0)
    line.event(SOUND, words("Yes?"))
    line.broken()
    (item,) = line.sent()
    assert isinstance(item, RealtimeText), "its first words were told, so that it is in the history"


def test_nothing_in_hand_is_nothing_sent(line: Line) -> None:
    line.core.sent(line.now)
    assert line.core.log.taken_along(answered=True, now=line.now) == []


def test_what_says_nothing_changes_nothing(line: Line) -> None:
    assert line.event(Usage({}), Disconnected()) == [True, True]
