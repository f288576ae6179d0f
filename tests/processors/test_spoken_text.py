"""Cuts of answers, against when the words really sound: along, early, late and twice."""

import importlib.util
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.brain import ABILITIES, COUNT, STORY
from processors.spoken_text import FRAME_S, MEASURABLE_S, USUAL_RATE, SpokenText, audible
from tests.processors.sounds import noise, silence, tone
from tests.processors.timed_voice import TimedAnswer, timed_answer

RATE_HZ = 24_000
RIGHT_S = 0.5
STEP_S = 0.1
HEARD, PAUSE = b"\x01", b"\x00"

UNEVEN = (
    "Well... yes. The internationalisation of telecommunications, I am afraid, is not simple! In "
    "1987 about 12,500 people lived there; today it is 3.5 million. I do not know why it is so, "
    "but so it is."
)
LISTING = (
    "First, take a big red apple, cut it in two halves, put them on a plate, and wait a while. "
    "Then, when it is brown, eat it: it is sweet, it is soft, and it is good for you."
)
ANSWERS = {
    "story": STORY,
    "count": COUNT,
    "abilities": ABILITIES,
    "uneven": UNEVEN,
    "list": LISTING,
    "short": "You are welcome.",
}
needs_espeak = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None, reason="the emulator extra is missing"
)


def deliver(answer: TimedAnswer, words: str, share: float = 1.0) -> Iterator[tuple[str, bytes]]:
    """Words or sound, in the order in which they come; of the sound the first `share`."""
    pieces = answer.pieces[: round(share * len(answer.pieces))]
    late: list[str] = []
    if words == "early":
        yield answer.text, b""
    for index, piece in enumerate(pieces):
        match words:
            case "along" | "twice":
                yield piece.text, piece.pcm
                yield (piece.text if words == "twice" else ""), b""
            case "ahead":
                ready = answer.pieces[: index + 6] if index == 0 else answer.pieces[index + 5 :][:1]
                yield "".join(each.text for each in ready), piece.pcm
            case "behind" | "late":
                yield "", piece.pcm
                late.append(piece.text)
                if words == "behind" and len(late) > 5:
                    yield late.pop(0), b""
            case _:
                yield "", piece.pcm
    yield "".join(late) if share == 1.0 else "", b""


def spoken(answer: TimedAnswer, words: str, share: float = 1.0) -> SpokenText:
    told = SpokenText(rate_of(answer) if share < 1.0 else None)
    for fragment, pcm in deliver(answer, words, share):
        told.said(fragment)
        if pcm:
            samples = np.frombuffer(pcm, "<i2")
            told.sounded(samples.size / RATE_HZ, audible(samples, RATE_HZ))
    if share == 1.0:
        told.completed()
    return told


def rate_of(answer: TimedAnswer) -> float | None:
    """Of the same voice in another answer."""
    other = STORY if answer.text.strip() == LISTING else LISTING
    return spoken(timed_answer(other), "along").measured_rate


def errors(told: SpokenText, answer: TimedAnswer, until_s: float) -> list[float]:
    times = np.arange(0.0, until_s, STEP_S)
    return [answer.error_s(told.text_until(float(time)), float(time)) for time in times]


@needs_espeak
@pytest.mark.parametrize("words", ["along", "early", "late", "twice", "ahead", "behind"])
@pytest.mark.parametrize("name", ANSWERS)
def test_a_whole_answer_is_cut_right_wherever_it_is_cut(name: str, words: str) -> None:
    answer = timed_answer(ANSWERS[name])
    told = spoken(answer, words)
    assert told.text.split() == answer.text.split()
    assert max(errors(told, answer, answer.sound_s)) <= RIGHT_S


@needs_espeak
@pytest.mark.parametrize("words", ["along", "twice"])
@pytest.mark.parametrize("share", [0.3, 0.6])
@pytest.mark.parametrize("name", ["story", "abilities", "list"])
def test_so_is_one_of_which_more_will_come(name: str, share: float, words: str) -> None:
    """Not where figures are read out: the emulator sends the words after them too soon."""
    answer = timed_answer(ANSWERS[name])
    told = spoken(answer, words, share)
    assert max(errors(told, answer, told.sound_s)) <= RIGHT_S


