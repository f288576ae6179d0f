"""What a room tells a connection to Gemini of the talk so far."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from processors.conversation import Conversation
from processors.gemini.opening import Opening
from processors.gemini.profiles import ModelProfile
from processors.gemini.seed import Seed, seed_of
from processors.images.pixels import Picture


@dataclass(frozen=True, slots=True)
class Recollection:
    """`current` is the current image as the Live model is shown it."""

    conversation: Conversation
    current: Callable[[], Picture | None]
    profile: ModelProfile

    def seed(self, opening: Opening) -> Seed | None:
        """For a fresh session all there is, with the current image; for one that is resumed what
        it does not know, on which it waits for more. The notes come last."""
        fresh = opening.since is None
        turns = self.conversation.told_since(-1 if opening.since is None else opening.since)
        asked = {text.strip() for text in opening.asked}
        while turns and _written(turns[-1]) in asked:
            turns.pop()
        turns += [_note(note) for note in opening.notes]
        seed = seed_of(turns, self.profile, self._current() if fresh else None)
        if seed is None or fresh:
            return seed
        return Seed(seed.turns, complete=False)

    def _current(self) -> tuple[str, bytes] | None:
        picture = self.current()
        return None if picture is None else (picture.mime_type, picture.data)


def _written(turn: dict[str, Any]) -> str | None:
    """What a user wrote, if that is what the turn is."""
    return turn["parts"][-1].get("text") if turn["role"] == "user" else None


def _note(text: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": text}]}
