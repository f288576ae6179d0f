"""Marks of speech, for a Gemini that does not detect it itself."""

from collections.abc import Sequence

from processors.gemini.activity_marks import MAX_HELD, PRE_ROLL_S, ActivityMarks
from processors.gemini.outbox import (
    BYTES_PER_S,
    ActivityEnd,
    ActivityStart,
    Audio,
    AudioEnd,
    Outgoing,
    Picture,
    RealtimeText,
    ToolResponse,
    Turns,
)

FRAME_S = 0.04
START, END = ActivityStart(), ActivityEnd()


def frame(number: int) -> Audio:
    return Audio(bytes([number]) * int(FRAME_S * BYTES_PER_S))


def passed(marks: ActivityMarks, *items: Outgoing) -> list[Outgoing]:
    return [out for item in items for out in marks.passed(item)]


def test_sound_is_sent_between_the_marks_only() -> None:
    marks = ActivityMarks()
    assert passed(marks, frame(1)) == []
    assert marks.started() == [START, frame(1)]
    assert passed(marks, frame(2), frame(3)) == [frame(2), frame(3)]
    assert marks.ended() == [END]
    assert passed(marks, frame(4)) == []
    assert marks.started() == [START, frame(4)], "nothing is sent twice"


def test_of_the_sound_before_a_start_the_last_is_kept() -> None:
    marks = ActivityMarks()
    passed(marks, *(frame(number) for number in range(100)))
    _, *kept = marks.started()
    count = round(PRE_ROLL_S / FRAME_S)
    assert kept == [frame(number) for number in range(100 - count, 100)]


def test_marks_come_in_pairs() -> None:
    marks = ActivityMarks()
    assert marks.ended() == []
    assert marks.started() == [START]
    assert marks.started() == []
    assert marks.ended() == [END]
    assert marks.ended() == []


def test_texts_wait_for_the_end_of_the_speech() -> None:
    marks = ActivityMarks()
    text, turns = RealtimeText("a"), Turns((), "b", complete=True)
    assert passed(marks, text, turns) == [text, turns]
    marks.started()
    assert passed(marks, text, frame(1), turns) == [frame(1)]
    assert marks.ended() == [END, text, turns]
    marks.started()
    assert marks.ended() == [END]


def test_pictures_and_results_do_not_wait() -> None:
    marks = ActivityMarks()
    items: Sequence[Outgoing] = (Picture(b"x"), ToolResponse("1", "draw", {}))
    assert passed(marks, *items) == list(items)
    marks.started()
    assert passed(marks, *items) == list(items)


def test_more_texts_than_may_wait_end_the_speech() -> None:
    marks = ActivityMarks()
    marks.started()
    texts = [RealtimeText(str(number)) for number in range(MAX_HELD + 1)]
    assert passed(marks, *texts[:-1]) == []
    assert passed(marks, texts[-1]) == [END, *texts]
    assert not marks.speaking


def test_a_pause_of_the_microphones_ends_the_speech_in_these_terms() -> None:
    marks = ActivityMarks()
    assert passed(marks, AudioEnd()) == []
    marks.started()
    assert passed(marks, AudioEnd()) == [END]
    assert marks.ended() == []
