import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.delivery import (
    BYTES_PER_S,
    CHUNK_BYTES,
    MAX_SEGMENT_CHARACTERS,
    Answer,
    Piece,
    fragments,
    segments,
)


def sound(seconds: float) -> bytes:
    return bytes(2 * round(seconds * BYTES_PER_S / 2))


def drain(answer: Answer, now: float) -> list[tuple[float, Piece]]:
    taken: list[tuple[float, Piece]] = []
    while (due := answer.due()) is not None:
        now = max(now, due)
        taken += [(now, piece) for piece in answer.take(now)]
    return taken


def test_sentences_are_segments() -> None:
    assert segments("One two.  Three!\nFour? Five; six") == [
        "One two.",
        "Three!",
        "Four?",
        "Five;",
        "six",
    ]
    assert segments(" ") == []


def test_long_sentences_are_cut_between_words() -> None:
    assert [len(one) for one in segments("word " * 40)] == [159, 39]


@given(st.text("ab. ", max_size=800))
def test_segments_are_short_and_lose_no_word(text: str) -> None:
    found = segments(text)
    assert " ".join(found).split() == text.split()
    assert all(len(one) <= MAX_SEGMENT_CHARACTERS or " " not in one for one in found)


@given(st.text("ab ", max_size=50), st.integers(1, 4))
def test_fragments_concatenate_to_the_text(text: str, words: int) -> None:
    assert "".join(fragments(text, words)).split() == text.split()
    assert all(one.startswith(" ") for one in fragments(text, words))


def test_chunks_have_the_sizes_of_the_wire_and_come_faster_than_real_time() -> None:
    answer = Answer("one two three four", speaks=True, speed=4.0, not_before=10.0)
    answer.add_sound(sound(2.0))
    taken = drain(answer, 10.0)
    assert b"".join(piece.pcm for _, piece in taken) == sound(2.0)
    assert {len(piece.pcm) for _, piece in taken[:-2]} == set(CHUNK_BYTES)
    assert "".join(piece.text for _, piece in taken) == " one two three four" == answer.said
    assert taken[0][0] == 10.0
    # The last chunk leaves when a quarter of what lies before it would have been played.
    assert taken[-1][0] == pytest.approx(10.0 + (2.0 - len(taken[-1][1].pcm) / BYTES_PER_S) / 4)
    assert answer.playback_until == pytest.approx(12.0)
    assert answer.sent_s == pytest.approx(2.0)
    assert answer.finished


@given(st.integers(0, 60_000))
def test_no_chunk_is_a_crumb(samples: int) -> None:
    answer = Answer("word", speaks=True, speed=1.0, not_before=0.0)
    answer.add_sound(bytes(2 * samples))
    sizes = [len(piece.pcm) for _, piece in drain(answer, 0.0)]
    assert sum(sizes) == 2 * samples
    assert max(sizes) <= max(CHUNK_BYTES)
    if len(sizes) > 1:
        # Half of what is just too long for one chunk: 120 ms.
        assert min(sizes) >= 5_760


def test_words_come_with_the_chunk_in_which_they_begin() -> None:
    answer = Answer("aaa bbb", speaks=True, speed=1.0, not_before=0.0)
    answer.add_sound(sound(0.4))
    assert [piece.text for _, piece in drain(answer, 0.0)] == [" aaa", " bbb"]


def test_segments_are_wanted_one_after_the_other() -> None:
    answer = Answer("One. Two.", speaks=True, speed=2.0, not_before=0.0)
    assert answer.wanted == "One."
    answer.add_sound(sound(0.2))
    assert (answer.wanted, answer.finished) == ("Two.", False)
    assert len(answer.take(0.0)) == 1
    assert answer.due() is None
    answer.add_sound(sound(0.2))
    # Synthesis was late: the pace goes on from now, and playback had paused.
    assert len(answer.take(5.0)) == 1
    assert answer.finished
    assert answer.playback_until == pytest.approx(5.2)


def test_a_late_tick_does_not_burst() -> None:
    answer = Answer("word", speaks=True, speed=1.0, not_before=0.0)
    answer.add_sound(sound(2.0))
    assert len(answer.take(0.0)) == 1
    assert len(answer.take(1.0)) == 2


def test_playback_queues_behind_what_is_still_playing() -> None:
    answer = Answer("word", speaks=True, speed=8.0, not_before=1.0, playing_until=3.0)
    answer.add_sound(sound(0.2))
    answer.take(1.0)
    assert answer.playback_until == pytest.approx(3.2)


def test_words_without_sound_are_said_all_the_same() -> None:
    answer = Answer("…", speaks=True, speed=1.0, not_before=0.0)
    answer.add_sound(b"")
    assert answer.take(0.0) == [Piece(b"", " …")]


def test_an_answer_in_text_needs_no_sound() -> None:
    answer = Answer("one two three four", speaks=False, speed=2.0, not_before=0.0)
    assert answer.wanted == ""
    taken = drain(answer, 0.0)
    assert [(when, piece.text) for when, piece in taken] == [
        (0.0, " one two three"),
        (0.1, " four"),
    ]
    assert answer.playback_until == pytest.approx(0.1)
    assert Answer("", speaks=False, speed=1.0, not_before=0.0).finished


def test_a_stall_comes_once_after_the_first_piece() -> None:
    answer = Answer("word", speaks=True, speed=1.0, not_before=0.0, stall_s=4.0)
    answer.add_sound(sound(0.6))
    times = [when for when, _ in drain(answer, 0.0)]
    assert times == pytest.approx([0.0, 4.2, 4.36])
    # The client had played the first piece long before the second came.
    assert answer.playback_until == pytest.approx(4.6, abs=0.03)
