import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.wording import DIGIT, WIDE, clause_ends, last_words, weights, words


def split(text: str) -> list[str]:
    return [text[begin:end] for begin, end in words(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("  ", []),
        ("one", ["one"]),
        (" one  two\nthree ", ["one", "two", "three"]),
        ("don't, he said.", ["don't,", "he", "said."]),
        ("今日は", ["今", "日", "は"]),
        ("안녕하세요 여러분", ["안녕하세요", "여러분"]),
        ("OK今日", ["OK", "今", "日"]),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert split(text) == found


@given(st.text())
def test_words_leave_nothing_out_but_space(text: str) -> None:
    spans = list(words(text))
    assert spans == sorted(spans)
    assert "".join("".join(split(text)).split()) == "".join(text.split())


def test_what_takes_longer_to_say_weighs_more() -> None:
    assert weights("a 7.") == [1.0, 1.0, DIGIT, 1.0]
    assert weights("今。안") == [WIDE, 1.0, WIDE]


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("One, two. Three", ["One,", "One, two."]),
        ('He said: "No!" Then', ["He said:", 'He said: "No!']),
        ("It costs 3.50 or 1,000 now", []),
        ("Wait... what?", ["Wait..."]),
        ("a – b", ["a –"]),
        ("今日は、いい。天気", ["今日は、", "今日は、いい。"]),
        ("The end.", []),
        ("", []),
    ],
)
def test_a_voice_may_pause_after_a_clause(text: str, before: list[str]) -> None:
    assert [text[:end] for end in clause_ends(text)] == before


@pytest.mark.parametrize(
    ("limit", "quoted"),
    [(2, "and four."), (9, "One, two and four."), (1, "four."), (0, ""), (-1, "")],
)
def test_the_last_words(limit: int, quoted: str) -> None:
    assert last_words(" One, two and four. ", limit) == quoted


def test_the_last_of_no_words() -> None:
    assert last_words(" ", 3) == ""
    assert last_words("いい天気", 2) == "天気"
