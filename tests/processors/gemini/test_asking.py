import pytest

from processors.gemini.asking import CARRY_ON_UNHEARD, QUOTED_WORDS, asks, carry_on
from processors.gemini.outbox import (
    Audio,
    AudioEnd,
    Outgoing,
    RealtimeText,
    Slot,
    ToolResponse,
    Turns,
)
from processors.spoken_text import SpokenText


def test_the_last_words_that_sounded_are_quoted() -> None:
    spoken = SpokenText()
    for number in range(30):
        spoken.said(f"{number} ")
        spoken.sounded(0.5)
    text = carry_on(spoken).text
    quoted = text.split('"')[1].split()
    assert quoted == [str(number) for number in range(30 - QUOTED_WORDS, 30)]


def test_of_sound_without_words_none_can_be() -> None:
    spoken = SpokenText()
    spoken.sounded(1.0)
    assert carry_on(spoken).text == CARRY_ON_UNHEARD


@pytest.mark.parametrize(
    ("item", "answered"),
    [
        (RealtimeText("hello"), True),
        (Turns((), "hello", complete=True), True),
        (Turns((), "hello", complete=False), False),
        (ToolResponse("c", "draw", {}), True),
        (ToolResponse("c", "draw", {}, will_continue=True), False),
        (Audio(b"ab"), False),
        (AudioEnd(), False),
    ],
)
def test_what_a_model_answers(item: Outgoing, answered: bool) -> None:
    assert asks(Slot(item, 0.0)) is answered
