"""From an encoded picture to a JPEG of bounded size. Runs in worker threads, not on the loop.

A key picture needs no history. Each gets a decoder of its own, so that nothing of one peer's
stream (a reference picture, a colour range) can show in another's; opening one costs nothing
beside the decoding. FFmpeg would start a pool of threads for each; it gets one.
"""

import io
from dataclasses import dataclass
from typing import Any, Final

import av
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


def jpeg_of(codec: str, data: bytes, *, long_side: int, quality: int) -> Jpeg:
    """Decodes a key picture ("VP8" or "H264" Annex B) and makes a JPEG of it.

    The longer side becomes `long_side` pixels at most; nothing is enlarged. Colours follow the
    stream's own matrix and range, and BT.601 limited where it names none, as WebRTC does.
    Raises `CodecError` when the picture does not decode, is damaged or is too large. Damage
    behind the first partition of a VP8 picture cannot be seen: VP8 carries no check of it.
    """
    frame = _decode_untrusted(codec, data)
    width, height = scaled_size(frame.width, frame.height, long_side)
    rgb = VideoReformatter().reformat(
        frame, width, height, "rgb24", interpolation=Interpolation.AREA, threads=1
    )
    out = io.BytesIO()
    image: Any = Image.fromarray(rgb.to_ndarray())
    image.save(out, "JPEG", quality=quality)
    return Jpeg(out.getvalue(), width, height, frame.width, frame.height)


def scaled_size(width: int, height: int, long_side: int) -> tuple[int, int]:
    """The longer side at most `long_side`, the proportions kept, never 0."""
    scale = min(1.0, long_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _decode_untrusted(codec: str, data: bytes) -> av.VideoFrame:
    decoder: Any = av.CodecContext.create(_DECODERS[codec], "r")
    decoder.thread_count = 1
    decoder.options = {"max_pixels": str(MAX_PIXELS)}  # refused before memory is taken
    try:
        # H.264 holds a picture back until it is told that no more will come.
        frames: list[av.VideoFrame] = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    except av.FFmpegError as error:
        raise CodecError(f"{codec} picture does not decode: {type(error).__name__}") from error
    if not frames or frames[-1].is_corrupt:
        raise CodecError(f"{codec} data holds no whole picture")
    return frames[-1]
