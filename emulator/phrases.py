"""Every sentence the emulator's ears can hear; pure data, shared with the brain and the tests.

A rule is a template: `<name>` is one of SLOTS, `[word]` may be left out, `(a | b)` is a choice.
The sentences were chosen by measurement: docs/emulator-brain.md holds the table.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

COLOURS: Final = (
    "red",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
    "brown",
    "white",
)
SHAPES: Final = ("circle", "square", "triangle", "star")
SCENES: Final = ("house", "tree", "room")
ADDITIONS: Final = ("plant", "lamp")
SIDES: Final = ("left", "right")
PLACES: Final = ("in a forest", "at the beach", "in the snow")
ORDINALS: Final = ("second", "third")
MANNERS: Final = ("warmer", "cooler", "brighter", "darker", "grey", "black and white")

_AN: Final = ("orange",)
_WITH_ARTICLE: Final = tuple(f"{'an' if colour in _AN else 'a'} {colour}" for colour in COLOURS)

SLOTS: Final[dict[str, tuple[str, ...]]] = {
    "colour": COLOURS,
    "a_colour": _WITH_ARTICLE,
    "shape": SHAPES,
    "scene": SCENES,
    "addition": ADDITIONS,
    "side": SIDES,
    "manner": MANNERS,
    "place": PLACES,
    "ordinal": ORDINALS,
}

RULES: Final = (
    "hello",
    "goodbye",
    "thank you",
    "stop",
    "undo",
    "what do you see",
    "what can you do",
    "what time is it",
    "tell me a story",
    "count to ten",
    "change the wall to <colour>",
    "change the floor to <colour>",
    "change the <side> wall to <colour>",
    "only the <side> wall",
    "make it <manner>",
    "blur it",
    "mirror it",
    "show me this room with <a_colour> wall",
    "show me this room with <colour> walls",
    "draw <a_colour> <shape>",
    "draw a <scene>",
    "add a <addition>",
    "go back to the first one",
    "go back to the first one and add a <addition>",
    "redo",
    "explain this step by step",
    "make a poster saying hello world in three variants",
    "take the <ordinal> one",
    "draw a fox with a red scarf",
    "show the fox <place>",
    "put this lamp on that table",
    "remove this",
    "make this <colour>",
    "make it <colour> instead",
    "never mind",
    "cancel that",
    "call it the <colour> one",
    "show me the <colour> one",
)

_SLOT: Final = re.compile(r"<(\w+)>")


def _expand(rule: str) -> Iterator[str]:
    names = _SLOT.findall(rule)
    for values in itertools.product(*(SLOTS[name] for name in names)):
        sentence = rule
        for name, value in zip(names, values, strict=True):
            sentence = sentence.replace(f"<{name}>", value, 1)
        yield sentence


def sentences() -> tuple[str, ...]:
    """All sentences of the grammar, in the order of RULES."""
    return tuple(itertools.chain.from_iterable(_expand(rule) for rule in RULES))


def jsgf() -> str:
    """The grammar in the Java Speech Grammar Format, as pocketsphinx reads it."""
    lines = ["#JSGF V1.0;", "grammar commands;"]
    lines += [f"<{name}> = {' | '.join(values)};" for name, values in SLOTS.items()]
    lines.append(f"public <command> = {' | '.join(RULES)};")
    return "\n".join(lines) + "\n"