@needs_espeak
@pytest.mark.parametrize("words", ["early", "ahead", "behind"])
@pytest.mark.parametrize("name", ["story", "abilities", "uneven", "list"])
def test_out_of_step_its_beginning_is(name: str, words: str) -> None:
    """Sound comes at least twice as fast as it is heard; and the rate of the voice is known."""
    answer = timed_answer(ANSWERS[name])
    told = spoken(answer, words, 0.6)
    assert max(errors(told, answer, told.sound_s / 2)) <= RIGHT_S


@needs_espeak
@pytest.mark.parametrize("voice", ["Charon", "Laomedeia"])
def test_other_voices(voice: str) -> None:
    answer = timed_answer(STORY, voice)
    told = spoken(answer, "early")
    assert max(errors(told, answer, answer.sound_s)) <= RIGHT_S


def sentence(*words: str, word_s: float = 0.25, rate: float | None = None) -> SpokenText:
    """Each word with its sound."""
    told = SpokenText(rate)
    for word in words:
        told.said(f" {word}")
        told.sounded(word_s, HEARD)
    return told


def test_words_come_with_the_sound_that_they_begin_with() -> None:
    told = sentence("one", "two", "three", "four")
    assert told.text_until(0.0) == ""
    assert told.text_until(0.5) == "one two"
    assert told.text_until(1.0) == told.text_until(9.0) == "one two three four"


def test_or_with_that_which_they_end_with() -> None:
    told = SpokenText()
    for words in ("I am here with my", "dog, and he is well"):
        told.sounded(1.0, HEARD)
        told.said(f" {words}")
    assert told.text_until(1.0) == "I am here with my"
    assert told.text_until(2.0) == "I am here with my dog, and he is well"


def test_fragments_that_come_together_share_their_sound() -> None:
    told = SpokenText()
    for words in (" I", " am", " here", " with", " my", " dog"):
        told.said(words)
        if words in (" am", " with", " dog"):
            told.sounded(0.4, HEARD)
    assert told.text_until(0.4) == "I am"
    assert told.text_until(0.8) == "I am here with"


def test_a_pause_takes_no_words() -> None:
    told = sentence("one", "two")
    told.sounded(5.0, PAUSE)
    told.said(" three")
    told.sounded(0.25, HEARD)
    assert told.text_until(4.0) == "one two"
    assert told.text_until(5.75) == "one two three"


def test_a_pause_within_a_piece_is_where_it_is() -> None:
    told = SpokenText()
    told.said(" One two three. Four five six.")
    told.sounded(3.0, HEARD + PAUSE + HEARD)
    told.completed()
    assert told.text_until(1.0) == told.text_until(2.0) == "One two three."
    assert told.text_until(3.0) == "One two three. Four five six."


def test_words_without_sound_are_as_long_as_words_usually_are() -> None:
    told = SpokenText()
    told.said("a" * 8 + " " + "b" * 8)
    assert told.text_until(0.5) == ""
    told.sounded(2.0, HEARD)
    assert told.text_until(8 / USUAL_RATE) == "a" * 8
    assert told.text_until(2.0) == "a" * 8 + " " + "b" * 8


def test_an_answer_that_goes_on_after_its_end_was_not_whole() -> None:
    told = sentence("aaaa", "bbbb", word_s=0.3)
    told.completed()
    told.sounded(0.3, HEARD)
    assert not told.complete


def test_or_as_those_of_the_answer_before() -> None:
    told = SpokenText(rate=4.0)
    told.said("a" * 8 + " " + "b" * 8)
    told.sounded(4.0, HEARD)
    assert told.text_until(2.0) == "a" * 8
    assert told.text_until(3.0) == "a" * 8


def test_a_pace_that_nobody_speaks_at_is_not_believed() -> None:
    """Half of the words came before a quarter of a second of sound."""
    told = SpokenText()
    for word in ("a" * 16, "b" * 16):
        told.said(f" {word}")
        told.sounded(0.25, HEARD)
    told.sounded(3.0, HEARD)
    assert told.text_until(0.4) == ""
    assert told.text_until(1.1) == "a" * 16


def test_nor_is_a_pace_that_changes_too_much() -> None:
    told = sentence(*["aaaa"] * 12, word_s=0.15)
    for _ in range(12):
        told.said(" aaaa")
        told.sounded(0.45, HEARD)
    assert told.text_until(1.8).split() == ["aaaa"] * 6, "as many as are said in that time"


