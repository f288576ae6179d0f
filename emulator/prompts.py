"""Prompts to plans: which operations an edit asks for, and what a drawing is to show. Pure.

The language is small English; a prompt that fits nothing becomes a Guess, and says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from emulator.colours import PAINT, SYNONYMS

MAX_PROMPT_CHARACTERS: Final = 4_000
MAX_CAPTION_CHARACTERS: Final = 200
MAX_OPERATIONS: Final = 8
MAX_THINGS: Final = 12
MAX_COUNT: Final = 12


class Region(StrEnum):
    """A part of a picture that can be found."""

    WALL = "wall"
    FLOOR = "floor"
    CEILING = "ceiling"
    SKY = "sky"
    BACKGROUND = "background"
    PICTURE = "picture"


class Side(StrEnum):
    """A half of the picture."""

    LEFT = "left"
    RIGHT = "right"
    WHOLE = "whole"


class Tone(StrEnum):
    """A change of all pixels alike."""

    GREY = "grey"
    SEPIA = "sepia"
    WARMER = "warmer"
    COOLER = "cooler"
    BRIGHTER = "brighter"
    DARKER = "darker"
    INVERTED = "inverted"
    BLURRED = "blurred"


class Turn(StrEnum):
    """A change of place of all pixels."""

    LEFT = "left"
    RIGHT = "right"
    AROUND = "around"
    MIRRORED = "mirrored"
    FLIPPED = "flipped"


class Layout(StrEnum):
    """How two pictures become one."""

    BESIDE = "beside"
    BLENDED = "blended"


class Past(StrEnum):
    """An earlier picture of the conversation."""

    PREVIOUS = "previous"
    FIRST = "first"


@dataclass(frozen=True)
class Recolour:
    region: Region
    side: Side
    colour: str


@dataclass(frozen=True)
class Narrow:
    """Keep the last change to one side; '' leaves the colour as it is."""

    region: Region
    side: Side
    colour: str


@dataclass(frozen=True)
class SetTone:
    tone: Tone


@dataclass(frozen=True)
class SetTurn:
    turn: Turn


@dataclass(frozen=True)
class Crop:
    """Keep one half, or the middle for WHOLE."""

    side: Side


@dataclass(frozen=True)
class Combine:
    layout: Layout


@dataclass(frozen=True)
class GoBack:
    to: Past


@dataclass(frozen=True)
class Caption:
    text: str


@dataclass(frozen=True)
class Thing:
    """Something to draw; '' is its own colour."""

    kind: str
    colour: str = ""
    count: int = 1


@dataclass(frozen=True)
class Add:
    thing: Thing
    side: Side


@dataclass(frozen=True)
class Guess:
    """Nothing was understood: `text` is what was asked."""

    text: str


Operation: TypeAlias = (
    Recolour | Narrow | SetTone | SetTurn | Crop | Combine | GoBack | Caption | Add | Guess
)


@dataclass(frozen=True)
class Drawing:
    """A picture to draw: things from back to front, a ground colour ('' for white), a caption."""

    things: tuple[Thing, ...]
    ground: str
    caption: str


SHAPES: Final = ("circle", "square", "triangle", "star", "heart", "rectangle")
THINGS: Final = ("room", "house", "tree", "sun", "plant", "lamp", *SHAPES)
_THING_WORDS: Final = {
    **{thing: thing for thing in THINGS},
    "ball": "circle", "dot": "circle", "box": "square", "flower": "plant", "bush": "plant",
    "light": "lamp", "cottage": "house", "home": "house", "kitchen": "room",
    "bedroom": "room", "office": "room", "landscape": "tree", "forest": "tree",
}  # fmt: skip
_COUNTS: Final = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "a": 1, "an": 1, "one": 1,
}  # fmt: skip
_REGIONS: Final = {
    "wall": Region.WALL, "walls": Region.WALL, "floor": Region.FLOOR, "carpet": Region.FLOOR,
    "ceiling": Region.CEILING, "sky": Region.SKY, "background": Region.BACKGROUND,
}  # fmt: skip
_TONES: Final = (
    (r"\b(grey|gray|greyscale|grayscale|monochrome)\b", Tone.GREY),
    (r"\bsepia\b|\bold photo", Tone.SEPIA),
    (r"\bwarm(er)?\b", Tone.WARMER),
    (r"\bcool(er)?\b|\bcold(er)?\b", Tone.COOLER),
    (r"\bbright(er|en)?\b|\blighter\b", Tone.BRIGHTER),
    (r"\bdark(er|en)\b", Tone.DARKER),
    (r"\binvert(ed)?\b|\bnegative\b", Tone.INVERTED),
    (r"\bblur(red|ry)?\b|\bsoft(er|en)\b", Tone.BLURRED),
)
_TURNS: Final = (
    (r"\bmirror(ed)?\b|\bflip (it )?horizontally\b", Turn.MIRRORED),
    (r"\bupside down\b|\bturn (it )?around\b|\b180\b", Turn.AROUND),
    (r"\bflip(ped)?\b", Turn.FLIPPED),
    (r"\brotate\b.*\bleft\b|\bcounter.?clockwise\b", Turn.LEFT),
    (r"\brotate\b", Turn.RIGHT),
)
_QUOTED: Final = re.compile(r"[\"“”](.+?)[\"“”]|(?<!\w)['‘](.+?)['’](?!\w)", re.DOTALL)
_TELLS_TEXT: Final = re.compile(
    r"\b(?:caption(?:ed)?|titled|write|saying|that says|with the (?:text|words?|caption|title))\b"
    r"(?: it| on it)?(?: (?:saying|reading|that says))?:?\s*(.*)$",
    re.IGNORECASE | re.DOTALL,
)
_CLAUSES: Final = re.compile(r"[,;.!?]|\bthen\b|\band\b|\bbut\b|\bplus\b")


def parse_edit(prompt: str) -> tuple[Operation, ...]:
    """At least one operation, at most MAX_OPERATIONS, in the order of the words."""
    caption, rest = _take_caption(prompt[:MAX_PROMPT_CHARACTERS])
    words = re.sub(r"\bblack (and|&) white\b", "monochrome", rest.lower())
    words = words.replace("’", "'")
    narrowed = _narrow(words)
    if narrowed is not None:
        return (narrowed,)
    found = [_operation(clause.strip()) for clause in _CLAUSES.split(words)]
    operations: list[Operation] = [one for one in found if one is not None][:MAX_OPERATIONS]
    if caption:
        operations.append(Caption(caption))
    return tuple(operations) or (Guess(prompt.strip()[:MAX_CAPTION_CHARACTERS]),)


def _narrow(words: str) -> Narrow | None:
    if not re.match(r"\s*(but )?(only|just)\b", words):
        return None
    region, side = _region(words), _side(words)
    if region is None and side is Side.WHOLE:
        return None
    return Narrow(region or Region.WALL, side, _colour(words))


def _operation(clause: str) -> Operation | None:
    if not clause:
        return None
    if re.search(r"^undo\b|^go back\b|\bback to\b|\bthe original\b", clause):
        first = re.search(r"\bfirst\b|\boriginal\b|\bbeginning\b", clause)
        return GoBack(Past.FIRST if first else Past.PREVIOUS)
    if re.search(r"\b(combine|merge|collage|together|side by side|next to each other)\b", clause):
        return Combine(Layout.BESIDE)
    if re.search(r"\b(blend|overlay|mix)\b", clause):
        return Combine(Layout.BLENDED)
    thing = _thing(clause)
    if thing is not None and re.search(r"\b(add|put|place|draw|insert|hang)\b", clause):
        return Add(thing, _side(clause))
    change = _change(clause)
    if change is None and thing is not None and re.search(r"\bwith\b", clause):
        return Add(thing, _side(clause))
    return change


def _change(clause: str) -> Operation | None:
    region, colour = _region(clause), _colour(clause)
    if region is not None and colour:
        return Recolour(region, _side(clause), colour)
    for pattern, turn in _TURNS:
        if re.search(pattern, clause):
            return SetTurn(turn)
    if re.search(r"\bcrop\b|\bzoom in\b|\bcloser\b", clause):
        return Crop(_side(clause))
    for pattern, tone in _TONES:
        if re.search(pattern, clause):
            return SetTone(tone)
    if colour and re.search(r"\b(make|turn|paint|colou?r|tint)\b", clause):
        return Recolour(Region.PICTURE, _side(clause), colour)
    return None


def parse_drawing(prompt: str) -> Drawing:
    """What to draw; nothing recognised gives no things and the prompt itself as the caption."""
    caption, rest = _take_caption(prompt[:MAX_PROMPT_CHARACTERS])
    words = rest.lower()
    on = re.search(r"\bon an? (\w+ )?([a-z]+) (background|ground|page|canvas)\b", words)
    ground = on.group(2) if on is not None and _colour(on.group(2)) else ""
    if on is not None:
        words = words.replace(on.group(0), " ")
    things = tuple(_things(_colour_the_room(words)))[:MAX_THINGS]
    if not things and not caption:
        caption = prompt.strip()[:MAX_CAPTION_CHARACTERS]
    return Drawing(things, ground, caption)


def _colour_the_room(words: str) -> str:
    """`a room with a blue wall` says the same as `a blue room`."""
    wall = re.search(r"\bwith (?:an? )?([a-z]+) walls?\b", words)
    if wall is None or not _colour(wall.group(1)):
        return words
    return re.sub(r"\broom\b", f"{wall.group(1)} room", words.replace(wall.group(0), " "))


def _things(words: str) -> list[Thing]:
    found: list[Thing] = []
    colour, count = "", 1
    for word in re.findall(r"[a-z]+|\d+", words):
        named = _colour(word)
        kind = _kind(word)
        if named:
            colour = named
        elif word in _COUNTS or word.isdigit():
            count = min(_COUNTS.get(word) or int(word[:3]), MAX_COUNT) or 1
        elif kind:
            found.append(Thing(kind, colour, count))
            colour, count = "", 1
    # A room is what the others stand in.
    return sorted(found, key=lambda thing: thing.kind != "room")


def _thing(clause: str) -> Thing | None:
    """What an edit adds; the room is what it adds to."""
    return next((thing for thing in _things(clause) if thing.kind != "room"), None)


def _kind(word: str) -> str:
    singulars = (word, word.removesuffix("s"), word.removesuffix("es"))
    return next((_THING_WORDS[one] for one in singulars if one in _THING_WORDS), "")


def _colour(words: str) -> str:
    named = [word for word in re.findall(r"[a-z]+", words) if word in PAINT or word in SYNONYMS]
    return SYNONYMS.get(named[-1], named[-1]) if named else ""


def _region(words: str) -> Region | None:
    found = [_REGIONS[word] for word in re.findall(r"[a-z]+", words) if word in _REGIONS]
    return found[0] if found else None


def _side(words: str) -> Side:
    match = re.search(r"\b(left|right)\b", words)
    return Side(match.group(1)) if match else Side.WHOLE


def _take_caption(prompt: str) -> tuple[str, str]:
    """(the text to write, the prompt without it)."""
    quoted = _QUOTED.search(prompt)
    if quoted is not None:
        text = quoted.group(1) or quoted.group(2)
        return text.strip()[:MAX_CAPTION_CHARACTERS], prompt.replace(quoted.group(0), " ")
    told = _TELLS_TEXT.search(prompt)
    if told is not None and told.group(1).strip():
        return told.group(1).strip()[:MAX_CAPTION_CHARACTERS], prompt[: told.start()]
    return "", prompt
