"""Real encoded video: moving pictures by libvpx and libx264, cut up by aiortc."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from aiortc.codecs import get_encoder
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

CLOCK_HZ: Final = 90_000
ENCODERS: Final = {"libvpx": "VP8", "libx264": "H264"}

_OPTIONS: Final = {
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"},
    "libx264": {"tune": "zerolatency", "preset": "ultrafast"},
}


def moving_picture(number: int, width: int, height: int) -> av.VideoFrame:
    """A gradient that wanders, with noise: a picture of several packets."""
    y, x = np.mgrid[0:height, 0:width]
    grey = ((x + y + number * 8) % 256).astype(np.uint8)
    noise = np.random.default_rng(number).integers(0, 40, (height, width), np.uint8)
    image = np.stack([grey, grey // 2 + noise, 255 - grey], axis=2).astype(np.uint8)
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
    frame.pts, frame.time_base = number * CLOCK_HZ // 30, Fraction(1, CLOCK_HZ)
    return frame


@dataclass(frozen=True)
class CodedPicture:
    timestamp: int
    payloads: list[bytes]
    key: bool


def coded_pictures(
    encoder_name: str, count: int, keys: frozenset[int], width: int = 320, height: int = 240
) -> Iterator[CodedPicture]:
    """So many pictures, those numbered in `keys` (and the first) key pictures."""
    encoder: Any = av.CodecContext.create(encoder_name, "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.bit_rate, encoder.gop_size, encoder.max_b_frames = 1_500_000, 3000, 0
    encoder.time_base, encoder.framerate = Fraction(1, CLOCK_HZ), Fraction(30)
    encoder.options, encoder.thread_count = dict(_OPTIONS[encoder_name]), 1
    packetiser = get_encoder(
        RTCRtpCodecParameters(f"video/{ENCODERS[encoder_name]}", clockRate=CLOCK_HZ, payloadType=96)
    )
    for number in range(count):
        frame = moving_picture(number, width, height)
        frame.pict_type = PictureType.I if number in keys else PictureType.NONE
        for packet in encoder.encode(frame):
            payloads, timestamp = packetiser.pack(packet)
            yield CodedPicture(timestamp, payloads, packet.is_keyframe)


def decoded(codec: str, picture: bytes) -> list[av.VideoFrame]:
    """What a decoder that has seen nothing else makes of it."""
    decoder = av.CodecContext.create({"VP8": "vp8", "H264": "h264"}[codec], "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1
    packet: Any = av.Packet(picture)
    return [*decoder.decode(packet), *decoder.decode(None)]


def decoded_parts(codec: str, runs: Iterable[Iterable[bytes]]) -> int:
    """How many pictures one decoder makes of them, each at once. Raises when one is damaged."""
    decoder: Any = av.CodecContext.create({"VP8": "vp8", "H264": "h264"}[codec], "r")
    decoder.thread_count = 1
    decoder.flags |= 1 << 19  # AV_CODEC_FLAG_LOW_DELAY
    return sum(len(decoder.decode(av.Packet(part))) for run in runs for part in run)
