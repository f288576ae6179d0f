"""The stage in a pipeline, on the emulator as a process."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    TTSAudioRawFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection

from processors.audio_out import SILENT_PACKET, AudioOut
from processors.conversation import Conversation
from processors.direct_stage import DirectStage
from processors.frames import (
    AnswerBrokenFrame,
    AnswerCutFrame,
    AudioPausedFrame,
    GenerationCompleteFrame,
    LinkStatus,
    LinkStatusFrame,
    Role,
    ToolCallFrame,
    ToolResultFrame,
    TranscriptFrame,
    TurnCompleteFrame,
    UsageFrame,
    UserTextFrame,
)
from processors.gemini.activity_marks import ActivityMarks
from processors.gemini.client import Endpoint, make_client
from processors.gemini.stage import GeminiStage
from processors.playout import IN_FLIGHT_S, PACKET_S
from processors.room_input import RoomInput
from processors.ticker import Ticker
from processors.transcripts import Transcripts
from tests.emulator.emulator_process import RunningEmulator, running_emulator
from tests.processors.gemini.scripted_gemini import (
    relay,
)
from tests.processors.gemini.stage_talk import (
    MODEL,
    config,
    config_without_detection,
    running,
)
from tests.processors.probe import around
from tests.processors.sounds import silence, spoken

LIMIT_S = 10.0
ENOUGH_S = 0.6  # of an answer, to have heard a word of it
COUNTING = (
    "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty, and as many again from the beginning: "
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen."
)
STORY = f"{COUNTING} {COUNTING} {COUNTING} The end."  # takes longer to send than a test to cut it
SENTENCE = "change the wall to blue"
SCENARIO = {
    "otherwise": "brain",
    "steps": [
        {"hear": "count", "say": COUNTING, "repeat": True},
        {"hear": "story", "say": STORY, "repeat": True},
        {"hear": "stop", "say": "All right.", "repeat": True},
        {"hear": "draw", "call": {"name": "create_image", "args": {"prompt": "a house"}}},
        {"result": "create_image", "say": "Here it is."},
        {"hear": "goodbye", "say": "Goodbye.", "go_away": 30},
        {"hear": "crash", "say": "Oh no, not again.", "close": "internal_error"},
        {"hear": SENTENCE, "transcript": SENTENCE, "say": "A blue wall it is.", "repeat": True},
    ],
}


def play(folder: Path, *, hold: str) -> AbstractContextManager[RunningEmulator]:
    scenario = folder / "scenario.json"
    scenario.write_text(json.dumps(SCENARIO))
    return running_emulator(folder, "--speed", "8", "--hold", hold, "--scenario", str(scenario))


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """Ends its turns soon after the last sound was sent."""
    with play(tmp_path_factory.mktemp("emulator"), hold="0.05") as running:
        yield running


@pytest.fixture(scope="module")
def patient_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """Ends a turn when it should have been played, so there is time to interrupt it."""
    with play(tmp_path_factory.mktemp("patient-emulator"), hold="1") as running:
        yield running


def at(emulator: RunningEmulator, key: str = "key") -> Endpoint:
    return Endpoint(emulator.base_url, key, emulator.context)


async def test_a_text_is_answered_by_voice(emulator: RunningEmulator) -> None:
    async with running(at(emulator)) as s:
        await s.write("hello")
        await s.turn()
        assert s.text(Role.MODEL) == "Hello. I am the emulator."
        audio = s.probes.below.of(TTSAudioRawFrame)
        assert {(frame.sample_rate, frame.num_channels) for frame in audio} == {(24_000, 1)}
        sound = np.frombuffer(b"".join(frame.audio for frame in audio), np.int16)
        assert sound.size > 24_000
        assert np.abs(sound).max() > 3000
        await s.probes.below.wait_for(UsageFrame)
        assert s.statuses == [LinkStatus.CONNECTING, LinkStatus.READY]
        kinds = [type(frame) for frame in s.frames]
        assert kinds.index(GenerationCompleteFrame) < kinds.index(TurnCompleteFrame)
        assert kinds.index(UserTextFrame) < kinds.index(TTSAudioRawFrame), "for the record"


async def test_a_voice_is_heard_and_answered(emulator: RunningEmulator) -> None:
    async with running(at(emulator)) as s:
        await s.speak(np.concatenate([spoken(SENTENCE), silence(1.2)]))
        await s.turn()
        assert s.text(Role.USER).lower() == SENTENCE
        assert s.text(Role.MODEL) == "A blue wall it is."
        assert s.probes.below.of(InputAudioRawFrame) == [], "it is for Gemini alone"


async def test_a_pause_of_the_microphone_ends_what_was_said(emulator: RunningEmulator) -> None:
    async with running(at(emulator)) as s:
        await s.speak(spoken(SENTENCE))
        await s.push(AudioPausedFrame())
        await s.turn()
        assert s.text(Role.MODEL) == "A blue wall it is."
        assert s.probes.below.of(AudioPausedFrame) == []


async def test_the_rooms_own_marks_stand_in_for_geminis_detection(
    emulator: RunningEmulator,
) -> None:
    sound, sure_after = spoken(SENTENCE), 3200
    async with running(at(emulator), config_without_detection, ActivityMarks()) as s:
        for count in (1, 2):
            await s.speak(np.concatenate([silence(1.0), sound[:sure_after]]))
            await s.push(UserStartedSpeakingFrame())
            await s.speak(np.concatenate([sound[sure_after:], silence(0.5)]))
            await s.push(UserStoppedSpeakingFrame(), AudioPausedFrame())
            await s.turn(count)
        assert s.text(Role.USER).lower() == f"{SENTENCE} {SENTENCE}"
        assert s.text(Role.MODEL) == "A blue wall it is. A blue wall it is."
        assert s.statuses == [LinkStatus.CONNECTING, LinkStatus.READY], "no mark was a mistake"


async def test_an_interruption_reaches_the_pipeline_and_the_next_turn_works(
    patient_emulator: RunningEmulator,
) -> None:
    async with running(at(patient_emulator)) as s:
        await s.write("story")
        await s.probes.below.wait_for(TTSAudioRawFrame)
        await s.probes.below.until(lambda: s.text(Role.MODEL).startswith("One two"))
        await s.write("stop")
        await s.probes.below.wait_for(InterruptionFrame)
        await s.turn(2)
        said = s.text(Role.MODEL)
        assert said.startswith("One two")
        assert said.endswith("All right.")
        assert "The end." not in said


async def test_a_tool_is_called_and_its_result_is_spoken_of(emulator: RunningEmulator) -> None:
    async with running(at(emulator)) as s:
        await s.write("draw")
        (frame,) = await s.probes.below.wait_for(ToolCallFrame)
        (call,) = frame.calls
        assert (call.name, call.args) == ("create_image", {"prompt": "a house"})
        await s.push_up(ToolResultFrame(call, {"output": "done"}))
        await s.turn(2)
        assert s.text(Role.MODEL) == "Here it is."
        assert s.probes.above.of(ToolResultFrame) == []


async def test_a_crash_of_the_session_is_survived(emulator: RunningEmulator) -> None:
    async with running(at(emulator)) as s:
        await s.write("crash")
        await s.probes.below.wait_for(LinkStatusFrame, 4)
        assert s.statuses[2:] == [LinkStatus.RECONNECTING, LinkStatus.READY]
        assert s.probes.below.of(TurnCompleteFrame), "the torn answer has an end"
        assert s.probes.below.of(AnswerBrokenFrame)
        await s.turn(2)  # asked to carry on
        await s.write("hello")
        await s.turn(3)
        assert s.text(Role.MODEL).endswith("Hello. I am the emulator.")


async def test_a_line_that_is_cut_loses_no_text_and_keeps_their_order(
    emulator: RunningEmulator,
) -> None:
    port = int(emulator.base_url.rsplit(":", 1)[1])
    async with relay(port) as between:
        where = Endpoint(f"https://127.0.0.1:{between.port}", "key", emulator.context)
        async with running(where) as s:
            await s.until_status(LinkStatus.CONNECTING, LinkStatus.READY)
            between.cut()
            for text in ("first", "second"):
                await s.push(UserTextFrame(text, "peer", run_immediately=False))
            await s.probes.below.wait_for(LinkStatusFrame, 3)
            await s.write("third")
            await s.turn()
            record = emulator.sessions()[-1]
    assert record["texts"] == ["first", "second", "third"]
    assert emulator.sessions()[-2]["texts"] in ([], ["first"], ["first", "second"])


async def test_a_wrong_key_is_one_clear_word_and_the_end(emulator: RunningEmulator) -> None:
    async with running(at(emulator, key="invalid")) as s:
        await s.until_status(LinkStatus.CONNECTING, LinkStatus.FAILED)
        failed = s.probes.below.of(LinkStatusFrame)[-1]
        assert "API key not valid" in failed.sentence
        await s.write("is anybody there?")
    assert s.statuses == [LinkStatus.CONNECTING, LinkStatus.FAILED]


async def test_a_go_away_changes_the_connection_and_nobody_notices(
    emulator: RunningEmulator,
) -> None:
    async with running(at(emulator)) as s:
        await s.write("goodbye")
        await s.turn()
        before = len(emulator.sessions())
        async with asyncio.timeout(LIMIT_S):
            while s.stage.live.link.connections < 2:  # noqa: ASYNC110  # nobody is told, as said
                await asyncio.sleep(0)
        await s.write("hello")
        await s.turn(2)
        assert s.text(Role.MODEL) == "Goodbye. Hello. I am the emulator."
        assert s.statuses == [LinkStatus.CONNECTING, LinkStatus.READY]
        records = emulator.sessions()
        assert len(records) >= before
        assert records[-1]["resumed"]


class Ears(DirectStage):
    """What a peer's connection gets: the packets since the first that could be heard, `at_cut`
    those by then. Stands behind `AudioOut`."""

    def __init__(self) -> None:
        super().__init__("ears")
        self.packets = 0
        self.at_cut: int | None = None
        self.heard_enough = asyncio.Event()

    def send(self, payload: bytes, timestamp: int) -> None:
        if self.packets or len(payload) > len(SILENT_PACKET):
            self.packets += 1
        if self.packets * PACKET_S >= ENOUGH_S:
            self.heard_enough.set()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, AnswerCutFrame):
            self.at_cut = self.packets
        await self.push_frame(frame, direction)


async def test_from_the_input_to_the_ears_and_the_record(
    patient_emulator: RunningEmulator,
) -> None:
    """A room's pipeline but for its peers, in real time: an answer is cut, and the talk goes on."""
    ears, ticker, entry, conversation = Ears(), Ticker(), RoomInput(), Conversation()
    client = make_client(at(patient_emulator), vertex=False)
    audio_out = AudioOut(ears.send)
    gemini = GeminiStage(client, MODEL, config)
    async with around(entry, gemini, audio_out, ears, Transcripts(conversation)) as probes:
        ticker.subscribe(audio_out.beat)
        entry.feed(UserTextFrame("count", "peer"))
        await probes.below.wait_for(GenerationCompleteFrame)
        async with asyncio.timeout(LIMIT_S):
            await ears.heard_enough.wait()
        entry.feed(UserTextFrame("stop", "peer"))
        (cut,) = await probes.below.wait_for(AnswerCutFrame)
        await probes.below.wait_for(TurnCompleteFrame, 2)
        await ticker.close()
    await client.aio.aclose()
    client.close()
    assert ears.at_cut is not None
    assert ears.at_cut * PACKET_S == pytest.approx(cut.heard_s + IN_FLIGHT_S)
    assert cut.heard_s < cut.received_s / 2
    asked, counted, stopped, answered = conversation.contents()
    assert (asked["role"], asked["parts"]) == ("user", [{"text": "count"}])
    words = counted["parts"][0]["text"].split()
    assert 0 < len(words) <= len(COUNTING.split()) / 2
    assert words == COUNTING.split()[: len(words)]
    assert stopped["parts"] == [{"text": "stop"}]
    assert answered["parts"] == [{"text": "All right."}]
    finals = [frame for frame in probes.below.of(TranscriptFrame) if frame.final]
    assert [frame.turn for frame in finals] == [1, 2, 1, 2]
