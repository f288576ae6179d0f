"""The image tree: what an image goes through, what is current, what undo and delete do."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from processors.images.tree import (
    CANCELLED_REASON,
    IN_THE_MAKING,
    MAX_NAME_CHARS,
    TRANSITIONS,
    IllegalTransition,
    Image,
    ImageState,
    ImageTree,
    NothingToRedo,
    NothingToUndo,
    Original,
    Stored,
    TreeFull,
    UnknownImage,
)

STORED = Stored("image/png", 4, 3, 12, "ab" * 32, "data:image/webp;base64,AA==")


def image(image_id: str, *parents: str, **fields: Any) -> Image:
    return Image(image_id, f"Picture {image_id}", "model", 1.0, parents, **fields)


def tree_of(*ids: str) -> ImageTree:
    """A line of edits, all ready."""
    tree = ImageTree()
    for index, image_id in enumerate(ids):
        tree.start(image(image_id, *ids[max(0, index - 1) : index]))
        tree.ready(image_id, STORED)
    return tree


def test_the_table_ends_once_and_names_every_state() -> None:
    assert set(TRANSITIONS) == set(ImageState)
    ends = {ImageState.READY, ImageState.FAILED, ImageState.CANCELLED}
    for state in IN_THE_MAKING:
        assert ends <= TRANSITIONS[state]
    for state in ends:
        assert TRANSITIONS[state] == {ImageState.DELETED}


def test_from_the_queue_to_the_easel() -> None:
    tree = ImageTree()
    started = tree.start(image("a"))
    assert tree.move_up("a", 2).event()["position"] == 2
    assert started.event()["event"] == "started"
    assert started.event()["queued"] is True
    assert "queued" not in tree.begin("a").event()
    preview = tree.preview("a", STORED).event()
    assert (preview["event"], preview["bytes"]) == ("preview", 12)
    ready = tree.ready("a", STORED).event()
    assert (ready["event"], ready["width"], ready["sha256"]) == ("ready", 4, "ab" * 32)
    assert (tree.current, started.preview) == (started, None)
    assert tree.in_the_making == []


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_an_end_without_a_picture_is_none_to_be_current(end: str) -> None:
    tree = tree_of("a")
    tree.start(image("b", "a"))
    ended = tree.failed("b", "Refused.") if end == "failed" else tree.cancelled("b")
    reason = "Refused." if end == "failed" else CANCELLED_REASON
    assert (ended.event()["event"], ended.event()["reason"]) == (end, reason)
    assert tree.current_id == "a"


def test_what_may_not_be_changes_nothing() -> None:
    tree = tree_of("a")
    with pytest.raises(IllegalTransition):
        tree.ready("a", STORED)
    with pytest.raises(IllegalTransition):
        tree.start(image("a"))
    with pytest.raises(IllegalTransition):
        tree.move_up("a", 1)
    with pytest.raises(UnknownImage):
        tree.start(image("b", "nobody"))
    with pytest.raises(UnknownImage):
        tree.start(image("b", original_ids=("nothing",)))
    with pytest.raises(UnknownImage):
        tree.select("b")
    tree.start(image("b"))
    with pytest.raises(IllegalTransition):
        tree.select("b")
    with pytest.raises(IllegalTransition):
        tree.delete("b")
    tree.limit = 2
    with pytest.raises(TreeFull):
        tree.start(image("c"))
    assert list(tree.images) == ["a", "b"]


def test_an_old_wish_that_ends_late_does_not_take_the_easel() -> None:
    tree = tree_of("first")
    for name in ("slow", "quick"):
        tree.start(image(name))
    tree.ready("quick", STORED)
    tree.ready("slow", STORED)
    assert tree.current_id == "quick"


def test_of_variants_the_first_that_is_ready_is_shown() -> None:
    tree = ImageTree()
    for number in (1, 2, 3):
        tree.start(image(f"v{number}", group="g", variant=number, variants=3))
    tree.ready("v2", STORED)
    tree.ready("v1", STORED)
    tree.ready("v3", STORED)
    assert tree.current_id == "v2"
    assert [one.image_id for one in tree.siblings("g")] == ["v1", "v2", "v3"]


def test_of_one_answer_the_last_is_shown() -> None:
    tree = ImageTree()
    for number in (1, 2):
        tree.start(image(f"s{number}", group="g"))
        tree.ready(f"s{number}", STORED)
    assert tree.current_id == "s2"


def test_undo_and_redo_walk_through_what_was_current() -> None:
    tree = tree_of("a", "b", "c")
    assert [tree.undo().image_id, tree.undo().image_id] == ["b", "a"]
    with pytest.raises(NothingToUndo):
        tree.undo()
    assert tree.redo().image_id == "b"
    assert tree.selected() == {
        "type": "image-event", "event": "selected", "image_id": "b",
        "can_undo": True, "can_redo": True,
    }  # fmt: skip
    assert tree.select("a")
    assert not tree.select("a")
    with pytest.raises(NothingToRedo):
        tree.redo()


def test_an_edit_of_what_was_undone_branches_off() -> None:
    tree = tree_of("a", "b")
    tree.undo()
    tree.start(image("c", "a"))
    tree.ready("c", STORED)
    assert [one.image_id for one in tree.children("a")] == ["b", "c"]
    assert [one.image_id for one in tree.lineage("c")] == ["a", "c"]
    assert tree.undo().image_id == "a"


def test_what_was_made_of_a_deleted_image_is_made_of_its_parents() -> None:
    tree = tree_of("a", "b", "c")
    assert tree.delete("b").event()["event"] == "deleted"
    assert tree["c"].parent_ids == ("a",)
    assert (tree.current_id, tree.deleted) == ("c", 1)
    assert tree.undo().image_id == "a"
    tree.delete("a")
    assert (len(tree["c"].parent_ids), tree.current_id) == (0, "c")
    tree.delete("c")
    assert (tree.current, tree.selected()["image_id"]) == (None, None)


def test_a_name_belongs_to_one_image() -> None:
    tree = tree_of("a", "b")
    assert tree.name("a", "  the   blue one ").name == "the blue one"
    tree.name("b", "The Blue One")
    assert [one.name for one in tree.images.values()] == ["", "The Blue One"]
    assert len(tree.name("b", "x" * 200).name) == MAX_NAME_CHARS


def test_an_event_tells_what_is_known_and_nothing_else() -> None:
    tree = ImageTree()
    tree.add_original(Original("o", "camera", STORED))
    event = tree.start(
        image(
            "a", original_ids=("o",), region={"box": {}}, seed=7, model="m", turn=3, text="First."
        )
    ).event()
    assert (event["parent_id"], event["original_ids"], event["group"]) == (None, ["o"], "a")
    assert (event["region"], event["seed"], event["turn"], event["text"]) == (
        {"box": {}}, 7, 3, "First.",
    )  # fmt: skip
    assert not {"name", "reason", "text_after", "parent_ids", "cost_usd", "aspect_ratio"} & set(
        event
    )


class Room(RuleBasedStateMachine):
    """Anything that may happen, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.tree = ImageTree(limit=12)
        self.made = 0
        self.ends: dict[str, int] = {}

    @rule(edits=st.booleans(), data=st.data())
    def begin(self, edits: bool, data: st.DataObject) -> None:
        if not self.tree.has_room_for(1):
            return
        ready = [one.image_id for one in self.tree.ready_ones]
        parents = [data.draw(st.sampled_from(ready))] if edits and ready else []
        self.made += 1
        self.tree.start(image(str(self.made), *parents))

    @precondition(lambda self: bool(self.tree.in_the_making))
    @rule(data=st.data(), end=st.sampled_from(["ready", "failed", "cancelled", "preview"]))
    def go_on(self, data: st.DataObject, end: str) -> None:
        chosen = data.draw(st.sampled_from(self.tree.in_the_making))
        match end:
            case "preview":
                if chosen.state is ImageState.QUEUED:
                    self.tree.begin(chosen.image_id)
                self.tree.preview(chosen.image_id, STORED)
                return
            case "ready":
                self.tree.ready(chosen.image_id, STORED)
            case "failed":
                self.tree.failed(chosen.image_id, "no")
            case _:
                self.tree.cancelled(chosen.image_id)
        self.ends[chosen.image_id] = self.ends.get(chosen.image_id, 0) + 1

    @precondition(lambda self: bool(self.tree.ready_ones))
    @rule(data=st.data())
    def select(self, data: st.DataObject) -> None:
        self.tree.select(data.draw(st.sampled_from(self.tree.ready_ones)).image_id)

    @precondition(lambda self: any(not o.in_the_making for o in self.tree.images.values()))
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        ended = [one for one in self.tree.images.values() if not one.in_the_making]
        self.tree.delete(data.draw(st.sampled_from(ended)).image_id)

    @precondition(lambda self: self.tree.can_undo)
    @rule()
    def undo_and_redo_are_inverse(self) -> None:
        before = (self.tree.current_id, list(self.tree.selection.past))
        self.tree.undo()
        assert self.tree.current_id != before[0]
        self.tree.redo()
        assert (self.tree.current_id, self.tree.selection.past) == before

    @precondition(lambda self: self.tree.can_redo)
    @rule()
    def redo_and_undo_are_inverse(self) -> None:
        before = (self.tree.current_id, list(self.tree.selection.future))
        self.tree.redo()
        self.tree.undo()
        assert (self.tree.current_id, self.tree.selection.future) == before

    @precondition(lambda self: self.tree.can_undo)
    @rule()
    def undo(self) -> None:
        self.tree.undo()

    @invariant()
    def nobody_is_an_orphan(self) -> None:
        for one in self.tree.images.values():
            assert set(one.parent_ids) <= set(self.tree.images)

    @invariant()
    def what_is_current_exists(self) -> None:
        if self.tree.ready_ones:
            assert self.tree.current is not None
            assert self.tree.current.state is ImageState.READY
        else:
            assert self.tree.current is None
        for step in (*self.tree.selection.past, *self.tree.selection.future):
            assert self.tree[step].state is ImageState.READY

    @invariant()
    def each_ends_once(self) -> None:
        assert all(times == 1 for times in self.ends.values())


TestRoom = Room.TestCase
TestRoom.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_originals_know_what_was_made_of_them() -> None:
    tree = tree_of("a")
    for name in ("lamp", "table"):
        tree.add_original(Original(name, "upload", STORED))
    tree.start(replace(image("b"), original_ids=("lamp",)))
    assert [one.image_id for one in tree.made_from("lamp")] == ["b"]
    assert tree.made_from("table") == []
    assert tree.unused_originals() == ["table"]
