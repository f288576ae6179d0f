"""Texts as a voice says them: their words, how long each takes to say, where it may pause. Pure."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

WIDE: Final = 3.0  # a Chinese, Japanese or Korean character takes as long as three letters
DIGIT: Final = 4.0  # and "1987" as long as its words

_CLAUSE_END: Final = re.compile(r"[.,;:!?…]+(?=[\s\"'”’)])|[。、，；：！？]+|\s[-–—]+(?=\s)")


def weights(text: str) -> list[float]:
    """How long each character takes to say, in letters."""
    return [_weight(character) for character in text]


def _weight(character: str) -> float:
    if character.isdigit():
        return DIGIT
    return WIDE if _is_wide(character) and character.isalpha() else 1.0


def words(text: str) -> Iterator[tuple[int, int]]:
    """Begin and end of each word, in characters; punctuation belongs to the word before it.

    Chinese and Japanese write no spaces, so each of their characters is a word.
    """
    begin = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or _may_break(text[end - 1], text[end]):
            if not text[begin:end].isspace():
                yield begin, end
            begin = end


def clause_ends(text: str) -> list[int]:
    """Where a voice may pause, in characters; the end of the text is not among them."""
    return [match.end() for match in _CLAUSE_END.finditer(text) if match.end() < len(text)]


def last_words(text: str, limit: int) -> str:
    """The last at most `limit` words, for quoting."""
    begins = [begin for begin, _ in words(text)][-limit:] if limit > 0 else []
    return text[begins[0] :].strip() if begins else ""


def _may_break(before: str, after: str) -> bool:
    return before.isspace() or after.isspace() or _stands_alone(before) or _stands_alone(after)


def _stands_alone(character: str) -> bool:
    """Korean is as wide as the others, but writes spaces."""
    return _is_wide(character) and not "\uac00" <= character <= "\ud7a3"


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in ("W", "F")
