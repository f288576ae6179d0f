"""A camera's video, encoded once: groups of pictures that each begin with a key picture.

A group lasts three seconds. A sender that is asked for a key picture goes on with the next
group, as an encoder would; one that is not plays them to the end. Both come to the same bitrate.
"""

import os
import pickle
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from PIL import Image, ImageDraw

from bench.picture_quality import write_number

ROOT: Final = Path(__file__).resolve().parent.parent
VERSION: Final = 2  # of what the pictures show and how they are encoded
GROUPS: Final = 4
GROUP_S: Final = 3.0
TEXT_PX: Final = 24


@dataclass(frozen=True, slots=True)
class ClipSpec:
    width: int = 640
    height: int = 480
    fps: int = 30
    bits_per_s: int = 1_000_000
    codec: str = "libvpx"


def source_picture(spec: ClipSpec, index: int) -> Image.Image:
    """A room with texture, a text of 24 px, something that moves, and its index as blocks."""
    rng = np.random.default_rng(7)
    coarse = rng.integers(60, 200, (spec.height // 16, spec.width // 16, 3), np.uint8)
    base = Image.fromarray(coarse).resize((spec.width, spec.height), Image.Resampling.BICUBIC)
    shift = index * 2 % spec.width
    image = Image.new("RGB", base.size)
    image.paste(base, (-shift, 0))
    image.paste(base, (spec.width - shift, 0))
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 20, spec.width // 2, 60), fill="white")
    draw.text((28, 26), "The quick brown fox 0123", fill="black", font_size=TEXT_PX)
    x = int((spec.width - 80) * (0.5 + 0.5 * np.sin(index / 15)))
    draw.ellipse((x, spec.height - 120, x + 80, spec.height - 40), fill=(220, 40, 40))
    noise = rng.integers(-4, 5, (spec.height, spec.width, 1))
    noisy = Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))
    write_number(noisy, index)
    return noisy


def clip_file(spec: ClipSpec) -> Path:
    """Encoded once for all runs, since that takes longer than a measurement."""
    folder = ROOT / "test-output" / "bench"
    name = f"{spec.codec}-{spec.width}x{spec.height}-{spec.fps}-{spec.bits_per_s}"
    path = folder / f"{name}.v{VERSION}.pickle"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        written = path.with_suffix(f".{os.getpid()}")
        written.write_bytes(pickle.dumps(encoded_groups(spec)))
        written.rename(path)  # whole or not at all
    return path


def load_groups(path: Path) -> list[list[bytes]]:
    """Of a file that `clip_file` made."""
    groups: list[list[bytes]] = pickle.loads(path.read_bytes())
    return groups


def encoded_groups(spec: ClipSpec) -> list[list[bytes]]:
    """`GROUPS` lists of encoded pictures."""
    encoder = _encoder(spec)
    per_group = int(GROUP_S * spec.fps)
    pictures: list[bytes] = []
    for index in range(GROUPS * per_group):
        rgb = np.asarray(source_picture(spec, index))
        frame: Any = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
        frame.pts = index
        frame.time_base = Fraction(1, spec.fps)
        if index % per_group == 0:
            frame.pict_type = av.video.frame.PictureType.I
        pictures += [bytes(packet) for packet in encoder.encode(frame)]
    pictures += [bytes(packet) for packet in encoder.encode(None)]
    return [pictures[n * per_group : (n + 1) * per_group] for n in range(GROUPS)]


def _encoder(spec: ClipSpec) -> Any:
    encoder: Any = av.CodecContext.create(spec.codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = spec.width, spec.height, "yuv420p"
    encoder.time_base = Fraction(1, spec.fps)
    encoder.framerate = Fraction(spec.fps)
    encoder.bit_rate = spec.bits_per_s
    encoder.gop_size = 10_000
    encoder.thread_count = 2
    # As libwebrtc sets libvpx: constant bitrate, and a bounded key picture.
    encoder.options = {
        "deadline": "realtime",
        "cpu-used": "6",
        "lag-in-frames": "0",
        "error-resilient": "1",
        "minrate": str(spec.bits_per_s),
        "maxrate": str(spec.bits_per_s),
        "bufsize": str(spec.bits_per_s),
        "qmin": "2",
        "qmax": "56",
        "max-intra-rate": "900",
        "noise-sensitivity": "0",
    }
    return encoder
