"""Frames of a stream go from stage to stage in order, and a stage that fails is reported."""

from pipecat.frames.frames import ErrorFrame, Frame, InputAudioRawFrame, TextFrame
from pipecat.processors.frame_processor import FrameDirection

from processors.direct_stage import DirectStage
from tests.processors.probe import around


class Passing(DirectStage):
    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)


class Failing(DirectStage):
    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            raise ValueError("no sound")
        await self.push_frame(frame, direction)


def sound(value: int) -> InputAudioRawFrame:
    return InputAudioRawFrame(audio=bytes([value] * 4), sample_rate=16_000, num_channels=1)


async def test_frames_that_stream_and_others_keep_their_order() -> None:
    async with around(Passing("a"), Passing("b"), Passing("c")) as probes:
        sent: list[Frame] = [sound(1), TextFrame("x"), sound(2), sound(3), TextFrame("y")]
        for frame in sent:
            await probes.push(frame)
        await probes.below.wait_for(TextFrame, 2)
        assert [f for f in probes.below.frames if f in sent] == sent


async def test_what_a_stage_raises_is_an_error_frame_of_its_own_and_no_more() -> None:
    failing = Failing("b")
    async with around(Passing("a"), failing, Passing("c")) as probes:
        await probes.push(sound(1))
        (error,) = await probes.above.wait_for(ErrorFrame)
        assert error.processor is failing
        assert "no sound" in error.error
        await probes.push(TextFrame("still here"))
        await probes.below.wait_for(TextFrame)
