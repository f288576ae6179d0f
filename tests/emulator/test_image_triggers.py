from __future__ import annotations

from pathlib import Path

import pytest

from emulator.brain import COUNT, STORY
from emulator.image_triggers import DELAYS_S, WORDS, Trigger, delay_s, trigger_in
from emulator.phrases import sentences

DOCUMENT = Path(__file__).parents[2] / "docs" / "emulator-brain.md"


@pytest.mark.parametrize(("words", "trigger"), WORDS)
def test_words_bring_their_failure(words: str, trigger: Trigger) -> None:
    assert trigger_in(f"Draw a {words.upper()} thing") is trigger
    assert trigger_in(f"Draw a {words}ish thing") is None


def test_every_failure_has_words() -> None:
    assert {trigger for _, trigger in WORDS} == set(Trigger)


def test_delays() -> None:
    assert delay_s("a slow circle") == 5.0
    assert delay_s("a very slow circle") == 30.0
    assert delay_s("a slowly drawn circle") == 0.0


def test_no_spoken_sentence_fails_by_accident() -> None:
    for sentence in (*sentences(), STORY, COUNT):
        assert trigger_in(sentence) is None
        assert delay_s(sentence) == 0.0


def test_all_words_are_documented() -> None:
    text = DOCUMENT.read_text()
    for words, _ in (*WORDS, *DELAYS_S):
        assert f"`{words}`" in text
