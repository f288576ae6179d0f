"""Speech that can be timed: bursts of a tone, a second apart, and their beginnings found again."""

from dataclasses import dataclass
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

PACKET_S: Final = 0.02
RATE_HZ: Final = 48_000
CLIP_PACKETS: Final = 500  # ten seconds, played in a loop
BURST_EVERY: Final = 50  # packets
BURST_PACKETS: Final = 20
# A burst begins in the middle of its first packet: with the codec's look-ahead of 6.5 ms its
# first sound still comes out of that packet.
LEAD_S: Final = 0.01
TONE_HZ: Final = 620.0
AMPLITUDE: Final = 9000
NOISE: Final = 60
BIT_RATE: Final = 32_000

LOUD: Final = 1500  # of 32768: far above the noise, far below the bursts
BLOCK: Final = 16  # samples, a millisecond at 16 kHz
QUIET_BLOCKS: Final = 200  # before the next beginning counts


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
    sound, packets = _sound(), []
    size = int(RATE_HZ * PACKET_S)
    for index in range(CLIP_PACKETS):
        part = sound[index * size : (index + 1) * size]
        frame = av.AudioFrame.from_ndarray(part.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE_HZ, index * size
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets[:CLIP_PACKETS]


def begins_burst(index: int) -> bool:
    """Whether the packet at that place of the clip is the first of a burst."""
    return index % CLIP_PACKETS % BURST_EVERY == 0


def _sound() -> Pcm:
    count = int(CLIP_PACKETS * PACKET_S * RATE_HZ)
    times = np.arange(count) / RATE_HZ
    since = (times - LEAD_S) % (BURST_EVERY * PACKET_S)
    loud = since < BURST_PACKETS * PACKET_S - LEAD_S
    noise = np.random.default_rng(1).normal(0, NOISE, count)
    return np.asarray(loud * AMPLITUDE * np.sin(2 * np.pi * TONE_HZ * times) + noise, np.int16)


@dataclass(slots=True)
class OnsetFinder:
    """`push` PCM at 16 kHz as it comes; True when a burst begins in it."""

    _quiet: int = 0

    def push(self, samples: Pcm) -> bool:
        whole = samples[: samples.size // BLOCK * BLOCK].astype(np.int32)
        peaks = np.abs(whole).reshape(-1, BLOCK).max(axis=1) > LOUD
        begun = False
        for loud in peaks:
            if loud:
                begun = begun or self._quiet >= QUIET_BLOCKS
                self._quiet = 0
            else:
                self._quiet += 1
        return begun
