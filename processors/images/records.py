"""The room's images as JSON, to be kept over a restart of the service. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from processors.images.selection import Selection
from processors.images.tree import Image, ImageState, ImageTree, Original

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
    """What the images do not know by themselves: their order, the originals, what is current."""
    return {
        "order": list(tree.images),
        "originals": [asdict(original) for original in tree.originals.values()],
        "selection": asdict(tree.selection),
        "deleted": tree.deleted,
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
    kept = {image.image_id: image for image in images}
    tree = ImageTree(originals={one.original_id: one for one in originals})
    tree.images = {name: kept[name] for name in [*order, *kept] if name in kept}
    for image in tree.images.values():
        image.parent_ids = tuple(one for one in image.parent_ids if one in kept)
        image.original_ids = tuple(one for one in image.original_ids if one in tree.originals)
    tree.selection = _selection_of(selection, tree, order)
    deleted = fields.get("deleted", 0)
    tree.deleted = deleted if isinstance(deleted, int) else 0
    return tree


def _selection_of(kept: Selection, tree: ImageTree, order: list[str]) -> Selection:
    ready = [image.image_id for image in tree.ready_ones]
    selection = Selection(kept.current, kept.past, kept.future)
    for gone in {*kept.past, *kept.future, kept.current} - {*ready, None}:
        selection.forget(str(gone), ready[-1] if ready else None)
    if selection.current is None and ready:
        selection.current = ready[-1]
    unseen = [image_id for image_id in ready if image_id not in order]
    if unseen:  # they became ready when there was no time any more to save anything else
        selection.go(unseen[-1])
    return selection
