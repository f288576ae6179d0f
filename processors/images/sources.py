"""Which picture an edit begins with. Pure: time is an argument."""

from dataclasses import dataclass
from typing import Final, Literal

import av

from processors.errors import ToolError
from processors.images.pixels import Picture
from processors.pictures import CodedPictures

CAMERA_FRESH_S: Final = 5.0  # an older picture is not what the camera shows now

Source = Literal["camera", "upload", "last"]


@dataclass(frozen=True, slots=True)
class CameraPicture:
    """The newest picture of the room's camera. `at` is monotonic seconds.

    Still encoded, where it decodes alone.
    """

    picture: CodedPictures | av.VideoFrame
    at: float


@dataclass(frozen=True, slots=True)
class MadeImage:
    """An image of this room, by its id."""

    image_id: str


@dataclass(slots=True)
class Sources:
    """What there is to edit. `last` is the upload or the image made, whichever came later."""

    camera: CameraPicture | None = None
    upload: Picture | None = None
    last: Picture | MadeImage | None = None

    def uploaded(self, picture: Picture) -> None:
        self.upload = self.last = picture

    def made(self, image_id: str) -> None:
        self.last = MadeImage(image_id)

    def choose(self, source: Source, now: float) -> CameraPicture | MadeImage | Picture:
        """ "last" is the camera when nothing was made or uploaded yet. Raises `ToolError`."""
        match source:
            case "upload":
                if self.upload is None:
                    raise ToolError("No picture has been uploaded.")
                return self.upload
            case "last" if self.last is not None:
                return self.last
        if self.camera is not None and now - self.camera.at <= CAMERA_FRESH_S:
            return self.camera
        if source == "camera":
            raise ToolError("The camera is off.")
        raise ToolError("There is no picture to edit, and the camera is off.")
