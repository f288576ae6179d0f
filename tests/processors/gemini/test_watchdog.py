import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.gemini.watchdog import (
    AFTER_NUDGE_S,
    FIRST_OUTPUT_S,
    MIN_SPEECH_S,
    STALL_S,
    TRANSITIONS,
    UNNOTICED_S,
    Alarm,
    Watchdog,
    WatchEvent,
    WatchLimits,
    WatchState,
)

LONG_SPEECH_S = 3.0
SHORT_SPEECH_S = MIN_SPEECH_S - 0.1
RESTING, EXPECTING, ANSWERING = WatchState.RESTING, WatchState.EXPECTING, WatchState.ANSWERING


@pytest.fixture
def dog() -> Watchdog:
    return Watchdog()


def alarms(dog: Watchdog) -> list[tuple[float, Alarm | None]]:
    """What it says, and when, as long as nothing happens."""
    found = []
    while (due := dog.due()) is not None:
        assert dog.poll(due - 0.01) is None or dog.due() == due
        found.append((due, dog.poll(due)))
    return found


def test_the_table_has_every_case() -> None:
    assert set(TRANSITIONS) == set(WatchState)
    assert all(set(row) == set(WatchEvent) for row in TRANSITIONS.values())


def test_nothing_is_due_before_anybody_spoke(dog: Watchdog) -> None:
    assert dog.due() is None
    assert dog.poll(1e9) is None


def test_it_nudges_then_reconnects_then_starts_afresh_then_gives_up(dog: Watchdog) -> None:
    dog.user_ended(10.0, spoke_s=None)
    first = 10.0 + FIRST_OUTPUT_S
    assert alarms(dog) == [
        (first, Alarm.NUDGE),
        (first + AFTER_NUDGE_S, Alarm.RECONNECT),
        (first + 2 * AFTER_NUDGE_S, Alarm.START_AFRESH),
        (first + 3 * AFTER_NUDGE_S, None),
    ]
    counters = dog.counters
    assert (counters.no_first_output, counters.nudges, counters.reconnects) == (1, 1, 2)
    assert counters.turns_given_up == 1
    assert dog.state is RESTING


def test_speech_that_gemini_showed_no_sign_of_is_waited_for_longer(dog: Watchdog) -> None:
    dog.user_ended(0.0, spoke_s=LONG_SPEECH_S)
    assert dog.due() == UNNOTICED_S
    dog.noticed(1.0)
    assert dog.due() == 1.0 + FIRST_OUTPUT_S


def test_a_noise_is_not_talked_to(dog: Watchdog) -> None:
    """It is told to another connection, and was nothing if that shows no sign either."""
    waits = []
    for start in (0.0, 1000.0):
        dog.user_began(start)
        dog.user_ended(start, spoke_s=LONG_SPEECH_S)
        waits.append([(due - start, alarm) for due, alarm in alarms(dog)])
    assert waits == [
        [(UNNOTICED_S, Alarm.RECONNECT), (UNNOTICED_S + FIRST_OUTPUT_S, None)],
        [(2 * UNNOTICED_S, Alarm.RECONNECT), (2 * UNNOTICED_S + FIRST_OUTPUT_S, None)],
    ]
    assert (dog.counters.nudges, dog.counters.turns_given_up) == (0, 0)
    dog.noticed(2000.0)
    dog.user_began(2001.0)
    dog.user_ended(2002.0, spoke_s=LONG_SPEECH_S)
    assert dog.due() == 2002.0 + UNNOTICED_S


def test_what_another_connection_took_for_speech_is_a_turn(dog: Watchdog) -> None:
    dog.user_ended(0.0, spoke_s=LONG_SPEECH_S)
    assert dog.poll(UNNOTICED_S) is Alarm.RECONNECT
    dog.reconnected(UNNOTICED_S)
    dog.noticed(UNNOTICED_S + 1.0)
    assert [alarm for _, alarm in alarms(dog)][0] is Alarm.NUDGE


def test_a_gemini_that_does_not_transcribe_shows_no_sign_at_all() -> None:
    dog = Watchdog(WatchLimits(signs=False))
    dog.user_ended(0.0, spoke_s=LONG_SPEECH_S)
    assert alarms(dog)[0] == (UNNOTICED_S, Alarm.NUDGE)


def test_a_sign_that_comes_after_a_nudge_is_no_reason_to_wait_from_the_beginning(
    dog: Watchdog,
) -> None:
    dog.user_ended(0.0, spoke_s=None)
    assert dog.poll(FIRST_OUTPUT_S) is Alarm.NUDGE
    dog.noticed(FIRST_OUTPUT_S + 1.0)
    assert dog.due() == FIRST_OUTPUT_S + AFTER_NUDGE_S


