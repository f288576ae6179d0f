"""Where frames enter a room's pipeline: from callbacks that cannot wait, through a bound."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InputImageRawFrame,
    StartFrame,
)
from pipecat.processors.frame_processor import FrameDirection

from processors.direct_stage import DirectStage
from processors.frames import ImageEventFrame, ImageUsageFrame

MAX_FRAMES: Final = 256
_ENTERS_ANYWAY: Final = (ImageEventFrame, ImageUsageFrame)


@dataclass(slots=True)
class RoomInputCounters:
    """`refused`: frames that were neither audio nor pictures, and found no room. `shut_out`: what
    came after `shut`."""

    frames: int = 0
    audio_dropped: int = 0
    pictures_dropped: int = 0
    refused: int = 0
    shut_out: int = 0


class RoomInput(DirectStage):
    """The first stage. `feed` takes a frame at any time, until the pipeline ends.

    When full, the oldest audio or picture goes; when there is none, the new frame does. The
    stages behind run within this one's task and never wait, so the queue is empty but while
    the loop is stalled. Frames fed before the start wait for it.
    """

    def __init__(self) -> None:
        super().__init__("room-input")
        self.counters = RoomInputCounters()
        self._frames: deque[Frame] = deque()
        self._ready = asyncio.Event()
        self._feeder: asyncio.Task[None] | None = None
        self._ended = False
        self._shut = False

    def shut(self) -> None:
        """From now on nothing enters that could begin a turn. Idempotent."""
        self._shut = True

    def feed(self, frame: Frame) -> None:
        if self._ended:
            return
        if self._shut and not isinstance(frame, _ENTERS_ANYWAY):
            self.counters.shut_out += 1
            return
        self.counters.frames += 1
        if len(self._frames) >= MAX_FRAMES and not self._drop_media():
            self.counters.refused += 1
            return
        self._frames.append(frame)
        self._ready.set()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, EndFrame | CancelFrame):
            await self._stop()
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._feeder = self.create_task(self._pass_on(), "feed")

    def _drop_media(self) -> bool:
        """Makes room for one frame; False when only what must not be lost is waiting."""
        for index, waiting in enumerate(self._frames):
            if isinstance(waiting, InputAudioRawFrame):
                self.counters.audio_dropped += 1
            elif isinstance(waiting, InputImageRawFrame):
                self.counters.pictures_dropped += 1
            else:
                continue
            del self._frames[index]
            return True
        return False

    async def _pass_on(self) -> None:
        while True:
            while self._frames:
                await self.push_frame(self._frames.popleft())
            self._ready.clear()
            await self._ready.wait()

    async def _stop(self) -> None:
        self._ended = True
        self._frames.clear()
        feeder, self._feeder = self._feeder, None
        if feeder is not None:
            await self.cancel_task(feeder)
