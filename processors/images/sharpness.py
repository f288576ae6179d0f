"""The sharpest of some camera pictures. For worker threads: a picture takes some milliseconds."""

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from processors.errors import CodecError, ToolError
from processors.images.camera_reel import CameraPicture, CameraReel
from processors.images.utterances import Window
from processors.pictures import CodedPictures, frame_of, luma

NEAR_S: Final = 5.0  # an older picture is not what the camera showed at that moment
LONG_SIDE: Final = 640  # of what is compared: a blur that matters shows at this size
MAX_COMPARED: Final = 8  # 60 ms of a thread's time in VGA, 280 in 1080p


def candidates(reel: CameraReel, window: Window, now: float) -> list[CameraPicture]:
    """What to choose from: what the asker's own camera showed meanwhile, else any camera; else the
    one picture that is nearest before its end, or failing that right after it.

    Raises `ToolError` when no camera showed anything near that time.
    """
    for peer_id in dict.fromkeys((window.peer_id, None)):
        within = reel.between(window.start, window.end, now, peer_id)
        if within:
            return within
        before = reel.between(window.end - NEAR_S, window.end, now, peer_id)
        if before:
            return before[-1:]
        after = reel.between(window.end, now, now, peer_id)
        if after:
            return after[:1]
    raise ToolError("The camera is off.")


def sharpest(pictures: Sequence[CameraPicture]) -> CameraPicture:
    """Of pictures that are equally sharp the last; what cannot be decoded is not sharp at all.

    Of more than `MAX_COMPARED` pictures some are passed over, evenly.
    """
    compared = _spread(pictures)
    if len(compared) == 1:
        return compared[0]
    best = max(range(len(compared)), key=lambda index: (_sharpness_of(compared[index]), index))
    return compared[best]


def _spread(pictures: Sequence[CameraPicture]) -> list[CameraPicture]:
    """The last one is among them."""
    count = min(len(pictures), MAX_COMPARED)
    return [pictures[(number + 1) * len(pictures) // count - 1] for number in range(count)]


def _sharpness_of(camera: CameraPicture) -> float:
    try:
        return sharpness(_luma_of(camera))
    except (CodecError, OSError):
        return -1.0


def _luma_of(camera: CameraPicture) -> NDArray[np.uint8]:
    if isinstance(camera.picture, CodedPictures):
        return luma(frame_of(camera.picture))
    grey = Image.open(io.BytesIO(camera.picture.data), formats=("JPEG",))
    grey.draft("L", grey.size)
    return np.asarray(grey.convert("L"))


def sharpness(picture: NDArray[np.uint8]) -> float:
    """The variance of the Laplacian, in levels squared, after a little blur: else noise would count
    as detail.

    Pictures of a stream differ in size, as the sender's rate does. They are compared in one size:
    each for itself, the smallest would have the most detail to a pixel.
    """
    rows, columns = picture.shape
    scale = LONG_SIDE / max(rows, columns)
    size = max(4, round(columns * scale)), max(4, round(rows * scale))
    image = Image.fromarray(picture)
    if image.size != size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    levels = np.asarray(image, np.float32)
    plain = (levels[:-1, :-1] + levels[1:, :-1] + levels[:-1, 1:] + levels[1:, 1:]) / 4
    curved = (
        4 * plain[1:-1, 1:-1]
        - plain[:-2, 1:-1]
        - plain[2:, 1:-1]
        - plain[1:-1, :-2]
        - plain[1:-1, 2:]
    )
    return float(curved.var())
