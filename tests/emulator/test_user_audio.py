import pytest

from emulator.activity import Ended, Started
from emulator.closes import EMPTY_ACTIVITY, INVALID_ARGUMENT
from emulator.live_setup import Backend, read_setup
from emulator.user_audio import ActivityError, UserAudio, seconds
from tests.emulator.test_activity import silence, tone

PCM = "audio/pcm;rate=16000"


def user(manual: bool) -> UserAudio:
    detection = {"disabled": manual, "silenceDurationMs": 200}
    raw = {"realtimeInputConfig": {"automaticActivityDetection": detection}}
    return UserAudio(read_setup(raw, Backend.MLDEV))  # type: ignore[arg-type]  # JSON by construction


def test_automatic_activity_is_found() -> None:
    one = user(manual=False)
    pcm, events = one.feed_untrusted(tone(0.4), PCM)
    assert (pcm, [type(event) for event in events]) == (tone(0.4), [Started])
    assert one.active
    _, events = one.feed_untrusted(silence(0.3), PCM)
    assert [type(event) for event in events] == [Ended]
    one.feed_untrusted(tone(0.4), PCM)
    assert [type(event) for event in one.end_stream()] == [Ended]


def test_marks_are_refused_under_automatic_detection() -> None:
    one = user(manual=False)
    for mark in (one.start, one.end):
        with pytest.raises(ActivityError) as caught:
            mark()
        assert caught.value.close == INVALID_ARGUMENT
    assert not one.keep_text("hi")


def test_manual_activity_is_marked() -> None:
    one = user(manual=True)
    one.feed_untrusted(tone(0.1), PCM)
    assert one.start() == [Started(0.1)]
    assert one.active
    assert one.start() == []
    assert one.feed_untrusted(tone(0.2), PCM) == (tone(0.2), [])
    [ended] = one.end()
    assert isinstance(ended, Ended)
    assert ended.offset_s == pytest.approx(0.3)
    assert ended.pcm == tone(0.2)


def test_the_stream_of_manual_activity_has_no_end() -> None:
    with pytest.raises(ActivityError) as caught:
        user(manual=True).end_stream()
    assert caught.value.close == INVALID_ARGUMENT


def test_an_activity_without_sound_is_fatal() -> None:
    one = user(manual=True)
    one.start()
    with pytest.raises(ActivityError) as caught:
        one.end()
    assert caught.value.close == EMPTY_ACTIVITY
    with pytest.raises(ActivityError):
        one.end()


def test_text_inside_a_marked_activity_waits() -> None:
    one = user(manual=True)
    assert not one.keep_text("before")
    one.start()
    assert one.keep_text("in")
    assert one.keep_text("side")
    assert one.take_text() == "in side"
    assert one.take_text() == ""


def test_sound_that_is_not_pcm_is_refused() -> None:
    with pytest.raises(ActivityError):
        user(manual=False).feed_untrusted(b"", "audio/ogg")


def test_seconds_of_sound() -> None:
    assert seconds(tone(0.5)) == 0.5


def test_samples_are_counted_either_way() -> None:
    for manual in (True, False):
        one = user(manual)
        one.feed_untrusted(silence(0.1), "audio/pcm")
        assert one.samples == 1600


def test_a_marked_activity_says_where_it_lies() -> None:
    one = user(True)
    one.feed_untrusted(silence(0.1), "audio/pcm")
    one.start()
    one.feed_untrusted(silence(0.2), "audio/pcm")
    [ended] = one.end()
    assert isinstance(ended, Ended)
    assert ended.samples == (1600, 4800)
