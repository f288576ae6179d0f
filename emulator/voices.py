"""Gemini's thirty voice names and how each sounds here: an espeak-ng variant, a pitch and a speed.

Pure data. Names and their order follow Google's list; the sound is ours, fixed and told apart by
ear, not an imitation. The variants are those that the emulator's own ears understand best, so a
test may speak with any of these voices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Timbre:
    """`variant` is an espeak-ng voice variant, `pitch` 0–99, `words_per_minute` 80–450."""

    variant: str
    pitch: int
    words_per_minute: int


# fmt: off
TIMBRES: Final[dict[str, Timbre]] = {
    "Achernar":      Timbre("f2", 58, 160), "Achird":        Timbre("m1", 48, 165),
    "Algenib":       Timbre("m3", 32, 155), "Algieba":       Timbre("m6", 44, 160),
    "Alnilam":       Timbre("m5", 38, 160), "Aoede":         Timbre("f5", 54, 165),
    "Autonoe":       Timbre("f1", 50, 160), "Callirrhoe":    Timbre("f2", 52, 158),
    "Charon":        Timbre("m1", 36, 158), "Despina":       Timbre("f5", 48, 162),
    "Enceladus":     Timbre("m3", 40, 155), "Erinome":       Timbre("f1", 46, 160),
    "Fenrir":        Timbre("m6", 55, 168), "Gacrux":        Timbre("f2", 38, 155),
    "Iapetus":       Timbre("m5", 46, 162), "Kore":          Timbre("f2", 46, 165),
    "Laomedeia":     Timbre("f1", 62, 168), "Leda":          Timbre("f2", 60, 166),
    "Orus":          Timbre("m1", 50, 160), "Puck":          Timbre("m3", 56, 166),
    "Pulcherrima":   Timbre("f5", 56, 168), "Rasalgethi":    Timbre("m6", 52, 162),
    "Sadachbia":     Timbre("m5", 54, 168), "Sadaltager":    Timbre("m1", 47, 160),
    "Schedar":       Timbre("m3", 42, 156), "Sulafat":       Timbre("f1", 44, 158),
    "Umbriel":       Timbre("m6", 40, 158), "Vindemiatrix":  Timbre("f2", 42, 156),
    "Zephyr":        Timbre("f5", 64, 168), "Zubenelgenubi": Timbre("m5", 34, 155),
}
# fmt: on

DEFAULT_VOICE: Final = "Puck"
VOICE_NAMES: Final = tuple(TIMBRES)


def timbre(voice: str) -> Timbre:
    """The sound of a Gemini voice name; an unknown name sounds like DEFAULT_VOICE."""
    return TIMBRES.get(voice, TIMBRES[DEFAULT_VOICE])
