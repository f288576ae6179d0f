"""Speech for tests, made by the voice worker, and ways to damage it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

import av
import numpy as np
from numpy.typing import NDArray

from emulator.worker_pipe import pack_frame, read_frame

Samples = NDArray[np.int16]
RATE_HZ = 16_000
ROOT = Path(__file__).parents[2]


def speak(texts: Sequence[str], voice: str) -> list[Samples]:
    """Mono 16 kHz speech of each text, by one child process."""
    with subprocess.Popen(
        [sys.executable, "-m", "emulator.voice_worker"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdin is not None
        output = cast(BinaryIO, child.stdout)
        spoken: list[Samples] = []
        for number, text in enumerate(texts):
            request = {"text": text, "voice": voice, "rate_hz": RATE_HZ}
            child.stdin.write(pack_frame(number, json.dumps(request).encode()))
            child.stdin.flush()
            answer = read_frame(output)
            assert answer is not None and answer[1][:1] == b"\x00"
            spoken.append(np.frombuffer(answer[1][1:], dtype="<i2"))
        child.stdin.close()
        child.wait(30)
    return spoken


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE_HZ), np.int16)


def through_opus(pcm: Samples, bit_rate: int) -> Samples:
    """Encoded and decoded as wideband Opus in frames of 20 ms."""
    encoder = av.AudioCodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = RATE_HZ, "mono", "s16"
    encoder.bit_rate = bit_rate
    encoder.options = {"application": "voip", "frame_duration": "20"}
    decoder = av.AudioCodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = 48_000, "mono"
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    padded = np.pad(pcm, (0, -len(pcm) % 320 + 320))
    pieces: list[Samples] = []
    for start in [*range(0, len(padded), 320), None]:
        frame = None
        if start is not None:
            frame = av.AudioFrame.from_ndarray(
                padded[None, start : start + 320], format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts = RATE_HZ, start
        for packet in encoder.encode(frame):
            for decoded in decoder.decode(packet):
                pieces += [one.to_ndarray()[0] for one in resampler.resample(decoded)]
    decoded_pcm: Samples = np.concatenate(pieces).astype(np.int16)
    return decoded_pcm


def played_at(pcm: Samples, speed: float) -> Samples:
    """As if the sample rate had been mistaken: `speed` times faster and higher."""
    positions = np.arange(int(len(pcm) / speed)) * speed
    faster: Samples = np.interp(positions, np.arange(len(pcm)), pcm).astype(np.int16)
    return faster


def with_frames_lost(pcm: Samples, *, milliseconds: int, zeroed: bool) -> Samples:
    """Every second frame gone: filled with zeros, or closed up."""
    size = RATE_HZ * milliseconds // 1000
    frames = pcm[: len(pcm) // (2 * size) * 2 * size].reshape(-1, size).copy()
    if zeroed:
        frames[1::2] = 0
    kept = frames if zeroed else frames[::2]
    flat: Samples = kept.reshape(-1)
    return flat
