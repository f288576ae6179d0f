"""The room's images: what each was made from, by whom, and what became of it. Pure.

QUEUED ──► STARTED ──► PREVIEW ─┐   a preview may follow another
   │          │           ├─────┘
   │          └─────┬─────┘
   └────────────────┤
                    ├──► READY ──────┐
                    ├──► FAILED ─────┼──► DELETED
                    └──► CANCELLED ──┘
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal

from processors.images.selection import Selection

MAX_IMAGES: Final = 1000
MAX_NAME_CHARS: Final = 80
CANCELLED_REASON: Final = "It was cancelled."


class ImageState(Enum):
    QUEUED = "queued"
    STARTED = "started"
    PREVIEW = "preview"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DELETED = "deleted"


_ENDS: Final = frozenset({ImageState.READY, ImageState.FAILED, ImageState.CANCELLED})
_GOES: Final = frozenset({ImageState.DELETED})
IN_THE_MAKING: Final = frozenset({ImageState.QUEUED, ImageState.STARTED, ImageState.PREVIEW})

TRANSITIONS: Final[Mapping[ImageState, frozenset[ImageState]]] = {
    ImageState.QUEUED: frozenset({ImageState.STARTED}) | _ENDS,
    ImageState.STARTED: frozenset({ImageState.PREVIEW}) | _ENDS,
    ImageState.PREVIEW: frozenset({ImageState.PREVIEW}) | _ENDS,
    ImageState.READY: _GOES,
    ImageState.FAILED: _GOES,
    ImageState.CANCELLED: _GOES,
    ImageState.DELETED: frozenset(),
}


class IllegalTransition(RuntimeError):
    """An image that has ended cannot end again, nor one begin twice. Changes nothing."""


class TreeFull(RuntimeError):
    """The room has as many as it may. Changes nothing."""


class UnknownImage(KeyError):
    """No image of this room has that id. Changes nothing."""


class NothingToUndo(RuntimeError):
    """No image was current before this one. Changes nothing."""


class NothingToRedo(RuntimeError):
    """Nothing was undone since an image was chosen. Changes nothing."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of an image's bytes: `size` in bytes, `sha256` in hex, `thumbnail` a data
    URL."""

    mime_type: str
    width: int
    height: int
    size: int
    sha256: str
    thumbnail: str

    def told(self) -> dict[str, Any]:
        """The fields of the door's `image-event`."""
        return {
            "mime_type": self.mime_type,
            "width": self.width,
            "height": self.height,
            "bytes": self.size,
            "sha256": self.sha256,
            "thumbnail": self.thumbnail,
        }


@dataclass(frozen=True, slots=True)
class Original:
    """A picture that was edited and is no image of the tree, to compare the result with."""

    original_id: str
    kind: Literal["camera", "upload"]
    stored: Stored


