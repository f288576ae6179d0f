"""The stage in a pipeline, on a Gemini that does what the test says."""

import time
from typing import Any

import pytest
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InputImageRawFrame,
    InterruptionFrame,
    TTSAudioRawFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)

from pipeline.assembly import END_LIMIT_S
from processors.frames import (
    AudioPausedFrame,
    CitationsFrame,
    GenerationCompleteFrame,
    LinkStatus,
    ModelImageFrame,
    ModelNoteFrame,
    ModelThoughtFrame,
    Role,
    ToolCall,
    ToolCancelFrame,
    ToolResultFrame,
    TranscriptDeltaFrame,
    TurnCompleteFrame,
    UsageFrame,
    UserImagesFrame,
    UserTextFrame,
)
from processors.gemini import live_core
from processors.gemini import stage as stage_module
from processors.gemini.outbox import ITEM_LIMIT
from tests.processors.gemini.live_server import Certificate
from tests.processors.gemini.scripted_gemini import (
    GENERATED,
    INTERRUPTED,
    LIMIT_S,
    TURN_END,
    Line,
    Message,
    ScriptedGemini,
    endpoint,
    hears,
    relay,
    says,
    sounds,
)
from tests.processors.gemini.stage_talk import Stage, running


async def told(s: Stage, line: Line) -> list[str]:
    """What the pipeline was told until now, by the names of the frames."""
    usage = {"usageMetadata": {"totalTokenCount": 1}}
    count = len(s.probes.below.of(UsageFrame))
    await line.say(usage)
    await s.probes.below.wait_for(UsageFrame, count + 1)
    names = {
        TTSAudioRawFrame: "audio",
        TranscriptDeltaFrame: "words",
        InterruptionFrame: "interruption",
        TurnCompleteFrame: "turn",
        GenerationCompleteFrame: "generated",
        ToolCancelFrame: "no tools",
    }
    return [names[type(frame)] for frame in s.frames if type(frame) in names]


async def test_late_media_of_an_interrupted_turn_is_dropped(gemini: ScriptedGemini) -> None:
    async with running(gemini.endpoint) as s:
        line = await gemini.line()
        await line.say(says("a"), sounds(), INTERRUPTED, says("b"), sounds(), hears("stop"))
        assert await told(s, line) == ["words", "audio", "interruption", "words"]
        assert s.text(Role.USER) == "stop", "the user is heard meanwhile"
        await line.say(TURN_END, says("c"), sounds())
        assert (await told(s, line))[4:] == ["turn", "words", "audio"]
        assert s.text(Role.MODEL) == "ac"


async def test_so_is_media_in_the_same_message(gemini: ScriptedGemini) -> None:
    async with running(gemini.endpoint) as s:
        line = await gemini.line()
        both = {"serverContent": {**INTERRUPTED["serverContent"], **sounds()["serverContent"]}}
        await line.say(sounds(), both, TURN_END)
        assert await told(s, line) == ["audio", "interruption", "turn"]


async def test_an_interruption_of_nothing_makes_nothing_late(gemini: ScriptedGemini) -> None:
    """It may come before a new generation; the answer after it is a new one."""
    async with running(gemini.endpoint) as s:
        line = await gemini.line()
        await line.say(INTERRUPTED, says("a"), sounds(), TURN_END, INTERRUPTED, sounds())
        assert await told(s, line) == [
            "interruption",
            "words",
            "audio",
            "turn",
            "interruption",
            "audio",
        ]


async def test_a_turn_end_that_never_comes_does_not_silence_for_ever(
    gemini: ScriptedGemini, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_core, "LATE_MEDIA_S", 0.0)
    async with running(gemini.endpoint) as s:
        line = await gemini.line()
        await line.say(sounds(), INTERRUPTED, sounds())
        assert await told(s, line) == ["audio", "interruption", "audio"]


async def test_nor_does_a_connection_that_breaks_meanwhile(gemini: ScriptedGemini) -> None:
    async with running(gemini.endpoint) as s:
        line = await gemini.line()
        await line.say(sounds(), INTERRUPTED)
        await s.probes.below.wait_for(InterruptionFrame)
        line.break_off()
        line = await gemini.line()
        await line.say(sounds())
        assert await told(s, line) == ["audio", "interruption", "turn", "audio"]


async def test_an_answer_that_is_torn_off_has_an_end(gemini: ScriptedGemini) -> None:
    async with running(gemini.endpoint) as s:
        line = await gemini.line()
        await line.say(says("a"), sounds())
        await s.probes.below.wait_for(TTSAudioRawFrame)
        line.break_off()
        await s.turn()
        line = await gemini.line()
        line.break_off()  # in the middle of nothing
        line = await gemini.line()
        assert await told(s, line) == ["words", "audio", "turn"]