def test_a_cough_is_no_turn_unless_gemini_takes_it_for_one(dog: Watchdog) -> None:
    dog.user_ended(0.0, spoke_s=SHORT_SPEECH_S)
    assert dog.due() is None
    dog.noticed(0.5)
    assert dog.due() == 0.5 + FIRST_OUTPUT_S
    dog.user_began(1.0)
    dog.user_ended(1.2, spoke_s=SHORT_SPEECH_S)
    dog.user_began(2.0)
    dog.noticed(2.1)
    assert dog.due() is None, "somebody speaks"
    dog.user_ended(2.2, spoke_s=SHORT_SPEECH_S)
    assert dog.expects, "which was heard already"


def test_who_speaks_on_is_not_waited_for(dog: Watchdog) -> None:
    dog.user_ended(0.0, spoke_s=LONG_SPEECH_S)
    assert dog.expects
    dog.user_began(1.0)
    assert dog.due() is None


def test_an_answer_that_goes_on_is_fine(dog: Watchdog) -> None:
    dog.user_ended(0.0, spoke_s=None)
    for now in (1.0, 2.0, 3.0):
        dog.output(now)
        assert dog.due() == now + STALL_S
    dog.generated(4.0)
    assert dog.due() is None
    dog.complete(9.0)
    assert (dog.due(), dog.counters.empty_turns) == (None, 0)


def test_a_stall_is_one(dog: Watchdog) -> None:
    dog.output(1.0)
    assert [alarm for _, alarm in alarms(dog)][:2] == [Alarm.NUDGE, Alarm.RECONNECT]
    assert (dog.counters.stalls, dog.counters.no_first_output) == (1, 0)


def test_an_empty_turn_is_nudged_at_once_and_once(dog: Watchdog) -> None:
    dog.user_ended(0.0, spoke_s=LONG_SPEECH_S)
    dog.complete(1.0)
    assert dog.poll(1.0) is Alarm.NUDGE
    dog.complete(1.5)
    assert dog.counters.empty_turns == 2
    assert dog.poll(1.5) is Alarm.RECONNECT
    dog.output(2.0)
    dog.complete(3.0)
    assert dog.due() is None
    assert dog.counters.no_first_output == 0


def test_one_that_was_generated_empty_is_one_too(dog: Watchdog) -> None:
    dog.user_ended(0.0, spoke_s=None)
    dog.generated(1.0)
    dog.complete(1.0)
    assert dog.poll(1.0) is Alarm.NUDGE


def test_the_end_of_an_interrupted_turn_is_not_an_empty_turn(dog: Watchdog) -> None:
    dog.output(0.0)
    dog.user_began(1.0)
    dog.interrupted(1.2)
    dog.user_ended(1.9, spoke_s=LONG_SPEECH_S)
    dog.complete(2.0)
    assert dog.counters.empty_turns == 0
    assert dog.due() == 1.9 + UNNOTICED_S


@pytest.mark.parametrize("spoke_s", [LONG_SPEECH_S, None])
def test_what_was_said_into_an_answer_is_answered_after_it(
    dog: Watchdog, spoke_s: float | None
) -> None:
    dog.output(0.0)
    dog.user_ended(1.0, spoke_s=spoke_s)
    assert dog.state is ANSWERING
    dog.interrupted(1.5)
    assert dog.state is EXPECTING


def test_an_interruption_of_nothing_changes_nothing(dog: Watchdog) -> None:
    dog.user_ended(0.0, spoke_s=None)
    dog.interrupted(1.0)
    assert dog.due() == FIRST_OUTPUT_S
    dog.output(2.0)
    dog.complete(3.0)
    dog.user_ended(4.0, spoke_s=None)
    dog.complete(5.0)
    assert dog.counters.empty_turns == 1, "the end that the interruption owed was given up"


def test_a_pause_stops_the_clock(dog: Watchdog) -> None:
    dog.output(0.0)
    dog.pause(True, 1.0)
    dog.pause(True, 2.0)
    assert dog.due() is None
    dog.pause(False, 30.0)
    assert dog.due() == 30.0 + STALL_S


def test_another_connection_begins_anew_but_remembers_what_was_tried(dog: Watchdog) -> None:
    dog.output(0.0)
    assert dog.poll(STALL_S) is Alarm.NUDGE
    assert dog.poll(STALL_S + AFTER_NUDGE_S) is Alarm.RECONNECT
    dog.pause(True, 8.0)
    dog.reconnected(9.0)
    assert dog.state is EXPECTING
    assert dog.due() == 9.0 + AFTER_NUDGE_S
    assert dog.poll(9.0 + AFTER_NUDGE_S) is Alarm.START_AFRESH


def test_a_reconnection_expects_nothing_that_was_not_expected(dog: Watchdog) -> None:
    dog.reconnected(1.0)
    assert dog.due() is None


