"""Eight hours of talk with a Gemini that fails every minute, on virtual time."""

import pytest

from processors.gemini.link import LinkState
from processors.gemini.sent_log import SentLog
from tests.processors.gemini.simulated_gemini import TICK_S, Conversation

EIGHT_HOURS_S = 8 * 3600.0
TO_REST_S = 90.0
LONGEST_DOWN_S = 60.0  # the hardships here hang for 20 s at most, and there may be two in a row


def conversation(seed: int, *, indexes: bool) -> Conversation:
    """On each tick it is checked that there is one connection at most, and that bounds hold."""
    talk = Conversation(seed, indexes=indexes)
    talk.run(EIGHT_HOURS_S)
    talk.hardship = 0.0
    talk.run(TO_REST_S)  # what is on its way arrives
    return talk


def lost(talk: Conversation) -> list[int]:
    return [number for number in talk.spoken if number not in talk.gemini.told]


def hardly_anything_is_lost(talk: Conversation) -> None:
    """Several hardships in a row may take longer than 30 s; what that costs is told."""
    told_s = talk.core.lost_audio_s() + talk.core.counters.audio_lost_s
    assert len(lost(talk)) * TICK_S <= told_s
    assert told_s < 0.001 * TICK_S * len(talk.spoken)


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_and_nothing_is_heard_twice(seed: int) -> None:
    talk = conversation(seed, indexes=True)
    hardly_anything_is_lost(talk)
    assert talk.gemini.doubled == []
    assert talk.core.counters.replayed_audio_s > 0
    assert set(talk.called) == set(talk.gemini.results), "every result arrives"
    assert len(talk.called) > 50


def test_every_state_is_entered_and_left() -> None:
    talk = conversation(3, indexes=True)
    assert set(talk.visits) >= set(LinkState) - {LinkState.CLOSED, LinkState.CONNECTING}
    assert talk.longest_down_s < LONGEST_DOWN_S
    assert talk.core.link.state is LinkState.READY
    assert talk.core.watchdog.counters.turns_given_up == 0


def test_handles_that_do_not_say_what_they_hold_lose_nothing_either() -> None:
    talk = conversation(5, indexes=False)
    hardly_anything_is_lost(talk)
    assert len(talk.gemini.doubled) * TICK_S <= talk.core.counters.replayed_audio_s


def test_the_simulation_sees_what_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that forgets everything is found out."""
    monkeypatch.setattr(SentLog, "taken_along", lambda *_, **__: [])
    talk = Conversation(6)
    talk.run(3600.0)
    assert lost(talk) != []
