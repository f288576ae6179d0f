"""From each speaker's Opus packets to the room's one stream of 16 kHz PCM frames.

Decoding happens where the packet arrives (18 µs), so there is no queue and no thread. When a
speaker's packets stop coming, the pause is filled with silence for a second, since Gemini ends
a turn on silence it hears and not on silence it does not hear; then the room says that audio
paused.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)

from processors.errors import CodecError
from processors.frames import AudioPausedFrame, SpeakerActivityFrame
from processors.mixer import Mixer, Pcm
from processors.opus import INPUT_HZ, OpusDecoder
from processors.voice_activity import VoiceActivity

FILL_AFTER_S: Final = 0.1  # a pause shorter than that is jitter
FILL_LIMIT_S: Final = 1.0


@dataclass(slots=True)
class AudioInCounters:
    packets: int = 0
    concealed: int = 0
    recovered: int = 0
    refused: int = 0


@dataclass(slots=True)
class _Speaker:
    peer_id: str
    decoder: OpusDecoder = field(default_factory=OpusDecoder)
    activity: VoiceActivity = field(default_factory=lambda: VoiceActivity(INPUT_HZ))
    heard_at: float | None = None
    filled_s: float = 0.0


class AudioIn:
    """`emit` gets the frames, in order: PCM of 40 ms, and who speaks."""

    def __init__(self, emit: Callable[[Frame], None]) -> None:
        self.counters = AudioInCounters()
        self.mixer = Mixer()
        self._emit = emit
        self._speakers: dict[str, _Speaker] = {}
        self._paused = True

    def add(self, peer_id: str) -> None:
        self._speakers[peer_id] = _Speaker(peer_id)

    def remove(self, peer_id: str) -> None:
        speaker = self._speakers.pop(peer_id, None)
        if speaker is None:
            return
        if speaker.activity.speaking:
            self._announce(peer_id, speaking=False)
        if speaker.heard_at is not None:
            for frame in self.mixer.remove(peer_id):
                self._emit_pcm(frame)

    def level_db(self, peer_id: str) -> float:
        """How loud the peer is now, in dB of full scale."""
        return self._speakers[peer_id].activity.level

    def packet(self, peer_id: str, payload: bytes, now: float) -> None:
        self._decoded(peer_id, lambda decoder: decoder.decode(payload), now)

    def missing(self, peer_id: str, next_payload: bytes | None, now: float) -> None:
        """A lost packet, with the one after it when that may carry FEC."""
        if next_payload is None:
            self.counters.concealed += 1
            self._decoded(peer_id, OpusDecoder.conceal, now)
        else:
            self.counters.recovered += 1
            self._decoded(peer_id, lambda decoder: decoder.recover(next_payload), now)

    def silence(self, peer_id: str, duration_s: float, now: float) -> None:
        """The sender suppressed its silence; what the clock already filled is not repeated."""
        speaker = self._speakers.get(peer_id)
        if speaker is None:
            return
        rest_s = duration_s - speaker.filled_s
        if rest_s > 0:
            self._samples(speaker, np.zeros(int(rest_s * INPUT_HZ), np.int16), now)

    def tick(self, now: float) -> None:
        """Fills pauses. Call it at least every 100 ms."""
        for speaker in self._speakers.values():
            if speaker.heard_at is None or now - speaker.heard_at < FILL_AFTER_S:
                continue
            due_s = min(now - speaker.heard_at, FILL_LIMIT_S) - speaker.filled_s
            if due_s > 0:
                speaker.filled_s += due_s
                self._pcm(speaker, np.zeros(int(due_s * INPUT_HZ), np.int16))
            elif now - speaker.heard_at > FILL_LIMIT_S:
                self._stop(speaker)
        self._pause_when_all_stopped()

    def _stop(self, speaker: _Speaker) -> None:
        speaker.heard_at = None
        for frame in self.mixer.remove(speaker.peer_id):
            self._emit_pcm(frame)

    def _pause_when_all_stopped(self) -> None:
        if not self._paused and all(s.heard_at is None for s in self._speakers.values()):
            self._paused = True
            self._emit(AudioPausedFrame())

    def _decoded(self, peer_id: str, decode: Callable[[OpusDecoder], Pcm], now: float) -> None:
        speaker = self._speakers.get(peer_id)
        if speaker is None:
            return
        self.counters.packets += 1
        try:
            samples = decode(speaker.decoder)
        except CodecError:
            self.counters.refused += 1
            return
        self._samples(speaker, samples, now)

    def _samples(self, speaker: _Speaker, samples: Pcm, now: float) -> None:
        speaker.heard_at = now
        speaker.filled_s = 0.0
        self._paused = False
        self._pcm(speaker, samples)

    def _pcm(self, speaker: _Speaker, samples: Pcm) -> None:
        change = speaker.activity.push(samples)
        if change is not None:
            self._announce(speaker.peer_id, speaking=change)
        for frame in self.mixer.push(speaker.peer_id, samples):
            self._emit_pcm(frame)

    def _announce(self, peer_id: str, *, speaking: bool) -> None:
        others = any(s.activity.speaking for s in self._speakers.values() if s.peer_id != peer_id)
        self._emit(SpeakerActivityFrame(peer_id, speaking))
        if not others:
            self._emit(UserStartedSpeakingFrame() if speaking else UserStoppedSpeakingFrame())

    def _emit_pcm(self, samples: Pcm) -> None:
        self._emit(
            InputAudioRawFrame(audio=samples.tobytes(), sample_rate=INPUT_HZ, num_channels=1)
        )
