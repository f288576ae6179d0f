import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.errors import CodecError
from processors.pictures import (
    MAX_PIXELS,
    CodedPictures,
    Jpeg,
    PictureDecoder,
    frame_of,
    jpeg_of,
    looks_the_same,
    scaled_size,
)
from tests.processors.encoded_pictures import (
    BARS,
    FULL,
    LIMITED,
    Rgb,
    bars,
    encoded,
    opened,
    psnr_db,
    resized,
    scene,
    stream,
)

CODECS = ["VP8", "H264"]
SIZES = [(640, 480), (1280, 720), (720, 1280), (768, 768), (322, 182), (128, 96), (1920, 1080)]
ODD_SIZES = [(321, 241), (639, 359), (241, 427)]
TINY_SIZES = [(17, 15), (3, 1), (1, 1)]
LIKE_DB = 32.0


def converted(codec: str, data: bytes, long_side: int = 768, quality: int = 80) -> Jpeg:
    return jpeg_of(codec, data, long_side=long_side, quality=quality)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("codec", CODECS)
def test_the_jpeg_is_like_the_camera(codec: str, width: int, height: int) -> None:
    picture = scene(width, height)
    jpeg = converted(codec, encoded(codec, picture))
    assert (jpeg.source_width, jpeg.source_height) == (width, height)
    seen = opened(jpeg.data)
    assert seen.shape == (jpeg.height, jpeg.width, 3)
    assert psnr_db(seen, resized(picture, jpeg.width, jpeg.height)) >= LIKE_DB


@pytest.mark.parametrize(("width", "height"), ODD_SIZES)
def test_vp8_may_have_odd_sides(width: int, height: int) -> None:
    picture = scene(width, height)
    jpeg = converted("VP8", encoded("VP8", picture))
    assert (jpeg.width, jpeg.height) == (width, height)
    assert psnr_db(opened(jpeg.data), picture) >= LIKE_DB


@pytest.mark.parametrize(("width", "height"), TINY_SIZES)
def test_pictures_may_be_tiny(width: int, height: int) -> None:
    jpeg = converted("VP8", encoded("VP8", scene(width, height)))
    assert opened(jpeg.data).shape == (height, width, 3)


@pytest.mark.parametrize("codec", CODECS)
def test_a_better_quality_costs_more_bytes(codec: str) -> None:
    data = encoded(codec, scene(640, 480))
    assert len(converted(codec, data, quality=95).data) > len(converted(codec, data).data)


@pytest.mark.parametrize(
    ("source", "long_side", "scaled"),
    [
        ((1280, 720), 768, (768, 432)),
        ((720, 1280), 768, (432, 768)),
        ((640, 480), 768, (640, 480)),
        ((641, 481), 768, (641, 481)),
        ((768, 768), 768, (768, 768)),
        ((1920, 1080), 512, (512, 288)),
        ((4000, 2), 768, (768, 1)),
        ((2, 4000), 768, (1, 768)),
        ((1, 1), 768, (1, 1)),
    ],
)
def test_sizes_keep_their_proportions(
    source: tuple[int, int], long_side: int, scaled: tuple[int, int]
) -> None:
    assert scaled_size(*source, long_side) == scaled


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(16, 2000))
def test_nothing_is_enlarged_and_nothing_distorted(width: int, height: int, side: int) -> None:
    scaled = scaled_size(width, height, side)
    assert 1 <= scaled[0] <= min(width, side)
    assert 1 <= scaled[1] <= min(height, side)
    scale = min(1.0, side / max(width, height))
    assert abs(scaled[0] - width * scale) <= 1
    assert abs(scaled[1] - height * scale) <= 1


COLOURS = [
    ("VP8", None, None),
    ("H264", None, None),
    ("H264", Colorspace.ITU601, LIMITED),
    ("H264", Colorspace.ITU601, FULL),
    ("H264", Colorspace.ITU709, LIMITED),
    ("H264", Colorspace.ITU709, FULL),
]


@pytest.mark.parametrize(("codec", "matrix", "color_range"), COLOURS)
def test_colours_are_right_whatever_the_stream_uses(
    codec: str, matrix: Colorspace | None, color_range: ColorRange | None
) -> None:
    data = encoded(codec, bars(640, 320), matrix=matrix, color_range=color_range)
    assert_bars(converted(codec, data, quality=95))


@pytest.mark.parametrize(("codec", "matrix", "color_range"), COLOURS)
def test_colours_stay_right_when_scaled(
    codec: str, matrix: Colorspace | None, color_range: ColorRange | None
) -> None:
    data = encoded(codec, bars(640, 320), matrix=matrix, color_range=color_range)
    assert_bars(converted(codec, data, quality=95, long_side=320))


