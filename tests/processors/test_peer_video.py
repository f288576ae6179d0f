"""One peer's stream, looked at picture by picture."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from processors.errors import CodecError
from processors.peer_video import REPEAT_S, Look, PeerVideo
from processors.pictures import CodedPictures
from tests.processors.encoded_pictures import Rgb, bars, opened, psnr_db, scene, stream

CODECS = ["VP8", "H264"]


def coded(codec: str, *parts: bytes, alone: bool = False, followed: bool = True) -> CodedPictures:
    return CodedPictures(codec, parts, alone, followed)


def look(video: PeerVideo, pictures: CodedPictures, now: float = 0.0) -> Look:
    return video.look(pictures, now, long_side=768, quality=80)


def turned(count: int) -> list[Rgb]:
    picture = scene(320, 240)
    return [np.roll(picture, 4 * number, axis=1) for number in range(count)]


@pytest.mark.parametrize("codec", CODECS)
def test_the_last_of_each_run_is_seen(codec: str) -> None:
    shown = turned(7)
    parts = stream(codec, shown)
    video = PeerVideo()
    for first, last in ((0, 1), (1, 2), (2, 5), (5, 7)):
        seen = look(video, coded(codec, *parts[first:last], alone=first == 0), float(first))
        assert seen.jpeg is not None
        assert psnr_db(opened(seen.jpeg.data), shown[last - 1]) > 30


@pytest.mark.parametrize("codec", CODECS)
def test_a_run_that_is_not_followed_leaves_nothing(codec: str) -> None:
    parts = stream(codec, turned(3))
    video = PeerVideo()
    look(video, coded(codec, *parts[:2], alone=True, followed=False))
    with pytest.raises(CodecError):
        look(video, coded(codec, parts[2]))


@pytest.mark.parametrize("codec", CODECS)
def test_a_key_picture_begins_again_in_any_size(codec: str) -> None:
    video = PeerVideo()
    for width, height in ((320, 240), (640, 360), (160, 120)):
        parts = stream(codec, [scene(width, height)] * 2)
        look(video, coded(codec, parts[0], alone=True))
        seen = look(video, coded(codec, parts[1]))
        assert seen.full is not None
        assert (seen.full.width, seen.full.height) == (width, height)


def text_screen(text: str) -> Rgb:
    image = Image.new("RGB", (640, 480), "white")
    ImageDraw.Draw(image).text((40, 200), text, fill="black", font_size=24)
    return np.asarray(image)


def screens(*pictures: Rgb) -> list[Look]:
    video = PeerVideo()
    parts = stream("VP8", list(pictures))
    return [
        look(video, coded("VP8", part, alone=number == 0), float(number))
        for number, part in enumerate(parts)
    ]


def test_a_still_screen_is_seen_once() -> None:
    seen = screens(*[text_screen("same")] * 6)
    assert seen[0].jpeg is not None
    assert [one.jpeg for one in seen[2:]] == [None] * 4  # the second may be sharper


def test_one_letter_more_is_a_change() -> None:
    seen = screens(*[text_screen("letter")] * 4, text_screen("letters"), text_screen("letters"))
    assert seen[3].jpeg is None
    assert seen[4].jpeg is not None


def test_a_still_screen_is_seen_again_after_a_while() -> None:
    parts = stream("VP8", [bars(320, 240)] * 4)
    video = PeerVideo()
    look(video, coded("VP8", parts[0], alone=True), 0.0)
    assert look(video, coded("VP8", parts[1]), REPEAT_S - 0.1).jpeg is None
    assert look(video, coded("VP8", parts[2]), REPEAT_S).jpeg is not None
    assert look(video, coded("VP8", parts[3]), REPEAT_S + 0.1).jpeg is None


def test_a_key_picture_of_a_still_screen_counts_as_one() -> None:
    """Large as it is, it is shown."""
    video = PeerVideo()
    key = stream("VP8", [scene(320, 240)])[0]
    for _ in range(2):
        assert look(video, coded("VP8", key, alone=True)).jpeg is not None
