"""From encoded pictures to a JPEG of bounded size. Runs in worker threads, not on the loop.

A key picture needs no history: it gets a decoder of its own, so that nothing of one peer's stream
(a reference picture, a colour range) can show in another's. Opening one takes 20 µs of the 2700
that a VGA picture takes, and leaves no memory behind; a set of shared ones saved 5 %. Streams of
which every picture is taken keep a decoder each. FFmpeg would start a pool of threads for every
decoder and every conversion; they get one.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray
from PIL import Image

from processors.errors import CodecError

MAX_PIXELS: Final = 4096 * 2304
_DECODERS: Final = {"VP8": "vp8", "H264": "h264"}
_LOW_DELAY: Final = 1 << 19  # AV_CODEC_FLAG_LOW_DELAY

# What a still screen's repeated pictures may differ by: a codec's rounding, no letter.
_SAME_LEVELS: Final = 12
_SAME_PIXELS: Final = 16


@dataclass(frozen=True, slots=True)
class CodedPictures:
    """Pictures of one stream, in order; the last one is to be seen. `codec` is "VP8" or "H264".

    `alone`: nothing before is needed. `followed`: later ones may build on these.
    """

    codec: str
    parts: tuple[bytes, ...]
    alone: bool = True
    followed: bool = False

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(map(len, self.parts))


@dataclass(frozen=True, slots=True)
class Jpeg:
    """`source_width` and `source_height` are the camera's before scaling."""

    data: bytes
    width: int
    height: int
    source_width: int
    source_height: int


class PictureDecoder:
    """Decodes one stream, from a key picture on, and keeps what later pictures refer to."""

    def __init__(self, codec: str) -> None:
        context: Any = av.CodecContext.create(_DECODERS[codec], "r")
        self.codec = codec
        self._context: VideoCodecContext = context
        context.thread_count = 1
        context.flags |= _LOW_DELAY  # H.264 could hold pictures back, to bring them into order
        context.options = {"max_pixels": str(MAX_PIXELS)}  # refused before memory is taken

    def last_of_untrusted(self, parts: Sequence[bytes]) -> av.VideoFrame:
        """Decodes all, returns the last. Raises `CodecError`: then make a new decoder."""
        frames: list[av.VideoFrame] = []
        try:
            for part in parts:
                packet: Any = av.Packet(part)
                frames = self._context.decode(packet) or frames
        except av.FFmpegError as error:
            name = type(error).__name__
            raise CodecError(f"{self.codec} picture does not decode: {name}") from error
        if not frames or frames[-1].is_corrupt:
            raise CodecError(f"{self.codec} data holds no whole picture")
        return frames[-1]


def frame_of(pictures: CodedPictures) -> av.VideoFrame:
    """Of pictures that decode alone. Raises `CodecError`.

    Damage behind the first partition of a VP8 picture cannot be seen: VP8 carries no check of it.
    """
    return PictureDecoder(pictures.codec).last_of_untrusted(pictures.parts)


def jpeg_of(codec: str, data: bytes, *, long_side: int, quality: int) -> Jpeg:
    """`frame_of` a single key picture, and `jpeg_from` that."""
    return jpeg_from(frame_of(CodedPictures(codec, (data,))), long_side=long_side, quality=quality)


def jpeg_from(frame: av.VideoFrame, *, long_side: int, quality: int) -> Jpeg:
    """The longer side becomes `long_side` pixels at most; nothing is enlarged.

    Colours follow the stream's own matrix and range, and BT.601 limited where it names none, as
    WebRTC does.
    """
    width, height = scaled_size(frame.width, frame.height, long_side)
    rgb = VideoReformatter().reformat(
        _scaled(frame, width, height), width, height, "rgb24", threads=1
    )
    out = io.BytesIO()
    image: Any = Image.fromarray(rgb.to_ndarray())
    image.save(out, "JPEG", quality=quality)
    return Jpeg(out.getvalue(), width, height, frame.width, frame.height)


def _scaled(frame: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    """In the stream's own format: scaling RGB takes four times as long."""
    if (width, height) == (frame.width, frame.height):
        return frame
    return VideoReformatter().reformat(
        frame, width, height, frame.format.name, interpolation=Interpolation.AREA, threads=1
    )


def scaled_size(width: int, height: int, long_side: int) -> tuple[int, int]:
    """The longer side at most `long_side`, the proportions kept, never 0."""
    scale = min(1.0, long_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def looks_the_same(one: av.VideoFrame, other: av.VideoFrame) -> bool:
    """Whether two pictures of a stream differ by no more than a codec's rounding."""
    if (one.width, one.height) != (other.width, other.height):
        return False
    a, b = luma(one), luma(other)
    apart = np.maximum(a, b) - np.minimum(a, b)
    return int(np.count_nonzero(apart > _SAME_LEVELS)) < _SAME_PIXELS


def luma(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """The frame's brightness, rows × columns; a view of its memory."""
    plane: Any = frame.planes[0]  # a buffer, which its type does not say
    rows: NDArray[np.uint8] = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]
