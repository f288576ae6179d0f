"""STUB until the real one is merged."""

from dataclasses import dataclass


@dataclass(slots=True)
class SpokenText:
    text: str = ""
    sound_s: float = 0.0

    def said(self, fragment: str) -> None:
        self.text += fragment

    def sounded(self, duration_s: float) -> None:
        self.sound_s += duration_s

    def text_until(self, heard_s: float) -> str:
        return self.text


def last_words(text: str, limit: int) -> str:
    return " ".join(text.split()[-limit:])
