"""Which image somebody means: "the second one", "the blue one", "the one before". Pure."""

import re
from typing import Final, Literal

from processors.errors import ToolError
from processors.images.tree import Image, ImageTree

MAX_WORDS_CHARS: Final = 200

_CURRENT: Final = frozenset(
    {"", "last", "current", "it", "this", "that", "newest", "latest", "last one", "current one"}
)
_BEFORE: Final = frozenset({"previous", "before", "one before", "previous one", "last but one"})
_UNDO: Final = frozenset({"undo", "back", "go back", "step back"})
_REDO: Final = frozenset({"redo", "forward", "go forward"})
_ORDINALS: Final = {
    word: number
    for number, words in enumerate(
        (
            "first 1st one original",
            "second 2nd two",
            "third 3rd three",
            "fourth 4th four",
            "fifth 5th five",
            "sixth 6th six",
            "seventh 7th seven",
            "eighth 8th eight",
            "ninth 9th nine",
            "tenth 10th ten",
        ),
        start=1,
    )
    for word in words.split()
}
_SMALL: Final = frozenset("the a an of with and in on at".split())
_FILLERS: Final = re.compile(
    r"^(please )?(the |number |no |picture |image |variant |version |#)+|"
    r"( please| (one|picture|image|variant|version))$"
)


def step(words: str) -> Literal["undo", "redo"] | None:
    """Whether the words ask for a step in the history instead of for an image."""
    plain = _plain(words)
    if plain in _UNDO:
        return "undo"
    return "redo" if plain in _REDO else None


def find(words: str, tree: ImageTree) -> Image:
    """The image that is ready and meant. Raises `ToolError`, with words for the model.

    In this order: an id; "last", "current", "it"; "previous"; an ordinal, which counts within the
    variants while one of them is current, else among all; a name; words of a name or of a prompt,
    then the newest that has them all.
    """
    exact = tree.images.get(words.strip())
    if exact is not None and exact.stored is not None:
        return exact
    plain = _plain(words)
    found = _by_place(plain, tree) or _by_words(plain, tree)
    if found is None:
        raise ToolError(f"There is no such picture: {words[:MAX_WORDS_CHARS]}")
    return found


def _plain(words: str) -> str:
    plain = re.sub(r"[^\w# ]+", " ", words.casefold())
    return " ".join(plain.split())[:MAX_WORDS_CHARS]


def _bare(plain: str) -> str:
    """Without "the … one" around it."""
    bare = plain
    while (shorter := _FILLERS.sub("", bare).strip()) != bare and shorter:
        bare = shorter
    return bare


def _by_place(plain: str, tree: ImageTree) -> Image | None:
    if plain in _CURRENT or _bare(plain) in _CURRENT:
        return tree.current
    if plain in _BEFORE or _bare(plain) in _BEFORE:
        return tree[tree.selection.past[-1]] if tree.can_undo else None
    bare = _bare(plain)
    number = _ORDINALS.get(bare) or (int(bare) if bare.isascii() and bare.isdigit() else 0)
    among = _counted(tree)
    return among[number - 1] if 0 < number <= len(among) else None


def _counted(tree: ImageTree) -> list[Image]:
    ready = tree.ready_ones
    current = tree.current
    if current is not None and current.variants > 1:
        return [image for image in ready if image.group == current.group]
    return ready


def _by_words(plain: str, tree: ImageTree) -> Image | None:
    ready = tree.ready_ones
    for image in reversed(ready):
        if image.name and _bare(_plain(image.name)) == _bare(plain):
            return image
    wanted = set(_bare(plain).split()) - _SMALL
    if not wanted:
        return None
    having = [one for one in ready if wanted <= set(_plain(one.name).split())]
    having = having or [one for one in ready if wanted <= set(_plain(one.prompt).split())]
    return having[-1] if having else None
