"""The room's voice: paced, encoded once, handed out as packets that every peer gets.

The first packet of an answer leaves when its first samples arrive, the others on the ticker's
beat; while no beats come, as when nobody is there to listen, none leaves. Only here is it known
what has been played, so only here do the frames originate that say the bot started or stopped
speaking, and how much of a cut answer was heard.
"""

import asyncio
import logging
from collections import deque
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
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection

from processors.direct_stage import DirectStage
from processors.frames import (
    AnswerBrokenFrame,
    AnswerCutFrame,
    AnswerSoundFrame,
    GenerationCompleteFrame,
    TurnCompleteFrame,
)
from processors.opus import OUTPUT_HZ, OpusEncoder, Pcm
from processors.playout import MAX_WAITING_S, PACKET_S, Playout, RtpClock
from processors.spoken_text import audible
from processors.ticker import MAX_LAG_S

logger = logging.getLogger(__name__)

SILENT_PACKET: Final = b"\xf8\xff\xfe"  # 20 ms of nothing, understood by every decoder
KEEP_ALIVE_BEATS: Final = 20  # 0.4 s: NAT bindings and jitter buffers stay warm
STALL_LIMIT_S: Final = 1.0  # an answer that pauses longer has stopped, whatever Gemini says
STALL_BEATS: Final = round(STALL_LIMIT_S / PACKET_S)
LEFT_OVER_S: Final = 0.5  # Gemini ends a turn when it guesses that it was played: about then


@dataclass(slots=True)
class AudioOutCounters:
    packets: int = 0
    silent_packets: int = 0
    answers: int = 0
    cuts: int = 0
    underruns: int = 0
    refused: int = 0
    dropped_samples: int = 0


