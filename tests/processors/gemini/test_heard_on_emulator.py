"""What was heard of answers whose words come along, early, late and twice, on the emulator."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.voices import DEFAULT_VOICE
from processors.audio_out import SILENT_PACKET, AudioOut
from processors.conversation import Conversation
from processors.frames import (
    AnswerCutFrame,
    GenerationCompleteFrame,
    TranscriptFrame,
    TurnCompleteFrame,
    UserTextFrame,
)
from processors.gemini.client import Endpoint, make_client
from processors.gemini.stage import GeminiStage
from processors.playout import PACKET_S
from processors.room_input import RoomInput
from processors.ticker import Ticker
from processors.transcripts import Transcripts
from tests.emulator.emulator_process import RunningEmulator, running_emulator
from tests.processors.gemini.stage_talk import MODEL, config
from tests.processors.probe import around
from tests.processors.timed_voice import timed_answer

RIGHT_S = 0.5
HEARD_S = 2.5
LIMIT_S = 20.0
ANSWER = (
    "First, take a big red apple, cut it in two halves, put them on a plate, and wait a while. "
    "Then, when it is brown, eat it: it is sweet, it is soft, and it is good for you."
)
KINDS = ("along", "early", "late", "twice")
SCENARIO = {
    "steps": [
        *({"hear": kind, "say": ANSWER, "words": kind, "repeat": True} for kind in KINDS),
        {"hear": "stop", "say": "All right.", "repeat": True},
    ]
}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = tmp_path_factory.mktemp("emulator")
    scenario = Path(folder, "scenario.json")
    scenario.write_text(json.dumps(SCENARIO))
    with running_emulator(folder, "--scenario", str(scenario)) as running:
        yield running


class Room:
    """A room's pipeline but for its peers, in real time."""

    def __init__(self, emulator: RunningEmulator) -> None:
        where = Endpoint(emulator.base_url, "key", emulator.context)
        self.client = make_client(where, vertex=False)
        self.audio_out = AudioOut(self._send)
        self.conversation = Conversation()
        self.heard_enough = asyncio.Event()
        self._packets = 0

    def _send(self, payload: bytes, timestamp: int) -> None:
        self._packets += len(payload) > len(SILENT_PACKET)
        if self._packets * PACKET_S >= HEARD_S:
            self.heard_enough.set()

    async def cut(self, kind: str, *, whole: bool) -> tuple[float, list[TranscriptFrame]]:
        """Asks for an answer and stops it; what was heard, in seconds, and all that was told.

        `whole`: all of it has been received by then.
        """
        entry, ticker = RoomInput(), Ticker()
        gemini = GeminiStage(self.client, MODEL, config)
        stages = (entry, gemini, self.audio_out, Transcripts(self.conversation))
        async with around(*stages) as probes, asyncio.timeout(LIMIT_S):
            ticker.subscribe(self.audio_out.beat)
            entry.feed(UserTextFrame(kind, "peer"))
            if whole:
                await probes.below.wait_for(GenerationCompleteFrame)
            await self.heard_enough.wait()
            entry.feed(UserTextFrame("stop", "peer"))
            (cut,) = await probes.below.wait_for(AnswerCutFrame)
            await probes.below.wait_for(TurnCompleteFrame, 2)
            await ticker.close()
        await self.client.aio.aclose()
        self.client.close()
        return cut.heard_s, probes.below.of(TranscriptFrame)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("kind", KINDS)
async def test_the_record_holds_what_was_heard(
    emulator: RunningEmulator, kind: str, whole: bool
) -> None:
    room = Room(emulator)
    heard_s, told = await room.cut(kind, whole=whole)
    record = [turn["parts"][0]["text"] for turn in room.conversation.contents()]
    finals = [(frame.turn, frame.role.value) for frame in told if frame.final]
    assert len(finals) == len(set(finals)), "nobody is told twice"
    if kind == "late":
        assert record == [kind, "stop", "All right."]
        assert not any("apple" in frame.text for frame in told)
        return
    asked, answer, stop, answered = record
    assert (asked, stop, answered) == (kind, "stop", "All right.")
    assert timed_answer(ANSWER, DEFAULT_VOICE).error_s(answer, heard_s) <= RIGHT_S
    assert room.conversation.transcript()[1]["interrupted"]
