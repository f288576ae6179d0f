"""Which image somebody means."""

import pytest

from processors.errors import ToolError
from processors.images.tree import Image, ImageTree
from processors.images.which import find, step
from tests.processors.images.test_tree import STORED


@pytest.fixture
def tree() -> ImageTree:
    tree = ImageTree()
    for image_id, prompt in (("a", "a house"), ("b", "a blue wall"), ("c", "a red wall")):
        tree.start(Image(image_id, prompt, "model", 1.0))
        tree.ready(image_id, STORED)
    tree.name("b", "the sea")
    tree.start(Image("d", "in the making", "model", 1.0))
    return tree


@pytest.mark.parametrize(
    ("words", "image_id"),
    [
        ("last", "c"), ("it", "c"), ("", "c"), ("the current one", "c"), ("the last picture", "c"),
        ("first", "a"), ("the second one", "b"), ("2", "b"), ("number 3", "c"), ("#1", "a"),
        ("the original", "a"), ("previous", "b"), ("the one before", "b"), ("b", "b"),
        ("the sea", "b"), ("Sea!", "b"), ("please the sea picture", "b"), ("house", "a"),
        ("the red one", "c"), ("wall", "c"), ("the blue one", "b"),
    ],
)  # fmt: skip
def test_words(tree: ImageTree, words: str, image_id: str) -> None:
    assert find(words, tree).image_id == image_id


@pytest.mark.parametrize("words", ["the green one", "7", "d", "0", "the", "nobody" * 100])
def test_nothing_is_guessed(tree: ImageTree, words: str) -> None:
    with pytest.raises(ToolError, match="no such picture"):
        find(words, tree)


def test_there_may_be_nothing_before_and_nothing_at_all() -> None:
    with pytest.raises(ToolError):
        find("last", ImageTree())
    tree = ImageTree()
    tree.start(Image("a", "x", "model", 1.0))
    tree.ready("a", STORED)
    with pytest.raises(ToolError):
        find("previous", tree)


def test_ordinals_count_variants_while_one_of_them_is_current(tree: ImageTree) -> None:
    for number in (1, 2):
        tree.start(Image(f"v{number}", "a poster", "model", 2.0, group="g", variant=number,
                         variants=2))  # fmt: skip
        tree.ready(f"v{number}", STORED)
    assert find("second", tree).image_id == "v2"
    tree.select("a")
    assert find("second", tree).image_id == "b"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("undo", "undo"),
        ("Go back.", "undo"),
        ("redo", "redo"),
        ("forward", "redo"),
        ("first", None),
    ],
)
def test_steps(words: str, wanted: str | None) -> None:
    assert step(words) == wanted
