"""What somebody points at while they speak: on an image, or on what the camera shows. Pure: time is
an argument."""

from dataclasses import dataclass, field
from typing import Final

from processors.images.camera_reel import CameraPicture
from processors.images.region import Region

FRESH_S: Final = 90.0  # one draws, thinks, and says what is to happen
CAMERA: Final = "camera"


@dataclass(frozen=True, slots=True)
class Mark:
    """`target` is an image's id or `CAMERA`; then `frame` is the picture that was drawn on."""

    region: Region
    target: str
    peer_id: str
    at: float
    frame: CameraPicture | None = None


@dataclass(slots=True)
class Marks:
    """The last one of the room; a new one takes its place, and an edit uses it up."""

    current: Mark | None = field(default=None)

    def put(self, mark: Mark) -> None:
        self.current = mark

    def clear(self) -> bool:
        """False: there was none."""
        had, self.current = self.current is not None, None
        return had

    def fresh(self, now: float) -> Mark | None:
        mark = self.current
        return mark if mark is not None and now - mark.at <= FRESH_S else None