async def test_a_turn_that_goes_on_by_itself_is_not_over(gemini: ScriptedGemini) -> None:
    thinking = {"serverContent": {"turnComplete": True, "interactionStatus": "IN_PROGRESS"}}
    idle = {"serverContent": {"turnComplete": True, "interactionStatus": "IDLE"}}
    async with running(gemini.endpoint) as s:
        line = await gemini.line()
        await line.say(sounds(), thinking, sounds(), thinking, idle)
        assert await told(s, line) == ["audio", "audio", "turn"]
        await line.say(sounds(), thinking)
        await told(s, line)
        line.break_off()
        await s.turn(2)


async def test_reasons_and_cancellations_are_passed_on(gemini: ScriptedGemini) -> None:
    async with running(gemini.endpoint) as s:
        line = await gemini.line()
        reason = {"turnComplete": True, "turnCompleteReason": "RESPONSE_REJECTED"}
        await line.say(GENERATED, {"serverContent": reason})
        await line.say({"toolCallCancellation": {"ids": ["7"]}})
        assert await told(s, line) == ["generated", "turn", "no tools"]
        assert s.probes.below.of(TurnCompleteFrame)[0].reason == "RESPONSE_REJECTED"
        assert s.probes.below.of(ToolCancelFrame)[0].ids == ("7",)


async def test_images_thoughts_and_sources_are_passed_on(gemini: ScriptedGemini) -> None:
    image = {"mimeType": "image/png", "data": "AA=="}
    parts = [{"text": "hm", "thought": True}, {"inlineData": image}]
    sources = {"webSearchQueries": ["x"]}
    async with running(gemini.endpoint) as s:
        line = await gemini.line()
        await line.say(
            {"serverContent": {"modelTurn": {"parts": parts}}},
            {"serverContent": {"groundingMetadata": sources}},
        )
        await told(s, line)
        assert [frame.text for frame in s.probes.below.of(ModelThoughtFrame)] == ["hm"]
        assert [frame.data for frame in s.probes.below.of(ModelImageFrame)] == [bytes(1)]
        assert [frame.sources for frame in s.probes.below.of(CitationsFrame)] == [sources]


SPEECH = (UserStartedSpeakingFrame, UserStoppedSpeakingFrame)


def activity(kind: str) -> Message:
    return {"voiceActivity": {"type": f"ACTIVITY_{kind}"}, "serverContent": {}}


async def test_geminis_word_on_who_speaks_overrides_ours(gemini: ScriptedGemini) -> None:
    async with running(gemini.endpoint) as s:
        line = await gemini.line()
        await s.push(UserStartedSpeakingFrame())
        await line.say(activity("START"))
        await told(s, line)
        await s.push(UserStoppedSpeakingFrame())
        heard = [type(frame) for frame in s.frames if isinstance(frame, SPEECH)]
        assert heard == [UserStartedSpeakingFrame], "Gemini still hears somebody"
        await line.say(activity("END"), activity("START"))
        await told(s, line)
        line.break_off()
        await gemini.line()
        await s.push(UserStartedSpeakingFrame())
        heard = [type(frame) for frame in s.frames if isinstance(frame, SPEECH)]
        started, stopped = SPEECH
        assert heard == [started, stopped, started, stopped, started]


