"""What the stage says of usage: in order with the turn, and over which connection it came."""

from processors.frames import TurnCompleteFrame, UsageFrame
from tests.processors.gemini.scripted_gemini import TURN_END, ScriptedGemini
from tests.processors.gemini.stage_talk import running


async def test_usage_is_told_before_the_turn_it_ends_with(gemini: ScriptedGemini) -> None:
    async with running(gemini.endpoint) as s:
        line = await gemini.line()
        await line.say({**TURN_END, "usageMetadata": {"totalTokenCount": 1}})
        await s.turn()
        kinds = [type(frame) for frame in s.frames]
        assert kinds.index(UsageFrame) < kinds.index(TurnCompleteFrame)


async def test_each_connection_reports_by_itself(gemini: ScriptedGemini) -> None:
    usage = {"usageMetadata": {"totalTokenCount": 1}}
    async with running(gemini.endpoint) as s:
        line = await gemini.line()
        await line.say(usage, usage)
        await s.probes.below.wait_for(UsageFrame, 2)
        line.break_off()
        line = await gemini.line()
        await line.say(usage)
        await s.probes.below.wait_for(UsageFrame, 3)
        first, second, third = (frame.connection for frame in s.probes.below.of(UsageFrame))
    assert first == second != third
