"""Eight hours of talk with a Gemini that fails every minute, on virtual time.

On each tick it is checked that there is one connection at most, and that bounds hold.
"""

from typing import Final

import pytest

from processors.gemini.link import LinkState
from processors.gemini.sent_log import SentLog
from tests.processors.gemini.simulated_gemini import TICK_S, Habits
from tests.processors.gemini.simulated_talk import Conversation

EIGHT_HOURS_S = 8 * 3600.0
HOUR_S = 3600.0
TO_REST_S = 120.0
LONGEST_DOWN_S = 60.0  # the hardships here hang for 20 s at most, and there may be two in a row

HABITS: Final = {
    "thinks and plays": Habits(thinks_s=1.5, plays=True),
    "handles between turns only": Habits(handles_within_turns=False, thinks_s=1.0),
    "handles without an index": Habits(indexes=False, thinks_s=1.0),
    "speech does not interrupt": Habits(interrupts=False, thinks_s=1.0, plays=True),
    "nothing is transcribed": Habits(transcribes=False, thinks_s=1.0),
    "words come late": Habits(words_late=True, thinks_s=1.0, plays=True),
    "tools block": Habits(blocking=True, thinks_s=1.0, plays=True),
    "the room marks speech": Habits(detects=False, thinks_s=1.0),
    "empty turns": Habits(empty_turns=0.1, thinks_s=1.0),
}


def conversation(seed: int, habits: Habits, seconds: float) -> Conversation:
    talk = Conversation(seed, habits)
    talk.run(seconds)
    talk.hardship = 0.0
    talk.run(TO_REST_S)  # what is on its way arrives
    return talk


def nothing_is_lost(talk: Conversation) -> None:
    assert talk.lost == []
    assert talk.unanswered == []
    assert talk.lost_results == set()
    assert talk.gemini.mistakes == []
    assert talk.core.watchdog.counters.turns_given_up == 0


def nothing_is_told_twice(talk: Conversation) -> None:
    assert talk.gemini.doubled == []
    assert talk.gemini.doubled_texts == []


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_and_nothing_is_heard_twice(seed: int) -> None:
    talk = conversation(seed, Habits(), EIGHT_HOURS_S)
    nothing_is_lost(talk)
    nothing_is_told_twice(talk)
    assert talk.core.lost_audio_s() + talk.core.counters.audio_lost_s == 0.0
    assert talk.core.counters.replayed_audio_s > 0
    assert len(talk.called) > 50


def test_every_state_is_entered_and_left() -> None:
    talk = conversation(3, Habits(), EIGHT_HOURS_S)
    assert set(talk.visits) >= set(LinkState) - {LinkState.CLOSED, LinkState.CONNECTING}
    assert talk.longest_down_s < LONGEST_DOWN_S
    assert talk.core.link.state is LinkState.READY


@pytest.mark.parametrize("name", HABITS)
@pytest.mark.parametrize("seed", [1, 2])
def test_nor_with_other_habits(name: str, seed: int) -> None:
    habits = HABITS[name]
    talk = conversation(seed, habits, HOUR_S)
    nothing_is_lost(talk)
    if habits.indexes:
        nothing_is_told_twice(talk)
    else:
        assert len(talk.gemini.doubled) * TICK_S <= talk.core.counters.replayed_audio_s


def test_the_simulation_sees_what_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that forgets everything is found out."""
    monkeypatch.setattr(SentLog, "taken_along", lambda *_, **__: [])
    talk = Conversation(6)
    talk.run(HOUR_S)
    assert talk.lost != []
