"""A room's voice on a ticker, in a pipeline, with what left it and when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    CancelFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    TTSAudioRawFrame,
)

from processors.audio_out import SILENT_PACKET, AudioOut
from processors.frames import (
    AnswerBrokenFrame,
    AnswerCutFrame,
    GenerationCompleteFrame,
    TurnCompleteFrame,
)
from processors.opus import OUTPUT_HZ, OpusDecoder
from processors.playout import MAX_WAITING_S
from processors.ticker import Ticker
from tests.processors.probe import Around, around
from tests.processors.sounds import Pcm


class Voice:
    """A room's voice on a ticker, in a pipeline, with what left it and when."""

    def __init__(self, max_waiting_s: float = MAX_WAITING_S, *, interruptible: bool = True) -> None:
        self.packets: list[bytes] = []
        self.stamps: list[int] = []
        self.times: list[float] = []
        self.audio_out = AudioOut(self._send, max_waiting_s, lambda: interruptible)
        self.ticker = Ticker()
        self.probes: Around

    def _send(self, payload: bytes, timestamp: int) -> None:
        self.packets.append(payload)
        self.stamps.append(timestamp)
        self.times.append(asyncio.get_running_loop().time())

    async def say(self, sound: Pcm, *, rate: int = OUTPUT_HZ, channels: int = 1) -> None:
        await self.probes.push(TTSAudioRawFrame(sound.tobytes(), rate, channels))

    async def push(self, *frames: Frame) -> None:
        for frame in frames:
            await self.probes.push(frame)

    async def later(self, seconds: float) -> None:
        """That much virtual time passes."""
        until = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(seconds, until.set_result, None)
        await until

    async def to_the_end(self) -> None:
        await self.probes.below.wait_for(BotStoppedSpeakingFrame)

    @property
    def heard(self) -> Pcm:
        """All packets but the silent ones, decoded."""
        decoder = OpusDecoder(OUTPUT_HZ)
        sound = [decoder.decode(packet) for packet in self.packets if packet != SILENT_PACKET]
        return np.concatenate([*sound, np.zeros(0, np.int16)])

    @property
    def said(self) -> list[str]:
        """What the pipeline was told, in order, without what pipecat itself says."""
        names = {
            BotStartedSpeakingFrame: "started",
            BotStoppedSpeakingFrame: "stopped",
            AnswerBrokenFrame: "broken",
            AnswerCutFrame: "cut",
            InterruptionFrame: "interruption",
            GenerationCompleteFrame: "generated",
            TurnCompleteFrame: "turn",
            EndFrame: "end",
            CancelFrame: "cancel",
            TTSAudioRawFrame: "audio",
        }
        return [names[type(frame)] for frame in self.probes.below.frames if type(frame) in names]

    @property
    def cut(self) -> AnswerCutFrame:
        return self.probes.below.of(AnswerCutFrame)[-1]


@asynccontextmanager
async def voice(
    max_waiting_s: float = MAX_WAITING_S, *, interruptible: bool = True
) -> AsyncIterator[Voice]:
    running = Voice(max_waiting_s, interruptible=interruptible)
    async with around(running.audio_out) as running.probes:
        running.ticker.subscribe(running.audio_out.beat)
        try:
            yield running
        finally:
            await running.ticker.close()