@dataclass(slots=True)
class Image:
    """A node. `parent_ids` are the images it was made from, the edited one first; `original_ids`
    the camera's pictures and uploads.

    `created_at` is seconds since the epoch; `requested_by` a peer's id or "model". Images of one
    wish share their `group`; `variant` of `variants` numbers those that were wished for together,
    from 1 on, and is 0 for what else came in one answer. `text` is what the image model wrote
    before this image in its answer, `text_after` what followed it. `stored` once it is ready,
    `preview` while it has one, `reason` (for a person) when it failed or was cancelled.
    `position`: so many wait before it while it is queued. `cost_usd`: of the answer that it came
    first in, where the model has a price.
    """

    image_id: str
    prompt: str
    requested_by: str
    created_at: float
    parent_ids: tuple[str, ...] = ()
    original_ids: tuple[str, ...] = ()
    state: ImageState = ImageState.QUEUED
    group: str = ""
    variant: int = 0
    variants: int = 1
    model: str = ""
    seed: int | None = None
    aspect_ratio: str | None = None
    size: str | None = None
    region: Mapping[str, Any] | None = None
    turn: int = 0
    name: str = ""
    text: str = ""
    text_after: str = ""
    stored: Stored | None = None
    preview: Stored | None = None
    reason: str | None = None
    cost_usd: float | None = None
    position: int = 0

    def __post_init__(self) -> None:
        self.group = self.group or self.image_id

    @property
    def parent_id(self) -> str | None:
        return self.parent_ids[0] if self.parent_ids else None

    @property
    def in_the_making(self) -> bool:
        return self.state in IN_THE_MAKING

    def event(self) -> dict[str, Any]:
        """The fields of the door's `image-event`, without `seq` and `url`."""
        queued = self.state is ImageState.QUEUED
        event: dict[str, Any] = {
            "type": "image-event",
            "event": ImageState.STARTED.value if queued else self.state.value,
            "image_id": self.image_id,
            "parent_id": self.parent_id,
            "prompt": self.prompt,
            "requested_by": self.requested_by,
            "created_at": self.created_at,
            "turn": self.turn,
            "group": self.group,
            "variant": self.variant,
            "variants": self.variants,
        }
        if queued:
            event |= {"queued": True, "position": self.position}
        told = self.preview if self.state is ImageState.PREVIEW else self.stored
        if told is not None:
            event |= told.told()
        given = {
            "parent_ids": list(self.parent_ids),
            "original_ids": list(self.original_ids),
            "model": self.model,
            "seed": self.seed,
            "aspect_ratio": self.aspect_ratio,
            "size": self.size,
            "region": self.region,
            "name": self.name,
            "text": self.text,
            "text_after": self.text_after,
            "reason": self.reason,
            "cost_usd": self.cost_usd,
        }
        return event | {key: value for key, value in given.items() if value not in (None, "", [])}


