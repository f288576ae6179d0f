"""Who spoke and when."""

from hypothesis import given
from hypothesis import strategies as st

from processors.images.utterances import (
    HEARD_S,
    JOINED_S,
    LEAD_S,
    LONGEST_S,
    MAX_UTTERANCES,
    TRAIL_S,
    Utterances,
    Window,
)
from processors.voice_activity import STOP_AFTER_S


def said(utterances: Utterances, peer_id: str, start: float, end: float) -> None:
    """As the detector tells it, which waits before it believes in the silence."""
    utterances.heard(peer_id, True, start)
    utterances.heard(peer_id, False, end + STOP_AFTER_S)


def test_nobody_is_known() -> None:
    assert Utterances().window(5.0) == Window(None, 5.0 - LEAD_S, 5.0)


def test_the_last_utterance_with_a_little_around_it() -> None:
    utterances = Utterances()
    utterances.heard("ada", True, 10.0)
    assert utterances.window(11.0) == Window("ada", 10.0 - LEAD_S, 11.0)
    utterances.heard("ada", False, 12.0 + STOP_AFTER_S)
    assert utterances.window(15.0) == Window("ada", 10.0 - LEAD_S, 12.0 + TRAIL_S)
    assert utterances.window(12.1).end == 12.1


def test_a_pause_for_thought_does_not_end_it() -> None:
    utterances = Utterances()
    said(utterances, "ada", 1.0, 2.0)
    said(utterances, "ada", 2.0 + JOINED_S, 4.0)
    assert utterances.window(5.0) == Window("ada", 1.0 - LEAD_S, 4.0 + TRAIL_S)
    utterances.heard("ada", True, 4.1 + JOINED_S)
    assert utterances.window(8.0).start == 4.1 + JOINED_S - LEAD_S


def test_whoever_began_or_ended_last_asks() -> None:
    utterances = Utterances()
    utterances.heard("ada", True, 1.0)
    utterances.wrote("ben", 2.0)
    assert utterances.window(2.1) == Window("ben", 2.0 - LEAD_S, 2.1)
    utterances.heard("ada", False, 3.0 + STOP_AFTER_S)
    assert utterances.window(4.0) == Window("ada", 1.0 - LEAD_S, 3.0 + TRAIL_S)
    utterances.left("ada")
    utterances.left("nobody")
    assert utterances.window(9.0) == Window("ben", 2.0 - LEAD_S, 2.0 + TRAIL_S)


def test_what_is_written_is_not_part_of_what_is_said() -> None:
    utterances = Utterances()
    utterances.wrote("ada", 1.0)
    said(utterances, "ada", 1.5, 2.5)
    assert utterances.window(4.0) == Window("ada", 1.5 - LEAD_S, 2.5 + TRAIL_S)


def test_what_has_only_just_begun_is_for_the_next_answer() -> None:
    utterances = Utterances()
    said(utterances, "ada", 1.0, 2.0)
    for peer_id, at in (("ada", 4.0), ("ben", 4.1)):
        utterances.heard(peer_id, True, at)
    assert utterances.window(4.3) == Window("ada", 1.0 - LEAD_S, 2.0 + TRAIL_S)
    assert utterances.window(4.2 + HEARD_S) == Window("ben", 4.1 - LEAD_S, 4.2 + HEARD_S)
    utterances.wrote("cy", 5.0)
    assert utterances.window(5.0).peer_id == "cy"


def test_what_was_said_long_ago_is_not_meant() -> None:
    utterances = Utterances()
    said(utterances, "ada", 1.0, 2.0)
    late = 2.0 + LONGEST_S + 0.1
    utterances.heard("ben", True, late)
    assert utterances.window(late) == Window("ben", late - LEAD_S, late)
    utterances.left("ben")
    assert utterances.window(late) == Window("ada", 1.0 - LEAD_S, 2.0 + TRAIL_S)


def test_an_end_without_a_beginning_and_a_speech_without_an_end() -> None:
    utterances = Utterances()
    utterances.heard("ada", False, 3.0)
    assert utterances.window(3.0) == Window("ada", 3.0 - LEAD_S, 3.0)
    utterances.heard("ben", True, 10.0)
    assert utterances.window(60.0) == Window("ben", 60.0 - LONGEST_S, 60.0)


def test_it_is_bounded() -> None:
    utterances = Utterances()
    for number in range(MAX_UTTERANCES + 10):
        utterances.wrote(str(number), float(number))
    assert utterances.window(200.0).peer_id == str(MAX_UTTERANCES + 9)
    for number in range(MAX_UTTERANCES):
        utterances.left(str(MAX_UTTERANCES + 9 - number))
    assert utterances.window(200.0).peer_id is None


told = st.lists(
    st.tuples(
        st.sampled_from(["ada", "ben", "cy"]),
        st.sampled_from(["begins", "ends", "writes", "leaves"]),
        st.floats(0, 4),
    ),
    max_size=30,
)


@given(told)
def test_a_window_is_of_somebody_who_is_here_and_not_of_the_future(
    events: list[tuple[str, str, float]],
) -> None:
    utterances, now = Utterances(), 100.0
    for peer_id, does, later in events:
        now += later
        match does:
            case "writes":
                utterances.wrote(peer_id, now)
            case "leaves":
                utterances.left(peer_id)
            case _:
                utterances.heard(peer_id, does == "begins", now)
        window = utterances.window(now)
        assert window.start <= window.end <= now
        assert window.end - window.start <= LONGEST_S + 1e-9
        if does == "leaves":
            assert window.peer_id != peer_id
