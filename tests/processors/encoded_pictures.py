"""Pictures for tests, encoded as WebRTC sends them, and how alike two pictures are."""

import io
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray
from PIL import Image

Rgb = NDArray[np.uint8]

BARS = [
    (255, 255, 255),
    (255, 255, 0),
    (0, 255, 255),
    (0, 255, 0),
    (255, 0, 255),
    (255, 0, 0),
    (0, 0, 255),
    (0, 0, 0),
]
ENCODERS = {"VP8": "libvpx", "H264": "libx264"}
LIMITED, FULL = ColorRange.MPEG, ColorRange.JPEG


def bars(width: int, height: int) -> Rgb:
    """Eight columns of the pure colours, white first."""
    columns = np.asarray(BARS, np.uint8)[np.arange(width) * 8 // width]
    return np.broadcast_to(columns, (height, width, 3)).copy()


def scene(width: int, height: int, seed: int = 1) -> Rgb:
    """Soft shapes of all colours, as cameras see them: no two corners are alike."""
    random = np.random.default_rng(seed).normal(size=(8, 8, 3))
    small = np.asarray(255 * (random - random.min()) / np.ptp(random), np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def encoded(
    codec: str,
    picture: Rgb,
    *,
    matrix: Colorspace | None = None,
    color_range: ColorRange | None = None,
) -> bytes:
    """A key picture. Without `matrix` and `color_range` its stream names none (BT.601 limited)."""
    return stream(codec, [picture], matrix=matrix, color_range=color_range)[0]


def stream(
    codec: str,
    pictures: list[Rgb],
    *,
    matrix: Colorspace | None = None,
    color_range: ColorRange | None = None,
) -> list[bytes]:
    """A key picture and those that refer to it."""
    height, width = pictures[0].shape[:2]
    encoder: Any = av.CodecContext.create(ENCODERS[codec], "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuv420p"
    encoder.bit_rate = 8_000_000
    encoder.thread_count = 1
    encoder.time_base = Fraction(1, 30)
    if codec == "H264":
        encoder.options = {"crf": "8", "tune": "zerolatency"}
    if matrix is not None:
        encoder.colorspace = 1 if matrix is Colorspace.ITU709 else 6  # AVColorSpace's numbers
    if color_range is not None:
        encoder.color_range = color_range
    packets = []
    for number, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(
            format="yuv420p",
            dst_colorspace=matrix or Colorspace.ITU601,
            dst_color_range=color_range or LIMITED,
            threads=1,
        )
        frame.pts = number
        packets += encoder.encode(frame)
    return [bytes(packet) for packet in [*packets, *encoder.encode(None)]]


def opened(jpeg: bytes) -> Rgb:
    image = Image.open(io.BytesIO(jpeg))
    assert image.format == "JPEG"
    return np.asarray(image.convert("RGB"))


def resized(picture: Rgb, width: int, height: int) -> Rgb:
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BOX))


def psnr_db(one: Rgb, other: Rgb) -> float:
    error = float(np.mean((one.astype(float) - other.astype(float)) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
