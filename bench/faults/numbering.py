"""Who says which numbers: the people of a talk, and the model that answers them. Pure.

Each seat has 256 numbers of its own, so that words that go astray are found. The model has the
same ones, and says them with a letter in front; `answer_to` says what it answers, out of what it
heard alone, so that a session which knows nothing else still answers right.
"""

import re
from collections.abc import Sequence
from typing import Final

SEATS: Final = 16
NUMBERS_OF_A_SEAT: Final = 256
WORDS_OF_AN_UTTERANCE: Final = 8
WORDS_OF_AN_ANSWER: Final = 12
ANSWERS: Final = NUMBERS_OF_A_SEAT // WORDS_OF_AN_ANSWER
LETTER: Final = "a"  # before a number that the model says
_SPOKEN_BY_US: Final = re.compile(r"(?<![\w.])\d{1,4}(?![\w.])")
_SPOKEN_BY_IT: Final = re.compile(rf"\b{LETTER}(\d{{1,4}})\b")


def utterance(seat: int, turn: int, count: int = WORDS_OF_AN_UTTERANCE) -> list[int]:
    """The words of that turn, if each of them has `count`. Raises ValueError."""
    first = turn * count
    if not 0 <= seat < SEATS or first + count > NUMBERS_OF_A_SEAT:
        raise ValueError(f"seat {seat} has no words for turn {turn}")
    return [seat * NUMBERS_OF_A_SEAT + first + place for place in range(count)]


def seat_of(number: int) -> int:
    return number // NUMBERS_OF_A_SEAT


def opens_a_talk(number: int) -> bool:
    """Whether it is of the first utterance."""
    return number % NUMBERS_OF_A_SEAT < WORDS_OF_AN_UTTERANCE


def answer_to(heard: Sequence[int]) -> list[int]:
    """What the model says to these numbers; the last of them decides. Empty for none."""
    if not heard:
        return []
    seat, place = divmod(heard[-1], NUMBERS_OF_A_SEAT)
    return _answer(seat, place // WORDS_OF_AN_UTTERANCE % ANSWERS)


def _answer(seat: int, turn: int) -> list[int]:
    first = seat * NUMBERS_OF_A_SEAT + turn * WORDS_OF_AN_ANSWER
    return list(range(first, first + WORDS_OF_AN_ANSWER))


def spoken_by_it(numbers: Sequence[int]) -> str:
    return " ".join(f"{LETTER}{number}" for number in numbers)


def numbers_of_ours(text: str) -> list[int]:
    """In a text, those that people said."""
    return [int(found) for found in _SPOKEN_BY_US.findall(text)]


def numbers_of_its(text: str) -> list[int]:
    """In a text, those that the model said."""
    return [int(found) for found in _SPOKEN_BY_IT.findall(text)]
