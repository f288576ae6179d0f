"""Images as JSON and back, over a restart of the service."""

import json
from typing import Any

import pytest

from processors.images.records import (
    RESTARTED_REASON,
    RecordDamaged,
    image_record,
    image_untrusted,
    tree_record,
    tree_untrusted,
)
from processors.images.tree import Image, ImageState, ImageTree, Original
from tests.processors.images.test_tree import STORED, image, tree_of


def there_and_back(tree: ImageTree) -> ImageTree:
    records = json.loads(json.dumps([image_record(one) for one in tree.images.values()]))
    return tree_untrusted(json.loads(json.dumps(tree_record(tree))), map(image_untrusted, records))


def test_a_tree_comes_back_as_it_was() -> None:
    tree = tree_of("a", "b", "c")
    tree.add_original(Original("o", "upload", STORED))
    tree.start(image("d", "b", original_ids=("o",), region={"box": {"x": 0.1}}, seed=3))
    tree.failed("d", "Refused.")
    tree.undo()
    tree.name("a", "the first")
    back = there_and_back(tree)
    assert back == tree


def test_what_was_in_the_making_has_failed() -> None:
    tree = tree_of("a")
    tree.start(image("b", "a"))
    tree.preview(tree.begin("b").image_id, STORED)
    found = there_and_back(tree)["b"]
    assert (found.state, found.reason, found.preview) == (ImageState.FAILED, RESTARTED_REASON, None)


def test_what_was_unfinished_is_kept_with_the_tree() -> None:
    """Everybody was told that it began, so everybody must hear of its end."""
    tree = tree_of("a")
    tree.start(image("b", "a"))
    tree.begin(tree.start(image("c", "a")).image_id)
    tree.cancelled(tree.start(image("d", "a")).image_id)
    own = [image_untrusted(image_record(tree["a"]))]
    back = tree_untrusted(json.loads(json.dumps(tree_record(tree))), own)
    assert [(one.image_id, one.state) for one in back.images.values()] == [
        ("a", ImageState.READY), ("b", ImageState.FAILED),
        ("c", ImageState.FAILED), ("d", ImageState.CANCELLED),
    ]  # fmt: skip
    assert (back["b"].reason, back.current_id) == (RESTARTED_REASON, "a")


def test_its_own_record_counts_for_more() -> None:
    """It became ready after the tree was saved."""
    tree = tree_of("a")
    tree.start(image("b", "a"))
    record = tree_record(tree)
    tree.ready("b", STORED)
    back = tree_untrusted(
        record, [image_untrusted(image_record(one)) for one in tree.images.values()]
    )
    assert (back["b"].state, back.current_id) == (ImageState.READY, "b")


def test_variants_that_became_ready_at_the_last_moment_wait_to_be_chosen() -> None:
    tree = tree_of("a")
    for number in (1, 2):
        name = f"v{number}"
        tree.start(image(name, "a", group="g", variant=number, variants=2))
    record = tree_record(tree)
    for name in ("v1", "v2"):
        tree.ready(name, STORED)
    assert tree.current_id == "v1"
    own = [image_untrusted(image_record(one)) for one in tree.images.values()]
    back = tree_untrusted(record, own)
    assert (back.current_id, back.undo().image_id) == ("v1", "a")


def test_a_record_shares_nothing_with_its_tree() -> None:
    tree = tree_of("a", "b")
    record = tree_record(tree)
    before = json.dumps(record)
    tree.undo()
    assert json.dumps(record) == before


def test_images_that_are_missing_leave_no_orphans() -> None:
    tree = tree_of("a", "b", "c")
    kept = [image_untrusted(image_record(tree[name])) for name in ("a", "c")]
    back = tree_untrusted(tree_record(tree), kept)
    assert (back["c"].parent_ids, back.current_id) == ((), "c")
    assert back.undo().image_id == "a"


def test_an_image_that_was_ready_at_the_last_moment_is_current() -> None:
    tree = tree_of("a")
    record = tree_record(tree)
    later = Image("b", "late", "model", 2.0, ("a",), state=ImageState.READY, stored=STORED)
    back = tree_untrusted(record, [tree["a"], later])
    assert (list(back.images), back.current_id, back.can_undo) == (["a", "b"], "b", True)


def test_without_a_selection_the_newest_is_current() -> None:
    assert tree_untrusted({"deleted": "x"}, [tree_of("a")["a"]]).current_id == "a"
    both = tree_of("a", "b")
    assert tree_untrusted({"order": ["a", "b"]}, both.images.values()).current_id == "b"
    assert tree_untrusted(None, []).current_id is None


@pytest.mark.parametrize("record", [None, {}, {"image_id": 3}, [], {"image_id": "a", "state": "x"}])
def test_damage_is_told(record: Any) -> None:
    with pytest.raises(RecordDamaged):
        image_untrusted(record)


def test_damage_of_the_tree_is_told() -> None:
    for record in ({"order": 3}, {"unfinished": [3]}):
        with pytest.raises(RecordDamaged):
            tree_untrusted(record, [])
    assert not tree_untrusted({"unfinished": 3}, []).images
