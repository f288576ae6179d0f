"""A stage between two probes in a real pipeline: frames go in at either end and are recorded."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from pipeline.assembly import running

WAIT_LIMIT_S = 10.0

F = TypeVar("F", bound=Frame)


class Probe(FrameProcessor):
    """Records what passes in one direction and lets everything through."""

    def __init__(self, name: str, records: FrameDirection) -> None:
        super().__init__(name=name, enable_direct_mode=True)
        self.frames: list[Frame] = []
        self._records = records
        self._arrived = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if direction is self._records:
            self.frames.append(frame)
            self._arrived.set()
        await self.push_frame(frame, direction)

    def of(self, kind: type[F]) -> list[F]:
        return [frame for frame in self.frames if isinstance(frame, kind)]

    async def wait_for(self, kind: type[F], count: int = 1) -> list[F]:
        """The frames of that kind, once there are `count`."""
        await self.until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Looked at whenever a frame has arrived."""
        async with asyncio.timeout(WAIT_LIMIT_S):
            while not condition():
                self._arrived.clear()
                await self._arrived.wait()


@dataclass
class Around:
    """`above` records what the stage sends upstream, `below` what it sends downstream."""

    above: Probe = field(default_factory=lambda: Probe("above", FrameDirection.UPSTREAM))
    below: Probe = field(default_factory=lambda: Probe("below", FrameDirection.DOWNSTREAM))

    async def push(self, frame: Frame) -> None:
        """Into the stage, from above."""
        await self.above.push_frame(frame)


@asynccontextmanager
async def around(*stages: FrameProcessor) -> AsyncIterator[Around]:
    probes = Around()
    async with running([probes.above, *stages, probes.below]):
        yield probes
