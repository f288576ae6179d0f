from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.colours import PAINT
from emulator.phrases import sentences
from emulator.prompts import (
    MAX_CAPTION_CHARACTERS,
    MAX_COUNT,
    MAX_OPERATIONS,
    MAX_THINGS,
    THINGS,
    Add,
    Caption,
    Combine,
    Crop,
    Drawing,
    GoBack,
    Guess,
    Layout,
    Narrow,
    Operation,
    Past,
    Recolour,
    Region,
    SetTone,
    SetTurn,
    Side,
    Thing,
    Tone,
    Turn,
    parse_drawing,
    parse_edit,
)

WALL, FLOOR, WHOLE = Region.WALL, Region.FLOOR, Side.WHOLE


@pytest.mark.parametrize(
    ("prompt", "operations"),
    [
        ("change the wall to blue", [Recolour(WALL, WHOLE, "blue")]),
        ("Show me this room with a blue wall.", [Recolour(WALL, WHOLE, "blue")]),
        ("change the white wall to gray", [Recolour(WALL, WHOLE, "grey")]),
        ("change the left wall to red", [Recolour(WALL, Side.LEFT, "red")]),
        ("paint the right side of the floor brown", [Recolour(FLOOR, Side.RIGHT, "brown")]),
        ("make the ceiling white", [Recolour(Region.CEILING, WHOLE, "white")]),
        ("make the sky pink", [Recolour(Region.SKY, WHOLE, "pink")]),
        ("a green background", [Recolour(Region.BACKGROUND, WHOLE, "green")]),
        ("make it blue", [Recolour(Region.PICTURE, WHOLE, "blue")]),
        (
            "make the wall blue and the floor brown",
            [Recolour(WALL, WHOLE, "blue"), Recolour(FLOOR, WHOLE, "brown")],
        ),
        ("only the left wall", [Narrow(WALL, Side.LEFT, "")]),
        ("but only the left wall, in blue", [Narrow(WALL, Side.LEFT, "blue")]),
        ("just the right side", [Narrow(WALL, Side.RIGHT, "")]),
        ("only the floor", [Narrow(FLOOR, WHOLE, "")]),
        ("only for fun, blur it", [SetTone(Tone.BLURRED)]),
        ("make it warmer", [SetTone(Tone.WARMER)]),
        ("cooler", [SetTone(Tone.COOLER)]),
        ("brighten it", [SetTone(Tone.BRIGHTER)]),
        ("a bit darker", [SetTone(Tone.DARKER)]),
        ("make it black and white", [SetTone(Tone.GREY)]),
        ("make it grey", [SetTone(Tone.GREY)]),
        ("sepia please", [SetTone(Tone.SEPIA)]),
        ("invert it", [SetTone(Tone.INVERTED)]),
        ("blur it", [SetTone(Tone.BLURRED)]),
        ("mirror it, then make it warmer", [SetTurn(Turn.MIRRORED), SetTone(Tone.WARMER)]),
        ("turn it upside down", [SetTurn(Turn.AROUND)]),
        ("flip it", [SetTurn(Turn.FLIPPED)]),
        ("rotate it to the left", [SetTurn(Turn.LEFT)]),
        ("rotate it", [SetTurn(Turn.RIGHT)]),
        ("crop it to the right", [Crop(Side.RIGHT)]),
        ("zoom in", [Crop(WHOLE)]),
        ("combine these pictures", [Combine(Layout.BESIDE)]),
        ("blend the two", [Combine(Layout.BLENDED)]),
        ("undo", [GoBack(Past.PREVIOUS)]),
        ("go back to the first one", [GoBack(Past.FIRST)]),
        ("back to the original", [GoBack(Past.FIRST)]),
        ("add a plant", [Add(Thing("plant"), WHOLE)]),
        ("add a lamp on the left", [Add(Thing("lamp"), Side.LEFT)]),
        ("put three red stars on the wall", [Add(Thing("star", "red", 3), WHOLE)]),
        ("show me this room with a plant", [Add(Thing("plant"), WHOLE)]),
        (
            "show me this room with a plant and red walls",
            [Add(Thing("plant"), WHOLE), Recolour(WALL, WHOLE, "red")],
        ),
        ('write "Hello, and goodbye" on it', [Caption("Hello, and goodbye")]),
        ("add a caption saying Good Morning", [Caption("Good Morning")]),
        ("make it warmer with the caption “Sun”", [SetTone(Tone.WARMER), Caption("Sun")]),
        ("surprise me", [Guess("surprise me")]),
        ("", [Guess("")]),
    ],
)
def test_edits(prompt: str, operations: list[Operation]) -> None:
    assert list(parse_edit(prompt)) == operations


_NO_EDITS = ("show the fox", "show me the", "make a poster")  # drawn anew, or only chosen


def test_spoken_edits_are_never_a_guess() -> None:
    starts = ("change", "make", "show", "only", "blur", "mirror", "add", "undo", "go back")
    for sentence in sentences():
        if sentence.startswith(starts) and not sentence.startswith(_NO_EDITS):
            assert not isinstance(parse_edit(sentence)[0], Guess), sentence


def test_edits_are_bounded() -> None:
    assert len(parse_edit("blur it, " * 999)) == MAX_OPERATIONS
    [caption] = parse_edit(f'"{"x" * 999}"')
    assert caption == Caption("x" * MAX_CAPTION_CHARACTERS)


@pytest.mark.parametrize(
    ("prompt", "drawing"),
    [
        ("draw a red circle", Drawing((Thing("circle", "red"),), "", "")),
        ("draw an orange star", Drawing((Thing("star", "orange"),), "", "")),
        (
            "draw two blue stars and a heart",
            Drawing((Thing("star", "blue", 2), Thing("heart")), "", ""),
        ),
        (
            "a red square on a yellow background",
            Drawing((Thing("square", "red"),), "yellow", ""),
        ),
        (
            "a lamp and a plant in a room with a green wall",
            Drawing((Thing("room", "green"), Thing("lamp"), Thing("plant")), "", ""),
        ),
        ("a room with odd walls", Drawing((Thing("room"),), "", "")),
        ("a house and the sun", Drawing((Thing("house"), Thing("sun")), "", "")),
        ('a tree saying "Oak"', Drawing((Thing("tree"),), "", "Oak")),
        ("the meaning of life", Drawing((), "", "the meaning of life")),
        ("1 ball and 0 boxes", Drawing((Thing("circle"), Thing("square")), "", "")),
        ("on a table background", Drawing((), "", "on a table background")),
    ],
)
def test_drawings(prompt: str, drawing: Drawing) -> None:
    assert parse_drawing(prompt) == drawing


def test_drawings_are_bounded() -> None:
    assert len(parse_drawing("a house, " * 99).things) == MAX_THINGS
    [thing] = parse_drawing("9999999999 stars").things
    assert thing.count == MAX_COUNT


@given(st.text(max_size=300))
def test_any_text_has_a_plan(text: str) -> None:
    assert 1 <= len(parse_edit(text)) <= MAX_OPERATIONS + 1
    for thing in parse_drawing(text).things:
        assert thing.kind in THINGS
        assert thing.colour in {"", *PAINT}
        assert 1 <= thing.count <= MAX_COUNT
