"""Where frames enter a room's pipeline: from callbacks that cannot wait, through a bound."""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import Final

from pipecat.frames.frames import CancelFrame, EndFrame, Frame, InputAudioRawFrame, StartFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

logger = logging.getLogger(__name__)

MAX_FRAMES: Final = 256


@dataclass(slots=True)
class RoomInputCounters:
    frames: int = 0
    audio_dropped: int = 0


class RoomInput(FrameProcessor):
    """The first stage. `feed` takes a frame at any time; when full, the oldest audio goes.

    The stages behind run within this one's task and never wait, so the queue is empty but
    while the loop is stalled. Frames fed before the start wait for it.
    """

    def __init__(self) -> None:
        super().__init__(name="room-input", enable_direct_mode=True)
        self.counters = RoomInputCounters()
        self._frames: deque[Frame] = deque()
        self._ready = asyncio.Event()
        self._feeder: asyncio.Task[None] | None = None

    def feed(self, frame: Frame) -> None:
        self.counters.frames += 1
        if len(self._frames) >= MAX_FRAMES:
            self._drop_audio()
        self._frames.append(frame)
        self._ready.set()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, EndFrame | CancelFrame):
            await self._stop()
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._feeder = self.create_task(self._pass_on(), "feed")

    def _drop_audio(self) -> None:
        for waiting in self._frames:
            if isinstance(waiting, InputAudioRawFrame):
                self._frames.remove(waiting)
                self.counters.audio_dropped += 1
                return

    async def _pass_on(self) -> None:
        while True:
            while self._frames:
                await self.push_frame(self._frames.popleft())
            self._ready.clear()
            await self._ready.wait()

    async def _stop(self) -> None:
        feeder, self._feeder = self._feeder, None
        if feeder is not None:
            await self.cancel_task(feeder)