@dataclass(slots=True)
class ImageTree:
    """`images` in the order they were started, without those that were deleted.

    Of the images that are ready one is current: what "it" means in the talk, and what everybody
    sees. An image that becomes ready takes that place, unless the current one was wished for
    later or is a variant of the same wish.
    """

    images: dict[str, Image] = field(default_factory=dict)
    originals: dict[str, Original] = field(default_factory=dict)
    selection: Selection = field(default_factory=Selection)
    deleted: int = 0
    limit: int = MAX_IMAGES

    def has_room_for(self, count: int) -> bool:
        return len(self.images) + count <= self.limit

    def __getitem__(self, image_id: str) -> Image:
        """Raises `UnknownImage`."""
        try:
            return self.images[image_id]
        except KeyError:
            raise UnknownImage(image_id) from None

    @property
    def current_id(self) -> str | None:
        return self.selection.current

    @property
    def current(self) -> Image | None:
        current_id = self.selection.current
        return None if current_id is None else self.images[current_id]

    @property
    def can_undo(self) -> bool:
        return bool(self.selection.past)

    @property
    def can_redo(self) -> bool:
        return bool(self.selection.future)

    @property
    def in_the_making(self) -> list[Image]:
        return [image for image in self.images.values() if image.in_the_making]

    @property
    def ready_ones(self) -> list[Image]:
        return [image for image in self.images.values() if image.state is ImageState.READY]

    def children(self, image_id: str) -> list[Image]:
        return [image for image in self.images.values() if image_id in image.parent_ids]

    def siblings(self, group: str) -> list[Image]:
        """The images of one wish, in their order."""
        return [image for image in self.images.values() if image.group == group]

    def lineage(self, image_id: str) -> list[Image]:
        """From the first image down to this one, by first parents. Raises `UnknownImage`."""
        line = [self[image_id]]
        while line[-1].parent_id is not None:
            line.append(self[line[-1].parent_id])
        return line[::-1]

    def add_original(self, original: Original) -> None:
        self.originals[original.original_id] = original

    def made_from(self, original_id: str) -> list[Image]:
        return [one for one in self.images.values() if original_id in one.original_ids]

    def unused_originals(self) -> list[str]:
        """What no image was made from, or none that is still here."""
        used = {one for image in self.images.values() for one in image.original_ids}
        return [one for one in self.originals if one not in used]

    def start(self, image: Image) -> Image:
        """Raises `TreeFull`, `UnknownImage` for a parent that is not here, `IllegalTransition`."""
        if image.image_id in self.images or image.state is not ImageState.QUEUED:
            raise IllegalTransition(f"{image.image_id} has begun before")
        for parent_id in image.parent_ids:
            self[parent_id]
        for original_id in image.original_ids:
            if original_id not in self.originals:
                raise UnknownImage(original_id)
        if not self.has_room_for(1):
            raise TreeFull(f"{self.limit} images")
        self.images[image.image_id] = image
        return image

    def begin(self, image_id: str) -> Image:
        """It has left the queue. Raises `UnknownImage`, `IllegalTransition`; so do those below."""
        image = self._become(image_id, ImageState.STARTED)
        image.position = 0
        return image

    def move_up(self, image_id: str, position: int) -> Image:
        image = self[image_id]
        if image.state is not ImageState.QUEUED:
            raise IllegalTransition(f"{image_id} does not wait")
        image.position = position
        return image

    def preview(self, image_id: str, preview: Stored) -> Image:
        image = self._become(image_id, ImageState.PREVIEW)
        image.preview = preview
        return image

    def ready(self, image_id: str, stored: Stored) -> Image:
        image = self._become(image_id, ImageState.READY)
        image.stored, image.preview = stored, None
        if self.may_take_over(image):
            self.selection.go(image_id)
        return image

    def failed(self, image_id: str, reason: str) -> Image:
        return self._ended(image_id, ImageState.FAILED, reason)

    def cancelled(self, image_id: str, reason: str = CANCELLED_REASON) -> Image:
        return self._ended(image_id, ImageState.CANCELLED, reason)

    def select(self, image_id: str) -> bool:
        """False: it was current already. Only what is ready can be."""
        if self[image_id].state is not ImageState.READY:
            raise IllegalTransition(f"{image_id} is {self[image_id].state.value}")
        return self.selection.go(image_id)

    def undo(self) -> Image:
        """Back to what was current before. Raises `NothingToUndo`."""
        if not self.can_undo:
            raise NothingToUndo
        return self[self.selection.back()]

    def redo(self) -> Image:
        """Raises `NothingToRedo`."""
        if not self.can_redo:
            raise NothingToRedo
        return self[self.selection.forward()]

    def name(self, image_id: str, name: str) -> Image:
        """ "" takes the name away. Of two images with one name the other loses it."""
        image = self[image_id]
        name = " ".join(name.split())[:MAX_NAME_CHARS]
        for other in self.images.values():
            if name and other.name.casefold() == name.casefold():
                other.name = ""
        image.name = name
        return image

    def delete(self, image_id: str) -> Image:
        """Takes it out; what was made from it is then made from its parents."""
        image = self._become(image_id, ImageState.DELETED)
        del self.images[image_id]
        self.deleted += 1
        for child in self.children(image_id):
            child.parent_ids = tuple(
                dict.fromkeys(
                    new for old in child.parent_ids
                    for new in (image.parent_ids if old == image_id else (old,))
                )
            )  # fmt: skip
        self.selection.forget(image_id, self._nearest_to(image))
        return image

    def selected(self) -> dict[str, Any]:
        """The door's `image-event` that tells which image is current; `image_id` may be None."""
        return {
            "type": "image-event",
            "event": "selected",
            "image_id": self.current_id,
            "can_undo": self.can_undo,
            "can_redo": self.can_redo,
        }

    def may_take_over(self, image: Image) -> bool:
        """Whether it becomes current when it becomes ready."""
        current = self.current
        if current is None:
            return True
        if current.group == image.group:
            return image.variant == 0  # the last picture of an answer; variants wait to be chosen
        order = list(self.images)
        return order.index(current.image_id) < order.index(image.image_id)

    def _nearest_to(self, gone: Image) -> str | None:
        """What is current in place of an image that is gone and was it, when nothing was before."""
        near: Iterable[str] = (*gone.parent_ids, *(one.image_id for one in self.ready_ones[::-1]))
        ready = {one.image_id for one in self.ready_ones}
        return next((image_id for image_id in near if image_id in ready), None)

    def _become(self, image_id: str, state: ImageState) -> Image:
        image = self[image_id]
        if state not in TRANSITIONS[image.state]:
            raise IllegalTransition(f"{image_id} is {image.state.value} already")
        image.state = state
        return image

    def _ended(self, image_id: str, state: ImageState, reason: str) -> Image:
        image = self._become(image_id, state)
        image.reason, image.preview = reason, None
        return image
