"""From an encoded picture to a JPEG of bounded size. Runs in worker threads, not on the loop.

A key picture needs no history, so one decoder per codec and thread serves every peer. It is
scaled while still YUV, in one thread, since FFmpeg would start a pool for each frame.
"""

import io
import threading
from dataclasses import dataclass
from typing import Any, Final

import av
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import Interpolation, VideoReformatter
from PIL import Image

from processors.errors import CodecError

MAX_PIXELS: Final = 4096 * 2304
_DECODERS: Final = {"VP8": "vp8", "H264": "h264"}


@dataclass(frozen=True, slots=True)
class Jpeg:
    """`source_width` and `source_height` are the camera's before scaling."""

    data: bytes
    width: int
    height: int
    source_width: int
    source_height: int


class _ThreadTools(threading.local):
    """A decoder per codec and a scaler, for this thread."""

    def __init__(self) -> None:
        self.decoders: dict[str, VideoCodecContext] = {}
        self.reformatter = VideoReformatter()


_tools = _ThreadTools()


def jpeg_of(codec: str, data: bytes, *, long_side: int, quality: int) -> Jpeg:
    """Decodes a key picture ("VP8" or "H264" Annex B) and makes a JPEG of it.

    The longer side becomes `long_side` pixels at most; nothing is enlarged. Raises
    `CodecError` when the picture does not decode or is too large.
    """
    frame = _decode(codec, data)
    if frame.width * frame.height > MAX_PIXELS:
        raise CodecError(f"a picture of {frame.width}x{frame.height} is too large")
    width, height = scaled_size(frame.width, frame.height, long_side)
    rgb = _tools.reformatter.reformat(
        frame, width, height, "rgb24", interpolation=Interpolation.AREA, threads=1
    )
    out = io.BytesIO()
    image: Any = Image.fromarray(rgb.to_ndarray())
    image.save(out, "JPEG", quality=quality)
    return Jpeg(out.getvalue(), width, height, frame.width, frame.height)


def scaled_size(width: int, height: int, long_side: int) -> tuple[int, int]:
    """Even sides, the longer at most `long_side`, the proportions kept."""
    scale = min(1.0, long_side / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _decode(codec: str, data: bytes) -> av.VideoFrame:
    decoder = _tools.decoders.get(codec)
    if decoder is None:
        decoder = _tools.decoders[codec] = _open(codec)
    packet: Any = av.Packet(data)
    try:
        frames = decoder.decode(packet)
        if not frames:  # H.264 holds a picture back until it is told that no more will come
            frames = decoder.decode(None)
            decoder.flush_buffers()
    except av.FFmpegError as error:
        _tools.decoders.pop(codec, None)
        raise CodecError(f"{codec} picture does not decode: {type(error).__name__}") from error
    if not frames:
        raise CodecError(f"{codec} data holds no picture")
    return frames[-1]


def _open(codec: str) -> VideoCodecContext:
    context = av.CodecContext.create(_DECODERS[codec], "r")
    assert isinstance(context, VideoCodecContext)  # both names are video decoders
    context.thread_count = 1
    return context