class AudioOut(DirectStage):
    """`send(payload, timestamp)` gets each packet, and must send it at once: an interruption
    forgets only what waits here.

    Of an answer that comes faster than it plays `max_waiting_s` wait; what comes beyond that is
    dropped and counted.

    `interruptible`: whether people who speak may silence what is left of an answer that is over;
    one that goes on is Gemini's to interrupt.

    An answer lasts from its first sound to Gemini's end of the turn, to an interruption, or to the
    break of its connection; the bot may stop and start speaking within it, when Gemini stalls or
    waits for a tool.
    """

    def __init__(
        self,
        send: Callable[[bytes, int], None],
        max_waiting_s: float = MAX_WAITING_S,
        interruptible: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__("audio-out")
        self.counters = AudioOutCounters()
        self.playout = Playout(OUTPUT_HZ, max_waiting_s)
        self._send = send
        self._interruptible = interruptible
        self._encoder = OpusEncoder()
        self._rtp = RtpClock()
        self._running = False
        self._user_speaks = False
        self._answering = False
        self._complete = True  # nothing more of the answer is to be expected
        self._speaking = False
        self._first_due = False  # the first packet since the bot began to speak
        self._empty_beats = 1  # since the last packet of speech, or since speaking began
        self._beat_at: float | None = None
        self._beats_stopped = False  # for a while, since the last packet
        self._said: deque[Frame] = deque()  # two at most: every `process_frame` empties it
        self._wake = asyncio.Event()
        self._announcer: asyncio.Task[None] | None = None

    @property
    def speaking(self) -> bool:
        return self._speaking

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case TTSAudioRawFrame():
                taken = self._take_audio(frame)
                await self._announce()
                if taken is not None:
                    await self.push_frame(taken)
                return
            case InterruptionFrame():
                self._cut()
            case UserStartedSpeakingFrame() | UserStoppedSpeakingFrame():
                self._user_speaks = isinstance(frame, UserStartedSpeakingFrame)
                self._silence_left_over()
            case GenerationCompleteFrame():
                self._complete = True
            case TurnCompleteFrame():
                self._complete = True
                self._answering = False
            case AnswerBrokenFrame():
                self._complete = True
                self._answering = False
                self._silence_left_over()
            case EndFrame() | CancelFrame():
                await self._stop()
        await self._announce()
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._running = True
            self._announcer = self.create_task(self._announce_for_ever(), "announce")

    def _silence_left_over(self) -> None:
        """While somebody speaks. Gemini does not interrupt an answer that is over for it: its
        connection broke, or nobody was there to listen for a while."""
        left_over = not self._answering and self.playout.waiting_s > LEFT_OVER_S
        if self._user_speaks and left_over and self._interruptible():
            self._cut()

    def beat(self, now: float) -> None:
        """Every 20 ms by the room's ticker; `now` is the loop's time."""
        if not self._running:
            return
        self._beats_stopped = self._beats_stopped or not self._beats_come(now)
        self._beat_at = now
        if self._speaking and self._empty_beats >= STALL_BEATS:
            self._complete = True
        samples = self.playout.take(flush=self._complete) if self.playout.waiting else None
        if samples is None:
            self._pass_empty(now)
        else:
            self._play(samples, now)

    def _beats_come(self, now: float) -> bool:
        """A late beat is followed the sooner by the next; none is made up for after `MAX_LAG_S`."""
        return self._beat_at is not None and now - self._beat_at <= MAX_LAG_S

    def _pass_empty(self, now: float) -> None:
        if self._speaking and self._complete:
            self._stop_speaking()
        elif self._speaking and self._empty_beats == 0:
            self.counters.underruns += 1
        self._empty_beats += 1
        if not self._speaking and self._empty_beats % KEEP_ALIVE_BEATS == 0:
            self.counters.silent_packets += 1
            self._emit(SILENT_PACKET, now, after_pause=True)

    def _take_audio(self, frame: TTSAudioRawFrame) -> AnswerSoundFrame | None:
        """Only Gemini's own format (24 kHz mono); half a sample at the end is ignored.

        Returns what will be played of it.
        """
        if frame.sample_rate != OUTPUT_HZ or frame.num_channels != 1:
            if not self.counters.refused:
                logger.warning("audio of %d Hz cannot be played", frame.sample_rate)
            self.counters.refused += 1
            return None
        count = len(frame.audio) // 2
        if not count or not self._running:
            return None
        if not self._answering:
            self._answering = True
            self.counters.answers += 1
            self.playout.begin()
        self._complete = False
        taken = self.playout.push(np.frombuffer(frame.audio, "<i2", count))
        self.counters.dropped_samples = self.playout.dropped_samples
        if not self._speaking:
            self._start_speaking()
        self._play_first(asyncio.get_running_loop().time())
        if not taken.size:
            return None
        return AnswerSoundFrame(taken.size / OUTPUT_HZ, audible(taken, OUTPUT_HZ))

    def _play_first(self, now: float) -> None:
        if self._first_due and self._beats_come(now):
            first = self.playout.take(flush=False)
            if first is not None:
                self._play(first, now)

    def _start_speaking(self) -> None:
        self._speaking = True
        self._first_due = True
        self._empty_beats = 1
        self._encoder.reset()  # it still holds the last milliseconds of what was said before
        self._say(BotStartedSpeakingFrame())

    def _stop_speaking(self) -> None:
        self._speaking = False
        self._say(BotStoppedSpeakingFrame())

    def _cut(self) -> None:
        heard = self.playout.cut()
        self._complete = True
        self._answering = False
        if self._speaking:
            self.counters.cuts += 1
            self._say(AnswerCutFrame(heard.heard_s, heard.received_s))
            self._stop_speaking()

    def _play(self, samples: Pcm, now: float) -> None:
        after_pause = self._empty_beats > 0 or self._beats_stopped
        self._empty_beats = 0
        self._first_due = False
        self._emit(self._encoder.encode(samples), now, after_pause=after_pause)

    def _emit(self, payload: bytes, now: float, *, after_pause: bool) -> None:
        self.counters.packets += 1
        self._beats_stopped = False
        self._send(payload, self._rtp.next(now, after_pause=after_pause))

    def _say(self, frame: Frame) -> None:
        """A beat cannot await: what it has to say leaves by the announcer, in order."""
        self._said.append(frame)
        self._wake.set()

    async def _announce(self) -> None:
        while self._said:
            await self.push_frame(self._said.popleft())

    async def _announce_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._announce()

    async def _stop(self) -> None:
        self._running = False
        self.playout.cut()
        if self._speaking:
            self._stop_speaking()
        announcer, self._announcer = self._announcer, None
        if announcer is not None:
            await self.cancel_task(announcer)
