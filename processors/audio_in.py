"""From each speaker's Opus packets to the room's one stream of 16 kHz PCM frames.

Decoding happens on the loop (18 µs a packet), so there is no thread. Packets wait until they make
a whole frame, 40 ms, and are then decoded together: nothing leaves later by that, and what runs
half as often, twice in a row, finds its code and data in the processor's caches.

When a speaker's packets stop coming, the pause is filled with silence for a second, since Gemini
ends a turn on silence it hears and not on silence it does not hear; then the room says that audio
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
from processors.mixer import FRAME_SAMPLES, Mixer, Pcm
from processors.opus import INPUT_HZ, OpusDecoder
from processors.voice_activity import VoiceActivity

FILL_AFTER_S: Final = 0.45  # shorter pauses are a stall, or a sender that suppresses silence
FILL_LIMIT_S: Final = 1.0


@dataclass(slots=True)
class AudioInCounters:
    packets: int = 0
    concealed: int = 0
    recovered: int = 0
    refused: int = 0
    padded_frames: int = 0


@dataclass(slots=True)
class _Speaker:
    """`heard_at` is None while nothing comes; `filled` is silence since then, in samples.

    `waiting` are packets that do not make a frame yet, the last of which came at `arrived_at`.
    """

    peer_id: str
    decoder: OpusDecoder = field(default_factory=OpusDecoder)
    activity: VoiceActivity = field(default_factory=lambda: VoiceActivity(INPUT_HZ))
    heard_at: float | None = None
    filled: int = 0
    waiting: list[bytes] = field(default_factory=list)
    arrived_at: float = 0.0


class AudioIn:
    """`emit` gets the frames, in order: PCM of 40 ms, and who speaks.

    `now` is the event loop's time in seconds. What unknown peers send is ignored: packets may
    still be on their way when a peer has left.
    """

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
        self._stop(speaker)

    def packet(self, peer_id: str, payload: bytes, now: float) -> None:
        self.counters.packets += 1
        speaker = self._speakers.get(peer_id)
        if speaker is None:
            return
        speaker.arrived_at = now
        speaker.waiting.append(payload)
        if speaker.heard_at is None:  # the others must know at once that this one speaks too
            self._decode_waiting(speaker)
            return
        held = self.mixer.waiting_of(peer_id) % FRAME_SAMPLES
        if held + len(speaker.waiting) * speaker.decoder.packet_samples >= FRAME_SAMPLES:
            self._decode_waiting(speaker)

    def missing(self, peer_id: str, next_payload: bytes | None, now: float) -> None:
        """A lost packet, with the one after it when that may carry FEC."""
        speaker = self._speakers.get(peer_id)
        if speaker is None:
            return
        self._decode_waiting(speaker)
        try:
            if next_payload is None:
                self.counters.concealed += 1
                samples = speaker.decoder.conceal()
            else:
                self.counters.recovered += 1
                samples = speaker.decoder.recover(next_payload)
        except CodecError:
            self.counters.refused += 1
            return
        self._heard(speaker, now)
        self._pcm(speaker, samples)

    def silence(self, peer_id: str, duration_s: float, now: float) -> None:
        """The sender suppressed its silence; what the clock already filled is not repeated."""
        speaker = self._speakers.get(peer_id)
        if speaker is None:
            return
        self._decode_waiting(speaker)
        rest = int(min(duration_s, FILL_LIMIT_S) * INPUT_HZ) - speaker.filled
        if rest > 0:
            self._heard(speaker, now)
            self._pcm(speaker, np.zeros(rest, np.int16))

    def tick(self, now: float) -> None:
        """Fills pauses. Call it at least every 100 ms."""
        for speaker in self._speakers.values():
            if speaker.waiting:
                if now - speaker.arrived_at < FILL_AFTER_S:
                    continue
                self._decode_waiting(speaker)
            if speaker.heard_at is not None and now - speaker.heard_at >= FILL_AFTER_S:
                self._fill(speaker, now - speaker.heard_at)
        if not self._paused and all(s.heard_at is None for s in self._speakers.values()):
            self._paused = True
            self._emit(AudioPausedFrame())

    def _fill(self, speaker: _Speaker, pause_s: float) -> None:
        due = int(min(pause_s, FILL_LIMIT_S) * INPUT_HZ) - speaker.filled
        if due > 0:
            speaker.filled += due
            self._pcm(speaker, np.zeros(due, np.int16))
        elif pause_s > FILL_LIMIT_S:
            self._stop(speaker)

    def _stop(self, speaker: _Speaker) -> None:
        """The others wait for `speaker` no longer."""
        speaker.heard_at = None
        speaker.waiting.clear()
        self._emit_pcm(self.mixer.remove(speaker.peer_id))

    def _heard(self, speaker: _Speaker, now: float) -> None:
        speaker.heard_at = now
        speaker.filled = 0
        self._paused = False

    def _decode_waiting(self, speaker: _Speaker) -> None:
        samples: list[Pcm] = []
        for payload in speaker.waiting:
            try:
                samples.append(speaker.decoder.decode(payload))
            except CodecError:
                self.counters.refused += 1
        speaker.waiting.clear()
        if samples:
            self._heard(speaker, speaker.arrived_at)
            self._pcm(speaker, samples[0] if len(samples) == 1 else np.concatenate(samples))

    def _pcm(self, speaker: _Speaker, samples: Pcm) -> None:
        change = speaker.activity.push(samples)
        if change is not None:
            self._announce(speaker.peer_id, speaking=change)
        self._emit_pcm(self.mixer.push(speaker.peer_id, samples))

    def _announce(self, peer_id: str, *, speaking: bool) -> None:
        others = any(s.activity.speaking for s in self._speakers.values() if s.peer_id != peer_id)
        self._emit(SpeakerActivityFrame(peer_id, speaking))
        if not others:
            self._emit(UserStartedSpeakingFrame() if speaking else UserStoppedSpeakingFrame())

    def _emit_pcm(self, mixed: list[Pcm]) -> None:
        if not mixed:
            return
        self.counters.padded_frames = self.mixer.padded_frames
        for samples in mixed:
            self._emit(
                InputAudioRawFrame(audio=samples.tobytes(), sample_rate=INPUT_HZ, num_channels=1)
            )
