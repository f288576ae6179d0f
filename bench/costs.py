"""What the steps of the media path cost, beside aiortc's and FFmpeg's way: part of `make bench`.

Every step and its rival run in turns in one process, so a slow machine slows both; what is shown
is the median of the runs, in µs of this thread's CPU time, and the ratio of the medians.
"""

import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from aiortc.codecs.opus import OpusDecoder as StockDecoder
from aiortc.codecs.opus import OpusEncoder as StockEncoder
from aiortc.jitterbuffer import JitterFrame

from processors.opus import INPUT_HZ, OUTPUT_HZ, OpusDecoder, OpusEncoder
from processors.pictures import jpeg_of
from processors.voice_activity import VoiceActivity

RUNS: Final = 7

Step = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    ours: Step
    stock: Step | None
    repeats: int


def cpu_us(step: Step, repeats: int) -> float:
    start = time.thread_time()
    for _ in range(repeats):
        step()
    return (time.thread_time() - start) / repeats * 1e6


def measured(row: Row) -> tuple[float, float | None]:
    """The medians of ours and of stock."""
    ours: list[float] = []
    stock: list[float] = []
    for _ in range(RUNS):
        ours.append(cpu_us(row.ours, row.repeats))
        if row.stock is not None:
            stock.append(cpu_us(row.stock, row.repeats))
    return statistics.median(ours), statistics.median(stock) if stock else None


def tone(rate_hz: int, duration_s: float = 0.02) -> Any:
    steps = np.arange(int(rate_hz * duration_s))
    return (8000 * np.sin(2 * np.pi * 300 * steps / rate_hz)).astype(np.int16)


def decode_row() -> Row:
    """One packet of 20 ms to 16 kHz mono."""
    payload = OpusEncoder().encode(tone(OUTPUT_HZ))
    decoder, stock = OpusDecoder(), StockDecoder()
    resampler = av.AudioResampler(format="s16", layout="mono", rate=INPUT_HZ)

    def by_stock() -> object:
        frames = stock.decode(JitterFrame(data=payload, timestamp=0))
        return [resampler.resample(frame) for frame in frames]  # type: ignore[arg-type]  # audio

    return Row("Opus in, 20 ms", lambda: decoder.decode(payload), by_stock, 500)


def encode_row() -> Row:
    """20 ms of the model's 24 kHz voice to a packet."""
    encoder, stock = OpusEncoder(), StockEncoder()
    samples = tone(OUTPUT_HZ)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = OUTPUT_HZ
    frame.time_base = Fraction(1, OUTPUT_HZ)

    sent = itertools.count()

    def by_stock() -> object:
        frame.pts = next(sent) * samples.size
        return stock.encode(frame)

    return Row("Opus out, 20 ms", lambda: encoder.encode(samples), by_stock, 300)


def activity_row() -> Row:
    activity, samples = VoiceActivity(INPUT_HZ), tone(INPUT_HZ)
    return Row("voice activity, 20 ms", lambda: activity.push(samples), None, 2000)


def picture_row() -> Row:
    """A second of a 640×480 camera: one key picture to JPEG, against 30 decoded to RGB."""
    pictures = camera_second()
    key = pictures[0]

    def by_stock() -> object:
        decoder = av.CodecContext.create("libvpx", "r")
        rgb = [f.to_ndarray(format="rgb24") for p in pictures for f in decoder.decode(av.Packet(p))]
        return len(rgb)

    return Row(
        "camera, one second of VGA",
        lambda: jpeg_of("VP8", key, long_side=768, quality=80),
        by_stock,
        5,
    )


def camera_second() -> list[bytes]:
    """30 VP8 pictures of moving noise, the first a key picture."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height = 640, 480
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 30)
    encoder.bit_rate = 1_000_000
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    base = (
        np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    )
    packets: list[Any] = []
    for index in range(30):
        picture = np.roll(base, index * 4, axis=1)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts = index
        packets += encoder.encode(frame)
    return [bytes(packet) for packet in packets]


def section() -> str:
    """Of docs/benchmarks.md."""
    lines = [
        "## What the steps cost",
        "",
        f"CPU time of one thread, median of {RUNS} runs in turns, one process.",
        "",
        "| step | Easel, µs | stock, µs | Easel / stock |",
        "|---|---|---|---|",
    ]
    for row in (decode_row(), encode_row(), activity_row(), picture_row()):
        ours, stock = measured(row)
        rival = "– | –" if stock is None else f"{stock:.0f} | 1/{stock / ours:.1f}"
        lines.append(f"| {row.name} | {ours:.0f} | {rival} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(section())
