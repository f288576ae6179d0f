"""What the stages of a room's pipeline have in common: frames pass them within one call.

pipecat's direct mode already does without queues between them. Around each hand-over it still
formats a line of the log, asks for observers and fires four events, for which a room has no use:
more than half of what a frame of sound costs on its way. So frames go from stage to stage by a
plain call. Those that start, interrupt, pause and end what pipecat itself keeps take its own way.
"""

from typing import Final

from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    ErrorFrame,
    Frame,
    FrameProcessorPauseFrame,
    FrameProcessorPauseUrgentFrame,
    FrameProcessorResumeFrame,
    FrameProcessorResumeUrgentFrame,
    InterruptionFrame,
    StartFrame,
    StopFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.utils.errors import ErrorCategory

_OF_PIPECAT: Final = (
    CancelFrame,
    EndFrame,
    ErrorFrame,
    FrameProcessorPauseFrame,
    FrameProcessorPauseUrgentFrame,
    FrameProcessorResumeFrame,
    FrameProcessorResumeUrgentFrame,
    InterruptionFrame,
    StartFrame,
    StopFrame,
)


class DirectStage(FrameProcessor):
    """A stage that never waits. Subclasses have a `process_frame`, as pipecat's processors."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, enable_direct_mode=True)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, _OF_PIPECAT):
            await super().process_frame(frame, direction)

    async def push_frame(
        self, frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM
    ) -> None:
        """To the next stage; what it raises becomes an `ErrorFrame`, as in pipecat."""
        after = self.next
        if (
            isinstance(after, DirectStage)
            and direction is FrameDirection.DOWNSTREAM
            and not isinstance(frame, _OF_PIPECAT)
        ):
            try:
                await after.process_frame(frame, direction)
            except Exception as error:
                sentence = f"Error processing frame: {error}"
                await after.push_error(sentence, error, category=ErrorCategory.UNKNOWN)
        else:
            await super().push_frame(frame, direction)