async def test_what_has_no_frame_is_let_go(gemini: ScriptedGemini) -> None:
    async with running(gemini.endpoint) as s:
        line = await gemini.line()
        await line.say(
            {"serverContent": {"modelTurn": {"parts": [{"text": "in letters"}]}}},
            {"serverContent": {"interimInputTranscription": {"text": "all of it"}}},
            {"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}},
        )
        assert await told(s, line) == []


IMAGE = (("image/png", b"png"),)
CALL = ToolCall("7", "draw", {})
TO_GEMINI: list[tuple[Frame, bool, dict[str, Any] | None]] = [
    (UserTextFrame("hello", "p"), True, {"realtime_input": {"text": "hello"}}),
    (
        UserTextFrame("later", "p", run_immediately=False),
        True,
        {"client_content": [{"text": "later"}], "turnComplete": False},
    ),
    (
        UserImagesFrame(IMAGE, "look", "p"),
        True,
        {"client_content": [{"inlineData": {}}, {"text": "look"}], "turnComplete": True},
    ),
    (
        UserImagesFrame(IMAGE, "", "p", run_immediately=False),
        True,
        {"client_content": [{"inlineData": {}}], "turnComplete": False},
    ),
    (ModelNoteFrame("[done]"), False, {"realtime_input": {"text": "[done]"}}),
    (AudioPausedFrame(), False, {"realtime_input": {"audioStreamEnd": True}}),
    (InputImageRawFrame(b"jpeg", (1, 1), "JPEG"), False, {"realtime_input": {"video": {}}}),
    (
        InputAudioRawFrame(audio=b"ab", sample_rate=16_000, num_channels=1),
        False,
        {"realtime_input": {"audio": {}}},
    ),
    (
        InputAudioRawFrame(audio=b"", sample_rate=16_000, num_channels=1),
        False,
        None,
    ),
    (UserTextFrame("  ", "p"), True, None),
    (UserImagesFrame((), " ", "p"), True, None),
    (ToolResultFrame(CALL, {"output": 1}), False, {"tool_response": "7"}),
    (UserStartedSpeakingFrame(), True, None),
]


@pytest.mark.parametrize(("frame", "goes_on", "message"), TO_GEMINI)
async def test_what_a_frame_sends_and_whether_it_goes_on(
    gemini: ScriptedGemini, frame: Frame, goes_on: bool, message: dict[str, Any] | None
) -> None:
    async with running(gemini.endpoint) as s:
        line = await gemini.line()
        await s.push(frame, UserTextFrame("last", "p"))
        if message is not None:
            assert shape(await line.hear()) == message
        assert shape(await line.hear()) == {"realtime_input": {"text": "last"}}
        assert (frame in s.frames) is goes_on


def shape(message: Message) -> dict[str, Any]:
    """A message without the bytes in it."""
    match message:
        case {"client_content": {"turns": [{"parts": parts}], **rest}}:
            shown = [{key: {} if key != "text" else part[key] for key in part} for part in parts]
            complete = rest.get("turnComplete", rest.get("turn_complete"))
            return {"client_content": shown, "turnComplete": complete}
        case {"tool_response": response}:
            return {"tool_response": next(iter(response.values()))[0]["id"]}
        case {"realtime_input": {"audio": _}}:
            return {"realtime_input": {"audio": {}}}
        case {"realtime_input": {"video": _}}:
            return {"realtime_input": {"video": {}}}
    return message


async def test_what_finds_no_room_is_told_in_the_log(
    gemini: ScriptedGemini, caplog: pytest.LogCaptureFixture
) -> None:
    gemini.refusal = (503, "busy")
    async with running(gemini.endpoint) as s:
        for _ in range(ITEM_LIMIT + 1):
            await s.write("secret words")
    assert caplog.text.count("RealtimeText finds no room") == 1
    assert "secret" not in caplog.text


@pytest.mark.parametrize("end", [EndFrame, CancelFrame])
async def test_nothing_comes_after_the_end(gemini: ScriptedGemini, end: type[Frame]) -> None:
    async with running(gemini.endpoint) as s:
        line = await gemini.line()
        await s.until_status(LinkStatus.CONNECTING, LinkStatus.READY)
        await line.say(sounds())
        await s.probes.below.wait_for(TTSAudioRawFrame)
        await s.push(end(), end())
        assert await line.ended() == 1000
        kinds = [type(frame) for frame in s.frames]
        assert kinds.index(TurnCompleteFrame) < kinds.index(end), "the torn answer ends before it"
        assert not set(kinds[kinds.index(end) :]) - {end, EndFrame}


async def test_the_end_is_bounded_when_nothing_moves_any_more(
    gemini: ScriptedGemini, trusted: Certificate
) -> None:
    async with relay(gemini.port) as between, running(endpoint(between.port, trusted)) as s:
        await s.until_status(LinkStatus.CONNECTING, LinkStatus.READY)
        between.freeze()
        began = time.monotonic()
        await s.push(EndFrame())
        assert time.monotonic() - began < LIMIT_S
    assert stage_module.STOP_LIMIT_S + stage_module.CANCEL_LIMIT_S < END_LIMIT_S


async def test_a_link_that_does_not_end_is_cancelled(
    gemini: ScriptedGemini,
    trusted: Certificate,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(stage_module, "STOP_LIMIT_S", 0.1)
    async with relay(gemini.port) as between, running(endpoint(between.port, trusted)) as s:
        await s.until_status(LinkStatus.CONNECTING, LinkStatus.READY)
        between.freeze()
        began = time.monotonic()
        await s.push(EndFrame())
        assert time.monotonic() - began < LIMIT_S
    assert "did not end" in caplog.text


async def test_the_end_while_connecting(gemini: ScriptedGemini) -> None:
    gemini.answers = False
    async with running(gemini.endpoint) as s:
        await s.until_status(LinkStatus.CONNECTING)
        await s.push(EndFrame())
    assert s.statuses == [LinkStatus.CONNECTING]
