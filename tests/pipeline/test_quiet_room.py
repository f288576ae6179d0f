"""A room where nobody speaks for ten minutes stays as open as one in talk. Virtual time."""

import asyncio
from typing import Final

import numpy as np
from pipecat.frames.frames import TTSAudioRawFrame

from pipeline.assembly import running
from pipeline.fan_out import FanOut
from pipeline.lifecycle import Lifecycle, RoomEvent, RoomState
from processors.audio_out import AudioOut
from processors.conversation import Conversation
from processors.frames import GenerationCompleteFrame, TurnCompleteFrame
from processors.opus import OUTPUT_HZ
from processors.room_input import RoomInput
from processors.ticker import Ticker
from processors.transcripts import Transcripts
from tests.processors.virtual_time import in_virtual_time

QUIET_S: Final = 600
ANSWER_EVERY_S: Final = 10
PACKETS_A_SECOND: Final = 50
ANSWER: Final = np.full(OUTPUT_HZ, 3000, np.int16).tobytes()


class Stages:
    """A room's pipeline without its model, and the packets that leave it."""

    def __init__(self) -> None:
        self.input = RoomInput()
        self.packets: list[int] = []
        self.messages: list[str] = []
        self.audio_out = AudioOut(lambda payload, timestamp: self.packets.append(timestamp))
        self.all = [
            self.input,
            self.audio_out,
            Transcripts(Conversation()),
            FanOut(self.messages.append, lambda frame: None),
        ]

    def answer(self) -> None:
        self.input.feed(TTSAudioRawFrame(ANSWER, OUTPUT_HZ, 1))
        self.input.feed(GenerationCompleteFrame())
        self.input.feed(TurnCompleteFrame())


@in_virtual_time
async def test_neither_a_quiet_nor_a_lively_room_ends() -> None:
    quiet, lively, ticker = Stages(), Stages(), Ticker()
    async with running(quiet.all), running(lively.all):
        ticker.subscribe(quiet.audio_out.beat)
        ticker.subscribe(lively.audio_out.beat)
        for _ in range(QUIET_S // ANSWER_EVERY_S):
            lively.answer()
            await asyncio.sleep(ANSWER_EVERY_S)
        spoken_before = len(quiet.packets)
        quiet.answer()
        await asyncio.sleep(ANSWER_EVERY_S)
        await ticker.close()
    assert len(lively.packets) >= QUIET_S // ANSWER_EVERY_S * PACKETS_A_SECOND
    assert len(quiet.packets) - spoken_before >= PACKETS_A_SECOND
    assert sum("bot-started-speaking" in message for message in quiet.messages) == 1


def test_a_room_with_peers_has_no_deadline() -> None:
    life = Lifecycle(0.0, idle_limit_s=60.0)
    life.apply(RoomEvent.PEER_CAME, 1.0, "a peer")
    assert life.state is RoomState.LIVE and life.deadline is None
