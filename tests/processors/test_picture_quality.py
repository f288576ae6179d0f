"""What reaches the model of a camera: from libvpx through RTP payloads to the JPEG."""

import string
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import Any, Final

import av
import numpy as np
import pytest
from aiortc.codecs.vpx import VpxPayloadDescriptor
from PIL import Image, ImageDraw

from bench.camera_clip import TEXT_PX, ClipSpec, source_picture
from processors.pictures import CodedPictures, Jpeg, frame_of, jpeg_from
from tests.processors.encoded_pictures import Rgb, opened, psnr_db
from transports.picture_sampler import EncodedPicture, PictureSampler
from transports.rtp_arrival import RtpArrival
from transports.video_mode import ModeChoice, VideoMode

SECONDS: Final = 3
PAYLOAD_BYTES: Final = 1200
VGA: Final = ClipSpec(bits_per_s=1_000_000)
POOR: Final = ClipSpec(bits_per_s=300_000)
HD: Final = ClipSpec(1280, 720, 30, 2_000_000)
TEXT: Final = "The quick brown fox 0123"
TEXT_AT: Final = (28, 26)
LETTERS: Final = string.ascii_letters + string.digits + " "
ROWS: Final = slice(14, 34)  # in which letters stand, scaled


@cache
def shown(width: int, height: int, index: int) -> Image.Image:
    return source_picture(ClipSpec(width, height), index)


@cache
def coded(spec: ClipSpec) -> list[bytes]:
    """A clip whose encoder is asked for a key picture each second."""
    encoder, out = libwebrtc_encoder(spec), []
    for index in range(SECONDS * spec.fps):
        rgb = np.asarray(shown(spec.width, spec.height, index))
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = index, Fraction(1, spec.fps)
        if index % spec.fps == 0:
            frame.pict_type = av.video.frame.PictureType.I
        out += [bytes(packet) for packet in encoder.encode(frame)]
    return out


def libwebrtc_encoder(spec: ClipSpec) -> Any:
    """libvpx as libwebrtc sets it: constant bitrate, and a bounded key picture."""
    encoder: Any = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = spec.width, spec.height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, spec.fps), Fraction(spec.fps)
    encoder.bit_rate, encoder.gop_size, encoder.thread_count = spec.bits_per_s, 10_000, 1
    rate = dict.fromkeys(("minrate", "maxrate", "bufsize"), str(spec.bits_per_s))
    encoder.options = rate | {
        "deadline": "realtime",
        "cpu-used": "6",
        "lag-in-frames": "0",
        "error-resilient": "1",
        "qmin": "2",
        "qmax": "56",
        "max-intra-rate": "900",
    }
    return encoder


def packets(spec: ClipSpec) -> Iterator[tuple[int, RtpArrival]]:
    """With the index of the picture that each belongs to."""
    sequence = 65_500
    for index, picture in enumerate(coded(spec)):
        for at in range(0, len(picture), PAYLOAD_BYTES):
            head = bytes(VpxPayloadDescriptor(partition_start=int(at == 0), partition_id=0))
            payload = head + picture[at : at + PAYLOAD_BYTES]
            last = at + PAYLOAD_BYTES >= len(picture)
            number = sequence % 65_536
            yield index, RtpArrival("video", "VP8", 7, number, index * 3000, last, payload)
            sequence += 1


def sampled(spec: ClipSpec) -> list[tuple[int, EncodedPicture]]:
    """What the sampler takes of it, and which picture is to be seen. Not the first second's: the
    encoder's rate control has not settled."""
    sampler = PictureSampler(1.0, choice=ModeChoice(VideoMode.KEYS))
    taken = []
    for index, packet in packets(spec):
        picture = sampler.push(packet, index / spec.fps)
        if picture is not None and index >= spec.fps:
            taken.append((index, picture))
    return taken


def jpeg_of_run(parts: tuple[bytes, ...]) -> Jpeg:
    return jpeg_from(frame_of(CodedPictures("VP8", parts)), long_side=768, quality=80)


def quality_db(spec: ClipSpec, index: int, parts: tuple[bytes, ...]) -> float:
    """Against the camera's own picture, scaled as well as it can be."""
    made = jpeg_of_run(parts)
    wanted = shown(spec.width, spec.height, index)
    scaled = wanted.resize((made.width, made.height), Image.Resampling.LANCZOS)
    return psnr_db(opened(made.data), np.asarray(scaled))


@pytest.mark.parametrize(("spec", "least_db"), [(VGA, 32.5), (POOR, 29.0)], ids=["1M", "300k"])
def test_the_jpeg_is_like_what_the_camera_saw(spec: ClipSpec, least_db: float) -> None:
    taken = sampled(spec)
    assert len(taken) == SECONDS - 1
    for index, picture in taken:
        with_few = quality_db(spec, index, picture.parts)
        key_alone = quality_db(spec, spec.fps * (index // spec.fps), picture.parts[:1])
        assert with_few >= least_db
        assert with_few >= key_alone + 1.0  # what the few after it are decoded for


def test_a_text_of_24_px_can_be_read_in_a_large_picture_scaled_down() -> None:
    for _, picture in sampled(HD):
        made = jpeg_of_run(picture.parts)
        assert (made.width, made.height) == (768, 432)
        assert read(opened(made.data)) == TEXT


def test_the_reader_cannot_read_what_is_not_there() -> None:
    assert read(np.full((432, 768, 3), 255, np.uint8)) != TEXT
    blurred = shown(1280, 720, 0).resize((256, 144)).resize((768, 432))
    assert read(np.asarray(blurred)) != TEXT


def read(picture: Rgb) -> str:
    """Letter by letter, the one that looks most like what is there."""
    seen = np.asarray(Image.fromarray(picture).convert("L")).astype(float)
    text = ""
    for _ in TEXT:
        text += min(LETTERS, key=lambda letter: difference(seen, text, letter))
    return text


def difference(seen: Any, before: str, letter: str) -> float:
    """Of the part of the picture that the letter would take, for each column of it."""
    line, columns = line_of(before + letter)
    return float(np.mean((seen[ROWS, columns] - line) ** 2))


@cache
def line_of(text: str) -> tuple[Any, slice]:
    """A picture of its last letter, scaled, and the columns in which that stands."""
    image = Image.new("L", (1280, 80), "white")
    draw = ImageDraw.Draw(image)
    draw.text(TEXT_AT, text, fill="black", font_size=TEXT_PX)
    starts = TEXT_AT[0] + draw.textlength(text[:-1], font_size=TEXT_PX)
    ends = TEXT_AT[0] + draw.textlength(text, font_size=TEXT_PX)
    small = np.asarray(image.resize((768, 48), Image.Resampling.BOX)).astype(float)
    first, last = round(starts * 0.6), round(ends * 0.6)
    columns = slice(first, max(last, first + 3))
    return small[ROWS, columns].copy(), columns
