"""What a room's cameras show now."""

import time

from pipeline.room import Room
from processors.images.camera_reel import CameraPicture


def camera_of(room: Room) -> CameraPicture | None:
    return room.parts.studio.sources.reel.newest(time.monotonic())