def test_who_thinks_for_long_is_given_time() -> None:
    dog = Watchdog(WatchLimits(patience=4.0))
    dog.user_ended(0.0, spoke_s=None)
    assert dog.due() == 4 * FIRST_OUTPUT_S


class TestWhileAnAnswerIsHeard:
    """It comes faster than it plays, and Gemini ends the turn when it should have been played."""

    PLAYS_S = 15.0

    @pytest.fixture
    def playing(self, dog: Watchdog) -> Watchdog:
        dog.output(0.0, self.PLAYS_S)
        return dog

    def test_a_pause_within_it_is_no_stall(self, playing: Watchdog) -> None:
        assert playing.due() == self.PLAYS_S
        playing.output(self.PLAYS_S - 1.0, 1.0)
        assert playing.due() == self.PLAYS_S - 1.0 + STALL_S

    def test_the_end_of_it_is_not_that_of_an_empty_turn(self, playing: Watchdog) -> None:
        """Somebody spoke, not to the model, and it took no notice."""
        playing.generated(2.0)
        playing.user_began(3.0)
        playing.user_ended(6.0, spoke_s=LONG_SPEECH_S)
        assert playing.due() == self.PLAYS_S, "rather than interrupt it"
        playing.complete(self.PLAYS_S)
        assert playing.counters.empty_turns == 0
        assert playing.due() == self.PLAYS_S + UNNOTICED_S

    def test_nothing_is_due_before_it_ends(self, playing: Watchdog) -> None:
        playing.generated(2.0)
        playing.user_ended(3.0, spoke_s=None)
        assert playing.due() == self.PLAYS_S
        playing.interrupted(3.5)
        assert playing.due() == 3.0 + FIRST_OUTPUT_S

    def test_what_was_asked_while_it_came_is_due_after_it(self, playing: Watchdog) -> None:
        playing.user_ended(1.0, spoke_s=None)
        playing.generated(2.0)
        assert playing.due() is None
        playing.complete(self.PLAYS_S)
        assert playing.due() == self.PLAYS_S + FIRST_OUTPUT_S


def test_an_empty_turn_may_be_all_of_a_generation(dog: Watchdog) -> None:
    dog.user_ended(0.0, spoke_s=LONG_SPEECH_S)
    dog.generated(1.0)
    dog.complete(1.0)
    assert dog.poll(1.0) is Alarm.NUDGE


def test_who_coughs_after_a_question_still_waits_for_the_answer(dog: Watchdog) -> None:
    dog.user_ended(0.0, spoke_s=LONG_SPEECH_S)
    dog.user_began(1.0)
    dog.user_ended(1.5, spoke_s=SHORT_SPEECH_S)
    assert dog.expects
    dog.output(2.0)
    dog.complete(3.0)
    dog.user_began(4.0)
    dog.user_ended(4.5, spoke_s=SHORT_SPEECH_S)
    assert not dog.expects


def test_who_asks_again_and_again_does_not_wait_longer_for_it(dog: Watchdog) -> None:
    dog.user_ended(0.0, spoke_s=LONG_SPEECH_S)
    dog.user_began(UNNOTICED_S - 3.0)
    dog.user_ended(UNNOTICED_S - 1.0, spoke_s=SHORT_SPEECH_S)
    assert dog.due() == UNNOTICED_S - 1.0 + AFTER_NUDGE_S, "but the model has a moment"
    dog.output(UNNOTICED_S)
    dog.complete(UNNOTICED_S)
    dog.user_ended(100.0, spoke_s=LONG_SPEECH_S)
    dog.user_began(100.5)
    dog.user_ended(101.0, spoke_s=LONG_SPEECH_S)
    assert dog.due() == 100.0 + UNNOTICED_S


def test_the_rest_of_an_answer_is_not_another_turn(dog: Watchdog) -> None:
    dog.output(0.0)
    assert dog.poll(STALL_S) is Alarm.NUDGE
    dog.carries_on(STALL_S)
    dog.complete(STALL_S + 1.0)
    assert dog.counters.empty_turns == 0, "that was the end of what had stalled"
    assert dog.due() == STALL_S + AFTER_NUDGE_S
    assert dog.poll(STALL_S + AFTER_NUDGE_S) is Alarm.RECONNECT


Step = tuple[str, float]
STEPS = ["user_began", "user_ended", "output", "generated", "complete", "interrupted", "noticed"]


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.floats(0.0, 5.0)), max_size=30))
def test_whatever_happens_it_ends(steps: list[Step]) -> None:
    """From any state, silence leads to at most four alarms and to rest."""
    dog, now = Watchdog(), 0.0
    for name, passed in steps:
        now += passed
        if name == "user_ended":
            dog.user_ended(now, spoke_s=LONG_SPEECH_S)
        else:
            getattr(dog, name)(now)
    found = alarms(dog)
    assert len(found) <= 4
    assert dog.state is RESTING