def test_a_figure_takes_its_time() -> None:
    """One fragment that is out of step with its sound does not put all the others in doubt."""
    told = sentence(*["aaaa"] * 12, word_s=0.3)
    told.said(" x")
    told.sounded(0.9, HEARD)
    for _ in range(6):
        told.said(" bbbb")
        told.sounded(0.3, HEARD)
    assert told.text_until(4.5).split()[-1] == "x"
    assert told.text_until(4.8).split()[-2:] == ["x", "bbbb"]


def test_nothing_was_said_in_a_sound_without_words() -> None:
    told = SpokenText()
    told.sounded(2.0, HEARD)
    assert told.text_until(1.0) == ""
    told.completed()
    assert told.text_until(1.0) == ""


def test_nor_in_a_silence_with_words() -> None:
    told = SpokenText()
    told.said("hello")
    told.sounded(1.0, PAUSE)
    told.completed()
    assert told.text_until(1.0) == ""


def test_empty_fragments_say_nothing() -> None:
    assert SpokenText().said("") == ""


def test_what_comes_twice_is_said_once() -> None:
    told = SpokenText()
    new = [told.said(word) for word in (" one", " one", " two", " two", " three", " three")]
    assert new == [" one", " one", " two", "", " three", ""]
    assert told.text == " one two three"
    new = [told.said(word) for word in (" three", " three", " four", " four", " five")]
    assert new == [" three", "", " four", "", " five"], "a word that is really said twice"


@pytest.mark.parametrize("words", ["no no no no", "ha ha it is", "it is is it", "a a b c"])
def test_what_is_said_twice_comes_twice(words: str) -> None:
    told = SpokenText()
    for word in words.split():
        told.said(f" {word}")
    assert told.text.split() == words.split()


def test_the_rate_of_a_voice_is_learned_from_whole_answers() -> None:
    told = sentence("a" * 16, "b" * 16, word_s=MEASURABLE_S / 2)
    assert told.measured_rate is None
    told.completed()
    assert told.measured_rate == pytest.approx(17.0 / (MEASURABLE_S / 2))
    short = sentence("aaaa")
    short.completed()
    assert short.measured_rate is None
    wordless = sentence(word_s=9.0)
    wordless.sounded(9.0, HEARD)
    wordless.completed()
    assert wordless.measured_rate is None


def test_sound_owes_its_words() -> None:
    told = SpokenText()
    owed = [told.words_owed]
    told.sounded(2.0, HEARD)
    for words in ("", "a" * 8, "a" * 8):
        told.said(words)
        owed.append(told.words_owed)
    assert owed == [False, True, True, False]


def test_frames_follow_the_sound_however_its_pieces_are_cut() -> None:
    told = SpokenText()
    for _ in range(1000):
        told.sounded(0.0133, HEARD)
    told.sounded(0.001, HEARD)
    assert told.sound_s == pytest.approx(13.301)
    assert told.text_until(1e9) == ""


def test_audible_is_what_is_louder_than_a_pause() -> None:
    sound = np.concatenate([silence(0.1, RATE_HZ), tone(0.1, RATE_HZ), noise(0.1, -60, RATE_HZ)])
    frames = round(0.1 / FRAME_S)
    assert audible(sound, RATE_HZ) == PAUSE * frames + HEARD * frames + PAUSE * frames
    assert audible(tone(0.01, RATE_HZ), RATE_HZ) == HEARD, "half a frame"
    assert audible(silence(0.0), RATE_HZ) == b""


events = st.lists(
    st.one_of(
        st.text("ab ,.7今", max_size=12),
        st.tuples(st.floats(0.0, 3.0), st.sampled_from([HEARD, PAUSE, HEARD + PAUSE + HEARD])),
    ),
    max_size=20,
)


@given(events, st.booleans(), st.one_of(st.none(), st.floats(6.0, 50.0)))
def test_whatever_comes_more_is_spoken_the_longer_it_sounds(
    events: list[str | tuple[float, bytes]], complete: bool, rate: float | None
) -> None:
    told = SpokenText(rate)
    for event in events:
        if isinstance(event, str):
            told.said(event)
        else:
            told.sounded(*event)
    if complete:
        told.completed()
    before = ""
    for heard_s in np.linspace(0.0, told.sound_s + 1.0, 12):
        kept = told.text_until(float(heard_s))
        assert told.text.strip().startswith(kept)
        assert len(kept) >= len(before)
        before = kept
    if complete and any(not isinstance(event, str) and event[1] == HEARD for event in events):
        spoken_s = sum(event[0] for event in events if not isinstance(event, str))
        assert before == told.text.strip() or spoken_s < 0.1
