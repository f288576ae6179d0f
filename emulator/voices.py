"""Gemini's thirty voice names and how each sounds here: an espeak-ng variant, a pitch and a speed.

Pure data. Names and their order follow Google's list; the sound is ours, fixed and told apart by
ear, not an imitation.
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
    "Achernar":      Timbre("f2", 58, 160), "Achird":        Timbre("m3", 48, 165),
    "Algenib":       Timbre("m7", 32, 155), "Algieba":       Timbre("m1", 44, 160),
    "Alnilam":       Timbre("m2", 38, 160), "Aoede":         Timbre("f1", 54, 165),
    "Autonoe":       Timbre("f3", 50, 160), "Callirrhoe":    Timbre("f4", 52, 160),
    "Charon":        Timbre("m1", 36, 158), "Despina":       Timbre("f1", 48, 160),
    "Enceladus":     Timbre("m4", 40, 155), "Erinome":       Timbre("f2", 50, 162),
    "Fenrir":        Timbre("m3", 55, 170), "Gacrux":        Timbre("f3", 42, 155),
    "Iapetus":       Timbre("m2", 46, 162), "Kore":          Timbre("f2", 46, 165),
    "Laomedeia":     Timbre("f3", 60, 168), "Leda":          Timbre("f4", 60, 165),
    "Orus":          Timbre("m4", 46, 160), "Puck":          Timbre("m3", 62, 168),
    "Pulcherrima":   Timbre("f1", 60, 168), "Rasalgethi":    Timbre("m2", 52, 162),
    "Sadachbia":     Timbre("m1", 52, 168), "Sadaltager":    Timbre("m4", 50, 162),
    "Schedar":       Timbre("m1", 40, 155), "Sulafat":       Timbre("f4", 46, 158),
    "Umbriel":       Timbre("m3", 42, 158), "Vindemiatrix":  Timbre("f3", 46, 158),
    "Zephyr":        Timbre("f1", 66, 168), "Zubenelgenubi": Timbre("m2", 33, 155),
}
# fmt: on

DEFAULT_VOICE: Final = "Puck"
VOICE_NAMES: Final = tuple(TIMBRES)


def timbre(voice: str) -> Timbre:
    """The sound of a Gemini voice name; an unknown name sounds like DEFAULT_VOICE."""
    return TIMBRES.get(voice, TIMBRES[DEFAULT_VOICE])
