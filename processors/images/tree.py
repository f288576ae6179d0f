"""The room's images: what each was made from, by whom, and what became of it. Pure.

STARTED ──► READY           an image ends once: ready, failed or cancelled
   ├──────► FAILED
   └──────► CANCELLED
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

MAX_IMAGES: Final = 1000
CANCELLED_REASON: Final = "It was cancelled."


class ImageState(Enum):
    """The values are the names of the door's events."""

    STARTED = "started"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"


TRANSITIONS: Final[Mapping[ImageState, frozenset[ImageState]]] = {
    ImageState.STARTED: frozenset({ImageState.READY, ImageState.FAILED, ImageState.CANCELLED}),
    ImageState.READY: frozenset(),
    ImageState.FAILED: frozenset(),
    ImageState.CANCELLED: frozenset(),
}


class IllegalTransition(RuntimeError):
    """An image that has ended cannot end again, nor one begin twice. Changes nothing."""


class TreeFull(RuntimeError):
    """The room has `MAX_IMAGES`. Changes nothing."""


class UnknownImage(KeyError):
    """No image of this room has that id. Changes nothing."""


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


@dataclass(slots=True)
class Image:
    """A node. `parent_id` is the image it was edited from; None for a new one or a camera's.

    `created_at` is seconds since the epoch; `requested_by` a peer's id or "model". `stored` once
    it is ready, `reason` (for a person) when it failed or was cancelled.
    """

    image_id: str
    prompt: str
    requested_by: str
    created_at: float
    parent_id: str | None = None
    state: ImageState = ImageState.STARTED
    stored: Stored | None = None
    reason: str | None = None

    def event(self) -> dict[str, Any]:
        """The fields of the door's `image-event`, without `seq` and `url`."""
        event: dict[str, Any] = {
            "type": "image-event",
            "event": self.state.value,
            "image_id": self.image_id,
            "parent_id": self.parent_id,
            "prompt": self.prompt,
            "requested_by": self.requested_by,
        }
        if self.stored is not None:
            event |= {
                "mime_type": self.stored.mime_type,
                "width": self.stored.width,
                "height": self.stored.height,
                "bytes": self.stored.size,
                "sha256": self.stored.sha256,
                "thumbnail": self.stored.thumbnail,
            }
        if self.reason is not None:
            event["reason"] = self.reason
        return event


@dataclass(slots=True)
class ImageTree:
    """`images` in the order they were started. `current_id` is the one that became ready last,
    which "it" means in the talk."""

    images: dict[str, Image] = field(default_factory=dict)
    current_id: str | None = None

    @property
    def full(self) -> bool:
        return len(self.images) >= MAX_IMAGES

    def __getitem__(self, image_id: str) -> Image:
        """Raises `UnknownImage`."""
        try:
            return self.images[image_id]
        except KeyError:
            raise UnknownImage(image_id) from None

    @property
    def current(self) -> Image | None:
        return None if self.current_id is None else self.images[self.current_id]

    def start(self, image: Image) -> None:
        """Raises `TreeFull`, `UnknownImage` for a parent that is not here, `IllegalTransition`."""
        if image.image_id in self.images or image.state is not ImageState.STARTED:
            raise IllegalTransition(f"{image.image_id} has begun before")
        if image.parent_id is not None:
            self[image.parent_id]
        if self.full:
            raise TreeFull(f"{MAX_IMAGES} images")
        self.images[image.image_id] = image

    def ready(self, image_id: str, stored: Stored) -> Image:
        """Raises `UnknownImage`, `IllegalTransition`; so do the two below."""
        image = self._end(image_id, ImageState.READY)
        image.stored = stored
        self.current_id = image_id
        return image

    def failed(self, image_id: str, reason: str) -> Image:
        image = self._end(image_id, ImageState.FAILED)
        image.reason = reason
        return image

    def cancelled(self, image_id: str) -> Image:
        image = self._end(image_id, ImageState.CANCELLED)
        image.reason = CANCELLED_REASON
        return image

    def _end(self, image_id: str, state: ImageState) -> Image:
        image = self[image_id]
        if state not in TRANSITIONS[image.state]:
            raise IllegalTransition(f"{image_id} is {image.state.value} already")
        image.state = state
        return image
