"""The room's images: what each was made from, by whom, and what became of it. Pure.

QUEUED ──► READY            a node ends once: ready, failed or cancelled
   ├─────► FAILED
   └─────► CANCELLED
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

MAX_IMAGES: Final = 1000


class ImageState(Enum):
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
    """An image that has ended cannot end again. Changes nothing."""


class UnknownImage(KeyError):
    """No image of this room has that id."""


@dataclass(frozen=True, slots=True)
class Bytes:
    """What is known of an image's bytes: `sha256` in hex, `thumbnail` a data URL."""

    mime_type: str
    width: int
    height: int
    size: int
    sha256: str
    thumbnail: str


@dataclass(slots=True)
class Image:
    """A node. `parent_id` is the image it was edited from; None for a new one or a camera's."""

    image_id: str
    prompt: str
    requested_by: str
    created_at: float
    parent_id: str | None = None
    state: ImageState = ImageState.STARTED
    stored: Bytes | None = None
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
    """`current_id` is the newest image that is ready, which "it" means in the talk."""

    images: dict[str, Image] = field(default_factory=dict)
    current_id: str | None = None

    @property
    def full(self) -> bool:
        return len(self.images) >= MAX_IMAGES

    def __getitem__(self, image_id: str) -> Image:
        try:
            return self.images[image_id]
        except KeyError:
            raise UnknownImage(image_id) from None

    @property
    def current(self) -> Image | None:
        return None if self.current_id is None else self.images[self.current_id]

    def start(self, image: Image) -> None:
        if image.parent_id is not None:
            self[image.parent_id]
        self.images[image.image_id] = image

    def ready(self, image_id: str, stored: Bytes) -> Image:
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
        image.reason = "It was cancelled."
        return image

    def _end(self, image_id: str, state: ImageState) -> Image:
        image = self[image_id]
        if state not in TRANSITIONS[image.state]:
            raise IllegalTransition(f"{image_id} is {image.state.value} already")
        image.state = state
        return image
