"""What the link asks the model for by itself, and what else a model answers. Pure."""

from typing import Final

from processors.gemini.outbox import RealtimeText, Slot, ToolResponse, Turns
from processors.spoken_text import SpokenText
from processors.wording import last_words

QUOTED_WORDS: Final = 12
NUDGE: Final = RealtimeText("Please answer what was just said.")
CARRY_ON: Final = (
    'Your last answer broke off after the words "{words}". '
    "Go on from there; do not repeat them and do not greet."
)
CARRY_ON_UNHEARD: Final = (
    "Your last answer broke off in the middle. Go on from there, and do not greet."
)


def carry_on(spoken: SpokenText) -> RealtimeText:
    """For the rest of an answer of which that much has sounded."""
    words = last_words(spoken.text_until(spoken.sound_s), QUOTED_WORDS)
    return RealtimeText(CARRY_ON.format(words=words) if words else CARRY_ON_UNHEARD)


def asks(slot: Slot) -> bool:
    """The model will answer it, sound aside."""
    match slot.item:
        case RealtimeText() | Turns(complete=True) | ToolResponse(will_continue=False):
            return True
        case _:
            return False
