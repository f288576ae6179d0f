"""The room's images as JSON, to be kept over a restart of the service. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from processors.images.selection import Selection
from processors.images.tree import Image, ImageState, ImageTree, Original, Stored

RESTARTED_REASON: Final = "The service was started anew before it was finished."

_IMAGE: Final = TypeAdapter(Image)
_ORIGINALS: Final = TypeAdapter(list[Original])
_SELECTION: Final = TypeAdapter(Selection)
_ORDER: Final = TypeAdapter(list[str])


class RecordDamaged(ValueError):
    """What was kept cannot be read: nobody's fault but the disk's, or another version's."""


def image_record(image: Image) -> dict[str, Any]:
    """All of one image but its bytes."""
    record: dict[str, Any] = _IMAGE.dump_python(image, mode="json", exclude={"preview"})
    return record


def image_untrusted(record: object) -> Image:
    """One that was in the making has failed. Raises `RecordDamaged`."""
    try:
        image = _IMAGE.validate_python(record)
    except ValidationError as error:
        raise RecordDamaged(f"an image: {error.error_count()} faults") from None
    image.preview = None
    if image.in_the_making:
        image.state, image.reason = ImageState.FAILED, RESTARTED_REASON
    return image


def tree_record(tree: ImageTree) -> dict[str, Any]:
    """What the images do not know by themselves: their order, the originals, what is current. And
    all of those that are not ready, which may have no record of their own. Nothing in it
    is the tree's."""
    chosen = tree.selection
    return {
        "order": list(tree.images),
        "originals": [_original_record(original) for original in tree.originals.values()],
        "selection": {
            "current": chosen.current,
            "past": list(chosen.past),
            "future": list(chosen.future),
        },
        "deleted": tree.deleted,
        "unfinished": [
            image_record(image)
            for image in tree.images.values()
            if image.state is not ImageState.READY
        ],
    }


def _original_record(original: Original) -> dict[str, Any]:
    # Not asdict, which takes ten times as long: this is done at every change.
    return {
        "original_id": original.original_id,
        "kind": original.kind,
        "stored": {name: getattr(original.stored, name) for name in Stored.__slots__},
    }


def tree_untrusted(record: object, images: Iterable[Image]) -> ImageTree:
    """Images that are missing are left out, and what was made from them loses that parent. Raises
    `RecordDamaged`."""
    fields: Mapping[str, Any] = record if isinstance(record, Mapping) else {}
    try:
        order = _ORDER.validate_python(fields.get("order", []))
        originals = _ORIGINALS.validate_python(fields.get("originals", []))
        selection = _SELECTION.validate_python(fields.get("selection", {}))
    except ValidationError as error:
        raise RecordDamaged(f"the tree: {error.error_count()} faults") from None
    unfinished = _unfinished(fields)
    kept = {image.image_id: image for image in [*unfinished, *images]}
    tree = ImageTree(originals={one.original_id: one for one in originals})
    tree.images = {name: kept[name] for name in [*order, *kept] if name in kept}
    for image in tree.images.values():
        image.parent_ids = tuple(one for one in image.parent_ids if one in kept)
        image.original_ids = tuple(one for one in image.original_ids if one in tree.originals)
    tree.selection = _selection_of(selection, tree)
    _take_over(tree, before={*order} - {image.image_id for image in unfinished})
    deleted = fields.get("deleted", 0)
    tree.deleted = deleted if isinstance(deleted, int) else 0
    return tree


def _unfinished(fields: Mapping[str, Any]) -> list[Image]:
    records = fields.get("unfinished", [])
    return [image_untrusted(one) for one in records] if isinstance(records, list) else []


def _selection_of(kept: Selection, tree: ImageTree) -> Selection:
    ready = [image.image_id for image in tree.ready_ones]
    selection = Selection(kept.current, kept.past, kept.future)
    for gone in {*kept.past, *kept.future, kept.current} - {*ready, None}:
        selection.forget(str(gone), None)
    return selection


def _take_over(tree: ImageTree, before: set[str]) -> None:
    """What became ready when there was no time any more to save anything else takes its place as it
    did when it was announced; `before` are those that had."""
    for image in tree.ready_ones:
        if image.image_id not in before and tree.may_take_over(image):
            tree.selection.go(image.image_id)
    if tree.current is None and tree.ready_ones:
        tree.selection.current = tree.ready_ones[-1].image_id
