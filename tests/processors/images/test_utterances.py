"""Who spoke and when."""

from processors.images.utterances import (
    JOINED_S,
    LEAD_S,
    LONGEST_S,
    MAX_SPEAKERS,
    TRAIL_S,
    Utterances,
    Window,
)


def test_nobody_is_known() -> None:
    assert Utterances().window(5.0) == Window(None, 5.0 - LEAD_S, 5.0)
    assert Utterances().asker is None


def test_the_last_utterance_with_a_little_around_it() -> None:
    utterances = Utterances()
    utterances.heard("ada", True, 10.0)
    assert utterances.window(11.0) == Window("ada", 10.0 - LEAD_S, 11.0)
    utterances.heard("ada", False, 12.0)
    assert utterances.window(15.0) == Window("ada", 10.0 - LEAD_S, 12.0 + TRAIL_S)
    assert utterances.window(12.1).end == 12.1


def test_a_pause_for_thought_does_not_end_it() -> None:
    utterances = Utterances()
    for speaking, at in ((True, 1.0), (False, 2.0), (True, 2.0 + JOINED_S), (False, 4.0)):
        utterances.heard("ada", speaking, at)
    assert utterances.window(5.0).start == 1.0 - LEAD_S
    utterances.heard("ada", True, 4.1 + JOINED_S)
    assert utterances.window(6.0).start == 4.1 + JOINED_S - LEAD_S


def test_whoever_began_last_asks() -> None:
    utterances = Utterances()
    utterances.heard("ada", True, 1.0)
    utterances.wrote("ben", 2.0)
    assert utterances.asker == "ben"
    assert utterances.window(9.0) == Window("ben", 2.0 - LEAD_S, 2.0 + TRAIL_S)
    utterances.heard("ada", False, 3.0)
    assert utterances.asker == "ada"
    utterances.left("ada")
    utterances.left("nobody")
    assert utterances.asker == "ben"


def test_an_end_without_a_beginning_and_a_speech_without_an_end() -> None:
    utterances = Utterances()
    utterances.heard("ada", False, 3.0)
    assert utterances.window(3.0).start == 3.0 - LEAD_S
    utterances.heard("ben", True, 10.0)
    assert utterances.window(60.0).start == 60.0 - LONGEST_S


def test_it_is_bounded() -> None:
    utterances = Utterances()
    for number in range(MAX_SPEAKERS + 10):
        utterances.wrote(str(number), float(number))
    assert utterances.asker == str(MAX_SPEAKERS + 9)
    for number in range(MAX_SPEAKERS):
        utterances.left(str(MAX_SPEAKERS + 9 - number))
    assert utterances.asker is None
