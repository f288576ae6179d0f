"""Camera and screen: which of a peer's streams is looked at."""

from hypothesis import given
from hypothesis import strategies as st

from transports.picture_sampler import STREAM_PAUSED_S
from transports.video_source import MAX_STREAMS, SourceChoice

CAMERA, SCREEN = 1, 2
LONG = STREAM_PAUSED_S + 0.01


def test_a_single_stream_is_taken_also_after_a_pause() -> None:
    choice = SourceChoice()
    assert choice.chosen is None
    assert choice.admit(CAMERA, 0.0) and choice.admit(CAMERA, 0.1) and choice.admit(CAMERA, 99.0)
    assert choice.chosen == CAMERA


def test_the_stream_that_began_last_is_taken_until_it_pauses() -> None:
    choice = SourceChoice()
    choice.admit(CAMERA, 0.0)
    assert choice.admit(SCREEN, 0.1)
    for i in range(10):
        assert not choice.admit(CAMERA, 0.2 + i / 5)
        assert choice.admit(SCREEN, 0.3 + i / 5)
    last = 0.3 + 9 / 5
    assert not choice.admit(CAMERA, last + 1.0)
    assert choice.admit(CAMERA, last + LONG)
    assert choice.chosen == CAMERA


def test_a_stream_that_comes_back_begins_anew() -> None:
    choice = SourceChoice()
    choice.admit(SCREEN, 0.0)
    choice.admit(CAMERA, 1.0)
    choice.admit(CAMERA, 2.9)
    assert choice.admit(SCREEN, 3.0)
    assert not choice.admit(CAMERA, 3.1)


def test_a_peer_that_makes_up_streams_makes_nothing_grow() -> None:
    choice = SourceChoice()
    for ssrc in range(1000):
        assert choice.admit(ssrc, ssrc / 1000)
    assert len(choice.known) == MAX_STREAMS


def test_a_pause_of_exactly_the_limit_is_none() -> None:
    choice = SourceChoice()
    choice.admit(CAMERA, 0.0)
    choice.admit(SCREEN, 1.0)
    assert not choice.admit(CAMERA, STREAM_PAUSED_S)


def test_when_there_are_too_many_the_one_that_began_first_is_forgotten() -> None:
    choice = SourceChoice()
    for ssrc in range(MAX_STREAMS):
        choice.admit(ssrc, 0.0)
    choice.admit(0, LONG)  # began anew, so it is the youngest now
    choice.admit(99, LONG)
    assert list(choice.known) == [*range(2, MAX_STREAMS), 0, 99]


@given(st.lists(st.tuples(st.integers(0, 12), st.floats(0, 3)), min_size=1))
def test_the_chosen_one_is_always_one_that_sends(story: list[tuple[int, float]]) -> None:
    choice, now, heard = SourceChoice(), 0.0, {}
    for ssrc, pause in story:
        now += pause
        heard[ssrc] = now
        assert choice.admit(ssrc, now) == (choice.chosen == ssrc)
        assert choice.chosen is not None
        assert now - heard[choice.chosen] <= STREAM_PAUSED_S


def test_what_was_heard_of_a_stream_without_being_admitted_counts() -> None:
    sources = SourceChoice()
    sources.admit(1, 0.0)
    sources.heard(1, STREAM_PAUSED_S)
    sources.heard(1, 0.5)  # told late
    sources.heard(2, 1.0)  # never admitted
    assert set(sources.known) == {1}
    assert sources.admit(1, 2 * STREAM_PAUSED_S) and list(sources.known.values()) == [
        2 * STREAM_PAUSED_S
    ]
