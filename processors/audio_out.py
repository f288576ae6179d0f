"""The room's voice: paced, encoded once, handed out as packets that every peer gets.

The first packet of an answer leaves when its first samples arrive, the others on the ticker's
beat. Only here is it known what has been played, so only here do the frames originate that say
the bot started or stopped speaking, and how much of a cut answer was heard.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    CancelFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    StartFrame,
    TTSAudioRawFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from processors.frames import AnswerCutFrame, GenerationCompleteFrame, TurnCompleteFrame
from processors.opus import OUTPUT_HZ, OpusEncoder
from processors.playout import PACKET_S, Playout

logger = logging.getLogger(__name__)

TIMESTAMP_STEP: Final = 960  # 20 ms at Opus's 48 kHz
SILENT_PACKET: Final = b"\xf8\xff\xfe"  # 20 ms of nothing, understood by every decoder
KEEP_ALIVE_BEATS: Final = 20  # 0.4 s: NAT bindings and jitter buffers stay warm
STALL_LIMIT_S: Final = 1.0  # an answer that pauses longer has stopped, whatever Gemini says


@dataclass(slots=True)
class AudioOutCounters:
    packets: int = 0
    silent_packets: int = 0
    answers: int = 0
    cuts: int = 0
    underruns: int = 0


class AudioOut(FrameProcessor):
    """`send(payload, timestamp)` gets each packet; `flush()` is called on interruption."""

    def __init__(self, send: Callable[[bytes, int], None], flush: Callable[[], None]) -> None:
        super().__init__(name="audio-out", enable_direct_mode=True)
        self.counters = AudioOutCounters()
        self.playout = Playout(OUTPUT_HZ)
        self._send = send
        self._flush = flush
        self._encoder = OpusEncoder()
        self._speaking = False
        self._complete = True
        self._stalled_beats = 0
        self._idle_beats = 0
        self._packets_at_begin = 0
        self._step = -1
        self._origin: float | None = None
        self._said: asyncio.Queue[Frame] = asyncio.Queue(maxsize=64)
        self._announcer: asyncio.Task[None] | None = None

    @property
    def speaking(self) -> bool:
        return self._speaking

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case TTSAudioRawFrame():
                self._push_audio(frame)
                return
            case InterruptionFrame():
                await self._cut()
            case GenerationCompleteFrame() | TurnCompleteFrame():
                self._complete = True
            case StartFrame():
                self._announcer = self.create_task(self._announce(), "announce")
            case EndFrame() | CancelFrame():
                await self._stop()
        await self.push_frame(frame, direction)

    def beat(self, now: float) -> None:
        """Every 20 ms by the room's ticker; `now` is the loop's time."""
        samples = self.playout.take(flush=self._complete)
        if samples is not None:
            self._stalled_beats = 0
            self._emit(self._encoder.encode(samples), now)
            return
        if self._speaking:
            self._pause(now)
            return
        self._idle_beats += 1
        if self._idle_beats >= KEEP_ALIVE_BEATS:
            self._idle_beats = 0
            self.counters.silent_packets += 1
            self._emit(SILENT_PACKET, now)

    def _push_audio(self, frame: TTSAudioRawFrame) -> None:
        samples = np.frombuffer(frame.audio[: len(frame.audio) // 2 * 2], np.int16)
        if not self._speaking:
            self._begin()
        self._complete = False
        self.playout.push(samples)
        if self.counters.packets == self._packets_at_begin:
            first = self.playout.take(flush=False)
            if first is not None:
                self._emit(self._encoder.encode(first), asyncio.get_running_loop().time())

    def _begin(self) -> None:
        self._speaking = True
        self._stalled_beats = 0
        self._packets_at_begin = self.counters.packets
        self.counters.answers += 1
        self.playout.begin()
        self._say(BotStartedSpeakingFrame())

    def _pause(self, now: float) -> None:
        """Nothing to play in the middle of an answer, or at its end."""
        self._stalled_beats += 1
        stalled_s = self._stalled_beats * PACKET_S
        if not self._complete and stalled_s < STALL_LIMIT_S:
            if self._stalled_beats == 1:
                self.counters.underruns += 1
            return
        self._finish()

    def _finish(self) -> None:
        self._speaking = False
        self._idle_beats = 0
        self._say(BotStoppedSpeakingFrame())

    async def _cut(self) -> None:
        heard = self.playout.cut()
        self._flush()
        self._complete = True
        if not self._speaking:
            return
        self.counters.cuts += 1
        await self.push_frame(AnswerCutFrame(heard.heard_s, heard.received_s))
        self._finish()

    def _emit(self, payload: bytes, now: float) -> None:
        """RTP time follows the clock over pauses and never goes back."""
        if self._origin is None:
            self._origin = now
        self._step = max(self._step + 1, int((now - self._origin) / PACKET_S))
        self.counters.packets += 1
        self._send(payload, self._step * TIMESTAMP_STEP)

    def _say(self, frame: Frame) -> None:
        """A beat cannot await; frames leave by `_announce`, in order."""
        try:
            self._said.put_nowait(frame)
        except asyncio.QueueFull:
            logger.warning("speaking events pile up; one is dropped")

    async def _announce(self) -> None:
        while True:
            frame = await self._said.get()
            await self.push_frame(frame)

    async def _stop(self) -> None:
        announcer, self._announcer = self._announcer, None
        if announcer is not None:
            await self.cancel_task(announcer)
