"""Speech that can be timed: bursts of a tone, about a second apart, each known by its pitch.

Ten bursts make the clip, so that a beginning that is found is matched to its own cause even when
it comes seconds late.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

PACKET_S: Final = 0.02
RATE_HZ: Final = 48_000
CLIP_PACKETS: Final = 510  # ten seconds, played in a loop
# An odd number of packets: a service that sends two in a message meets a beginning in each half.
BURST_EVERY: Final = 51
BURST_PACKETS: Final = 20
# A burst begins in the middle of its first packet: with the codec's look-ahead of 6.5 ms its
# first sound still comes out of that packet.
LEAD_S: Final = 0.01
LOOK_AHEAD_S: Final = 0.0065
LOWEST_HZ: Final = 500.0
STEP_HZ: Final = 100.0
PITCHES: Final = CLIP_PACKETS // BURST_EVERY
AMPLITUDE: Final = 9000
NOISE: Final = 60
BIT_RATE: Final = 32_000

HEARD_HZ: Final = 16_000
LOUD: Final = 1500  # of 32768: far above the noise, far below the bursts
BLOCK: Final = 16  # samples, a millisecond
QUIET_BLOCKS: Final = 200  # before the next beginning counts
PITCH_BLOCKS: Final = 40  # after a beginning: enough to tell the pitches apart


def speech_packets() -> list[bytes]:
    """Ten seconds of Opus, a packet every 20 ms; packet n * `BURST_EVERY` begins a burst."""
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = RATE_HZ, "mono", "s16"
    encoder.bit_rate = BIT_RATE
    encoder.options = {
        "application": "voip",
        "frame_duration": "20",
        "fec": "1",
        "packet_loss": "5",
    }
    sound, packets = speech_sound(), []
    size = int(RATE_HZ * PACKET_S)
    for index in range(CLIP_PACKETS):
        part = sound[index * size : (index + 1) * size]
        frame = av.AudioFrame.from_ndarray(part.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE_HZ, index * size
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets[:CLIP_PACKETS]


def burst_of(index: int) -> int | None:
    """Which burst the packet at that place begins; None when it begins none."""
    place = index % CLIP_PACKETS
    return None if place % BURST_EVERY else place // BURST_EVERY


def speech_sound() -> Pcm:
    count = round(CLIP_PACKETS * PACKET_S * RATE_HZ)
    times = np.arange(count) / RATE_HZ
    since = (times - LEAD_S) % (BURST_EVERY * PACKET_S)
    loud = since < BURST_PACKETS * PACKET_S - LEAD_S
    pitch = LOWEST_HZ + STEP_HZ * np.floor((times - LEAD_S) / (BURST_EVERY * PACKET_S))
    noise = np.random.default_rng(1).normal(0, NOISE, count)
    return np.asarray(loud * AMPLITUDE * np.sin(2 * np.pi * pitch * since) + noise, np.int16)


def packet_place(offset_s: float) -> int:
    """The packet, counted from a burst's first, that a sound came in which was heard so long
    after the burst's beginning."""
    return int((offset_s + LEAD_S + LOOK_AHEAD_S) / PACKET_S)


@dataclass(slots=True)
class Heard:
    """A burst: when its beginning came, and each later message with its place in the burst."""

    at: float
    burst: int = -1
    chunks: list[tuple[float, float]] = field(default_factory=list)  # when, seconds after the first


@dataclass(slots=True)
class BurstFinder:
    """`push` PCM at 16 kHz as it comes; `heard` are the bursts so far."""

    heard: list[Heard] = field(default_factory=list)
    _quiet: int = 0
    _blocks: int = 0  # since the last beginning
    _begun: list[Pcm] = field(default_factory=list)
    _rest: Pcm = field(default_factory=lambda: np.zeros(0, np.int16))

    def push(self, samples: Pcm, now: float) -> None:
        blocks = self._whole_blocks(samples)
        if self.heard and self._quiet < QUIET_BLOCKS and self._blocks < self._burst_blocks():
            self.heard[-1].chunks.append((now, self._blocks * BLOCK / HEARD_HZ))
        for block, loud in zip(blocks, np.abs(blocks).max(axis=1) > LOUD, strict=True):
            if loud and self._quiet >= QUIET_BLOCKS:
                self.heard.append(Heard(now))
                self._blocks, self._begun = 0, []
            self._quiet = 0 if loud else self._quiet + 1
            self._blocks += 1
            self._name(block)

    def _whole_blocks(self, samples: Pcm) -> NDArray[np.int32]:
        joined = np.concatenate([self._rest, samples])
        whole = joined.size // BLOCK * BLOCK
        self._rest = joined[whole:]
        return joined[:whole].astype(np.int32).reshape(-1, BLOCK)

    def _name(self, block: NDArray[np.int32]) -> None:
        if not self.heard or self.heard[-1].burst >= 0:
            return
        self._begun.append(block.astype(np.int16))
        if len(self._begun) == PITCH_BLOCKS:
            self.heard[-1].burst = burst_by_pitch(np.concatenate(self._begun))

    @staticmethod
    def _burst_blocks() -> int:
        return int((BURST_PACKETS - 1) * PACKET_S * HEARD_HZ) // BLOCK


def burst_by_pitch(samples: Pcm) -> int:
    crossings = np.count_nonzero(np.diff(np.signbit(samples)))
    pitch = crossings / 2 / (samples.size / HEARD_HZ)
    return int(np.clip(round((pitch - LOWEST_HZ) / STEP_HZ), 0, PITCHES - 1))