def assert_bars(jpeg: Jpeg) -> None:
    seen = opened(jpeg.data)
    middles = [seen[seen.shape[0] // 2, (2 * n + 1) * seen.shape[1] // 16] for n in range(8)]
    assert np.abs(np.asarray(middles, int) - np.asarray(BARS)).max() <= 6, middles


def test_one_peers_stream_leaves_nothing_behind_for_the_next() -> None:
    """FFmpeg's decoder keeps the colour range of the stream before when the next names none."""
    full = encoded("H264", bars(640, 320), matrix=Colorspace.ITU709, color_range=FULL)
    plain = encoded("H264", bars(640, 320))
    converted("H264", full)
    assert_bars(converted("H264", plain, quality=95))


@pytest.mark.parametrize("codec", CODECS)
def test_the_size_may_change_from_picture_to_picture(codec: str) -> None:
    for width, height in ((320, 240), (1280, 720), (240, 320), (320, 240)):
        picture = scene(width, height)
        jpeg = converted(codec, encoded(codec, picture))
        assert (jpeg.source_width, jpeg.source_height) == (width, height)
        assert psnr_db(opened(jpeg.data), resized(picture, jpeg.width, jpeg.height)) >= LIKE_DB


def test_codecs_may_alternate() -> None:
    for codec in CODECS * 2:
        assert converted(codec, encoded(codec, scene(64, 48))).source_width == 64


@pytest.mark.parametrize("codec", CODECS)
def test_a_picture_that_needs_others_is_refused(codec: str) -> None:
    """Even right after those that it needs: they may have been another peer's."""
    key, *others = stream(codec, [np.roll(scene(160, 120), step, axis=1) for step in range(3)])
    converted(codec, key)
    for other in others:
        with pytest.raises(CodecError):
            converted(codec, other)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\0\1", bytes(1000), b"not a picture" * 100])
def test_garbage_is_refused(codec: str, data: bytes) -> None:
    with pytest.raises(CodecError):
        converted(codec, data)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_h264_picture_is_refused(share: float) -> None:
    data = encoded("H264", scene(640, 480))
    with pytest.raises(CodecError):
        converted("H264", data[: int(len(data) * share)])


@pytest.mark.parametrize("size", [3, 9, 10, 30])
def test_a_vp8_picture_without_its_first_partition_is_refused(size: int) -> None:
    with pytest.raises(CodecError):
        converted("VP8", encoded("VP8", scene(640, 480))[:size])


@pytest.mark.parametrize(("width", "height"), [(16383, 16383), (4096, 2305), (16383, 600)])
def test_a_giant_is_refused_before_it_takes_memory(width: int, height: int) -> None:
    assert width * height > MAX_PIXELS
    before = peak_memory_kib()
    data = bytearray(encoded("VP8", scene(64, 48)))
    data[6:10] = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    with pytest.raises(CodecError):
        converted("VP8", bytes(data))
    assert peak_memory_kib() - before < 8 * 1024


def peak_memory_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


@settings(max_examples=60)
@given(
    st.sampled_from(CODECS),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_any_damage_is_decoded_or_refused(codec: str, damage: list[tuple[int, int]]) -> None:
    data = bytearray(encoded(codec, scene(64, 48)))
    for place, value in damage:
        data[place % len(data)] = value
    try:
        jpeg = converted(codec, bytes(data))
    except CodecError:
        return
    assert opened(jpeg.data).shape == (jpeg.height, jpeg.width, 3)


def test_no_threads_are_left() -> None:
    data = {codec: encoded(codec, scene(640, 480)) for codec in CODECS}
    with ThreadPoolExecutor(2) as executor:
        meeting = threading.Barrier(2)
        list(executor.map(lambda _: meeting.wait(), range(2)))  # both workers are there
        before = native_threads()
        list(executor.map(lambda codec: converted(codec, data[codec]), CODECS * 8))
        assert native_threads() == before


def native_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def rgb(frame: av.VideoFrame) -> Rgb:
    return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


@pytest.mark.parametrize("codec", CODECS)
def test_a_decoder_gives_each_picture_at_once(codec: str) -> None:
    decoder = PictureDecoder(codec)
    shown = [np.roll(scene(320, 240), 8 * number, axis=1) for number in range(5)]
    for picture, part in zip(shown, stream(codec, shown), strict=True):
        frame = decoder.last_of_untrusted([part])
        assert psnr_db(rgb(frame), picture) > 30


def test_the_size_of_coded_pictures_is_that_of_all() -> None:
    assert CodedPictures("VP8", (b"key", b"more")).size == 7


@pytest.mark.parametrize("codec", CODECS)
def test_of_several_pictures_the_last_is_seen(codec: str) -> None:
    shown = [np.roll(scene(320, 240), 8 * number, axis=1) for number in range(5)]
    frame = frame_of(CodedPictures(codec, tuple(stream(codec, shown))))
    assert psnr_db(rgb(frame), shown[-1]) > 30


def test_pictures_look_the_same_until_something_can_be_seen() -> None:
    picture = scene(320, 240)
    noisy = (picture.astype(int) + np.random.default_rng(1).integers(-3, 4, picture.shape)).clip(
        0, 255
    )
    changed = picture.copy()
    changed[100:108, 100:108] = 255 - changed[100:108, 100:108]
    one, same, other = (
        av.VideoFrame.from_ndarray(np.asarray(p, np.uint8), format="rgb24").reformat(
            format="yuv420p"
        )
        for p in (picture, noisy, changed)
    )
    smaller = one.reformat(160, 120)
    assert looks_the_same(one, one) and looks_the_same(one, same)
    assert not looks_the_same(one, other) and not looks_the_same(one, smaller)
