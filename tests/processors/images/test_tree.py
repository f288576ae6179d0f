from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from processors.images.tree import (
    MAX_IMAGES,
    TRANSITIONS,
    IllegalTransition,
    Image,
    ImageState,
    ImageTree,
    Stored,
    TreeFull,
    UnknownImage,
)

STORED = Stored("image/png", 40, 30, 1200, "ab" * 32, "data:image/webp;base64,AA==")

ENDINGS: dict[ImageState, Callable[[ImageTree, str], Image]] = {
    ImageState.READY: lambda tree, image_id: tree.ready(image_id, STORED),
    ImageState.FAILED: lambda tree, image_id: tree.failed(image_id, "No luck."),
    ImageState.CANCELLED: lambda tree, image_id: tree.cancelled(image_id),
}


def image(image_id: str, parent_id: str | None = None) -> Image:
    return Image(image_id, "a cat", "model", 1000.0, parent_id)


def tree_with(*image_ids: str) -> ImageTree:
    tree = ImageTree()
    for image_id in image_ids:
        tree.start(image(image_id))
    return tree


def test_a_new_tree_has_no_current_image() -> None:
    assert ImageTree().current is None


def test_a_started_image_says_what_is_wanted() -> None:
    tree = tree_with("a")
    assert tree["a"].event() == {
        "type": "image-event",
        "event": "started",
        "image_id": "a",
        "parent_id": None,
        "prompt": "a cat",
        "requested_by": "model",
    }
    assert tree.current is None


def test_a_ready_image_says_what_it_is_and_is_current() -> None:
    tree = tree_with("a")
    assert tree.ready("a", STORED).event() == {
        "type": "image-event",
        "event": "ready",
        "image_id": "a",
        "parent_id": None,
        "prompt": "a cat",
        "requested_by": "model",
        "mime_type": "image/png",
        "width": 40,
        "height": 30,
        "bytes": 1200,
        "sha256": "ab" * 32,
        "thumbnail": "data:image/webp;base64,AA==",
    }
    assert tree.current is tree["a"]


def test_the_image_that_became_ready_last_is_current() -> None:
    tree = tree_with("a", "b")
    tree.ready("b", STORED)
    tree.ready("a", STORED)
    assert tree.current_id == "a"


@pytest.mark.parametrize("state", [ImageState.FAILED, ImageState.CANCELLED])
def test_an_image_that_came_to_nothing_says_why_and_is_not_current(state: ImageState) -> None:
    tree = tree_with("a", "b")
    tree.ready("a", STORED)
    ended = ENDINGS[state](tree, "b")
    assert ended.event()["event"] == state.value
    assert ended.event()["reason"] in ("No luck.", "It was cancelled.")
    assert tree.current_id == "a"


@pytest.mark.parametrize("first", ENDINGS)
@pytest.mark.parametrize("second", ENDINGS)
def test_an_image_ends_once(first: ImageState, second: ImageState) -> None:
    tree = tree_with("a")
    before = ENDINGS[first](tree, "a").event()
    with pytest.raises(IllegalTransition, match=f"a is {first.value} already"):
        ENDINGS[second](tree, "a")
    assert tree["a"].event() == before


def test_every_state_has_its_row() -> None:
    assert set(TRANSITIONS) == set(ImageState)


def test_an_edited_image_knows_its_parent() -> None:
    tree = tree_with("a")
    tree.start(image("b", "a"))
    assert tree["b"].event()["parent_id"] == "a"


def test_an_image_cannot_come_from_nowhere() -> None:
    tree = tree_with("a")
    with pytest.raises(UnknownImage):
        tree.start(image("b", "nobody"))
    assert list(tree.images) == ["a"]


def test_an_image_begins_once() -> None:
    tree = tree_with("a")
    tree.ready("a", STORED)
    with pytest.raises(IllegalTransition, match="a has begun before"):
        tree.start(image("a"))
    ended = image("b")
    ended.state = ImageState.READY
    with pytest.raises(IllegalTransition, match="b has begun before"):
        tree.start(ended)
    assert tree["a"].state is ImageState.READY


@pytest.mark.parametrize("state", ENDINGS)
def test_an_unknown_image_cannot_end(state: ImageState) -> None:
    with pytest.raises(UnknownImage):
        ENDINGS[state](ImageTree(), "nobody")


def test_a_full_tree_takes_no_more() -> None:
    tree = tree_with(*(str(n) for n in range(MAX_IMAGES - 1)))
    almost = tree.full
    tree.start(image("last"))
    assert (almost, tree.full) == (False, True)
    with pytest.raises(TreeFull):
        tree.start(image("one more"))
    assert len(tree.images) == MAX_IMAGES


class AnyTree(RuleBasedStateMachine):
    """Whatever is done in whatever order, what the tree says holds together."""

    def __init__(self) -> None:
        super().__init__()
        self.tree = ImageTree()
        self.ended: dict[str, ImageState] = {}

    @rule(image_id=st.sampled_from("abcd"), parent_id=st.none() | st.sampled_from("abcd"))
    def start(self, image_id: str, parent_id: str | None) -> None:
        known = set(self.tree.images)
        try:
            self.tree.start(image(image_id, parent_id))
        except (IllegalTransition, UnknownImage):
            assert image_id in known or parent_id not in known
            assert set(self.tree.images) == known

    @rule(image_id=st.sampled_from("abcd"), state=st.sampled_from(list(ENDINGS)))
    def end(self, image_id: str, state: ImageState) -> None:
        try:
            ENDINGS[state](self.tree, image_id)
        except (IllegalTransition, UnknownImage):
            assert image_id in self.ended or image_id not in self.tree.images
        else:
            self.ended[image_id] = state

    @invariant()
    def ends_are_final(self) -> None:
        for image_id, state in self.ended.items():
            assert self.tree[image_id].state is state

    @invariant()
    def parents_are_here(self) -> None:
        for node in self.tree.images.values():
            assert node.parent_id is None or node.parent_id in self.tree.images

    @invariant()
    def current_is_ready_when_any_is(self) -> None:
        ready = {i for i, state in self.ended.items() if state is ImageState.READY}
        assert (self.tree.current_id in ready) if ready else (self.tree.current_id is None)


TestAnyTree = AnyTree.TestCase
TestAnyTree.settings = settings(max_examples=40, stateful_step_count=20)
