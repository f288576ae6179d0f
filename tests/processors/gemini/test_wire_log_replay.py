"""A talk of the real stage is logged, and the emulator plays the log to the same stage again."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pipecat.frames.frames import Frame, InputImageRawFrame, InterruptionFrame, TTSAudioRawFrame

from processors.frames import (
    GenerationCompleteFrame,
    LinkStatusFrame,
    Role,
    ToolCallFrame,
    ToolResultFrame,
    TranscriptDeltaFrame,
    TurnCompleteFrame,
    UsageFrame,
    UserImagesFrame,
)
from processors.gemini.client import Endpoint
from processors.gemini.wire_log import WireLog
from tests.emulator.emulator_process import RunningEmulator, running_emulator
from tests.processors.gemini.stage_talk import Stage, running
from tests.processors.gemini.test_stage_on_emulator import SCENARIO, SENTENCE
from tests.processors.sounds import silence, spoken

LIMIT_S = 20.0
FILE = "talk.jsonl"
AT_THE_END = "the client closed"  # what comes behind a last answer may miss it
OF_GEMINI = (
    GenerationCompleteFrame,
    InterruptionFrame,
    LinkStatusFrame,
    ToolCallFrame,
    TranscriptDeltaFrame,
    TTSAudioRawFrame,
    TurnCompleteFrame,
    UsageFrame,
    UserImagesFrame,
)


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (320, 240), "blue").save(file, "JPEG")
    return file.getvalue()


async def talk(s: Stage) -> None:
    """A greeting, speech, a barge-in, a tool, a picture, goAway and resumption."""
    await s.write("hello")
    await s.turn()
    await s.speak(np.concatenate([spoken(SENTENCE), silence(1.2)]))
    await s.turn(2)
    await s.write("story")
    await s.probes.below.until(lambda: "One two" in s.text(Role.MODEL).replace("xxx", "One two"))
    await s.speak(np.concatenate([spoken(SENTENCE), silence(1.2)]))
    await s.probes.below.wait_for(InterruptionFrame)
    await s.turn(4)
    await s.push(InputImageRawFrame(image=jpeg(), size=(320, 240), format="JPEG"))
    await s.write("draw")
    (frame,) = await s.probes.below.wait_for(ToolCallFrame)
    await s.push_up(ToolResultFrame(frame.calls[0], {"output": "done"}))
    await s.turn(6)
    await s.write("goodbye")
    await s.turn(7)
    async with asyncio.timeout(LIMIT_S):
        while s.stage.live.link.connections < 2:  # noqa: ASYNC110  # nobody is told, by intention
            await asyncio.sleep(0)
    await s.write("hello")
    await s.turn(8)


def told(frames: list[Frame]) -> list[Any]:
    """What of Gemini's reached the pipeline, in its order, sound by its length."""
    out: list[Any] = []
    for frame in frames:
        match frame:
            case TTSAudioRawFrame(audio=pcm):
                out.append(("sound", len(pcm)))
            case TranscriptDeltaFrame(role=role, text=text):
                out.append((role, text))
            case ToolCallFrame(calls=calls):
                out.append(calls)
            case UsageFrame(metadata=metadata):
                out.append(metadata)
            case LinkStatusFrame(status=status):
                out.append(status)
            case _ if isinstance(frame, OF_GEMINI):
                out.append(type(frame).__name__)
    return out


async def logged(folder: Path, *, texts: bool) -> list[Frame]:
    """The talk with an emulator that thinks for itself; its log is FILE in the folder."""
    scenario = folder / "scenario.json"
    scenario.write_text(json.dumps(SCENARIO))
    arguments = ("--speed", "8", "--hold", "0.5", "--scenario", str(scenario))
    with running_emulator(folder, *arguments) as emulator:
        log = WireLog(folder / FILE, texts=texts)
        try:
            async with running(at(emulator), tap=log) as s:
                await talk(s)
        finally:
            log.close()
        assert log.dropped == 0
        return s.frames


def at(emulator: RunningEmulator) -> Endpoint:
    return Endpoint(emulator.base_url, "AIza-a-key-of-somebody", emulator.context)


@pytest.mark.parametrize("texts", [True, False])
async def test_a_talk_is_logged_and_played_again(tmp_path: Path, texts: bool) -> None:
    first = told(await logged(tmp_path, texts=texts))
    replay = ("--replay", str(tmp_path / FILE), "--replay-speed", "2")
    with running_emulator(tmp_path, *replay) as emulator:
        async with running(at(emulator)) as s:
            await talk(s)
        sessions = emulator.sessions()
    again = told(s.frames)
    before, after = (session["deviations"] for session in sessions)
    assert before == [] and all(AT_THE_END in line for line in after), (before, after)
    assert [session["resumed"] for session in sessions] == [False, True]
    if texts:
        assert again == first
        return
    assert [each for each in again if isinstance(each, str)] == [
        each for each in first if isinstance(each, str)
    ], "the same frames in the same order"
    assert len(again) == len(first)
    log = (tmp_path / FILE).read_text("utf-8")
    for private in ("AIza", "hello", "Hello", "wall", "One two", "done", "house"):
        assert private not in log


async def test_a_client_that_does_something_else_is_told_where(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    setup = {"connection": 1, "t": 0.0, "from": "client", "message": {"setup": {}}}
    asked = {
        "connection": 1,
        "t": 0.2,
        "from": "client",
        "message": {"realtime_input": {"text": "x"}},
    }  # noqa: E501  # one record
    records = [
        setup,
        {"connection": 1, "t": 0.1, "from": "server", "message": {"setupComplete": {}}},
        asked,
        {"connection": 1, "t": 0.3, "event": "close", "code": 1008, "reason": "no", "by": "line"},
    ]
    (tmp_path / FILE).write_text("\n".join(map(json.dumps, records)))
    with running_emulator(tmp_path, "--replay", str(tmp_path / FILE)) as emulator:
        async with running(at(emulator)) as s:
            await s.probes.below.wait_for(LinkStatusFrame, 2)
            await s.push(UserImagesFrame((), "what is this?", "peer"))
            await s.write("hello")
            await s.probes.below.wait_for(LinkStatusFrame, 3)
        (deviations, *_) = [session["deviations"] for session in emulator.sessions()]
    assert deviations == ["line 3: clientContent came, which was not recorded from here on"]
    assert f"emulator: connection 0 {deviations[0]}" in capfd.readouterr().err
