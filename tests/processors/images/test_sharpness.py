"""Which camera picture a wish is made of."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from processors.errors import ToolError
from processors.images.camera_reel import CameraPicture, CameraReel
from processors.images.sharpness import MAX_COMPARED, candidates, sharpest, sharpness
from processors.images.utterances import Window
from processors.pictures import CodedPictures, Jpeg
from tests.processors.encoded_pictures import encoded, scene

WIDTH, HEIGHT = 640, 480


def jpeg(blur: float, at: float = 0.0, peer_id: str = "ada") -> CameraPicture:
    noise = np.random.default_rng(1).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((WIDTH, HEIGHT), Image.Resampling.NEAREST)
    out = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(blur)).save(out, "JPEG", quality=90)
    return CameraPicture(Jpeg(out.getvalue(), WIDTH, HEIGHT, WIDTH, HEIGHT), at, peer_id)


def test_the_sharpest_is_found_wherever_it_is() -> None:
    pictures = [jpeg(blur) for blur in (3.0, 1.0, 0.0, 2.0)]
    assert sharpest(pictures) is pictures[2]
    assert sharpest(pictures[:1]) is pictures[0]


@pytest.mark.parametrize("turned", [False, True])
def test_a_small_picture_is_not_sharper_than_a_large_one(turned: bool) -> None:
    """As a call begins: the sender's pictures grow with what its way carries."""
    noise = np.random.default_rng(1).integers(0, 255, (90, 160), dtype=np.uint8)
    large = Image.fromarray(noise).resize((1280, 720), Image.Resampling.NEAREST)
    found = []
    for width in (160, 320, 640, 960, 1280):
        small = large.resize((width, width * 9 // 16), Image.Resampling.BICUBIC)
        grey = np.asarray(small)
        found.append(sharpness(grey.T if turned else grey))
    assert found[:3] == sorted(found[:3])
    assert 2 * found[0] < found[1]
    assert found[2:] == pytest.approx([found[2]] * 3, rel=0.1)


def test_a_line_of_pixels_has_no_detail() -> None:
    assert sharpness(np.zeros((1, 1280), np.uint8)) == 0.0


def test_no_more_are_compared_than_time_allows() -> None:
    pictures = [jpeg(2.0) for _ in range(MAX_COMPARED * 3)]
    assert sharpest(pictures) is pictures[-1]
    pictures[2] = jpeg(0.0)
    assert sharpest(pictures) is pictures[2]  # the last of each three
    pictures[2] = jpeg(2.0)
    pictures[3] = jpeg(0.0)
    assert sharpest(pictures) is pictures[-1]


def test_of_equal_ones_the_last() -> None:
    pictures = [jpeg(0.0), jpeg(0.0)]
    assert sharpest(pictures) is pictures[1]


def test_coded_pictures_are_compared_too_and_damaged_ones_never_win() -> None:
    data = encoded("VP8", scene(320, 240))
    good = CameraPicture(CodedPictures("VP8", (data,)), 0.0)
    damaged = CameraPicture(CodedPictures("VP8", (b"\x00\x01\x02",)), 1.0)
    broken = CameraPicture(Jpeg(b"no jpeg", 4, 3, 4, 3), 2.0)
    assert sharpest([damaged, good, broken]) is good


def test_noise_is_no_detail() -> None:
    sharp = np.zeros((480, 640), np.uint8)
    sharp[:, 300:] = 200
    sharp[200:210] = 90
    noisy = np.random.default_rng(2).normal(120, 4, (480, 640)).clip(0, 255).astype(np.uint8)
    assert sharpness(sharp) > sharpness(noisy)


def reel_of(*pictures: CameraPicture) -> CameraReel:
    reel = CameraReel(limit_bytes=1 << 24)
    for picture in pictures:
        reel.add(picture)
    return reel


def test_the_askers_own_camera_and_the_time_of_the_wish_count() -> None:
    reel = reel_of(jpeg(0, 1.0, "ben"), jpeg(0, 2.0), jpeg(0, 3.0), jpeg(0, 6.0))
    assert [one.at for one in candidates(reel, Window("ada", 1.5, 3.5), 7.0)] == [2.0, 3.0]
    assert [one.at for one in candidates(reel, Window("ada", 4.0, 5.0), 7.0)] == [3.0]
    assert [one.peer_id for one in candidates(reel, Window("ben", 0.5, 1.5), 7.0)] == ["ben"]
    # Whoever has no camera speaks of what others show.
    assert [one.at for one in candidates(reel, Window("cy", 0.5, 1.5), 7.0)] == [1.0]


def test_what_came_right_after_is_better_than_nothing() -> None:
    reel = reel_of(jpeg(0, 6.0))
    assert [one.at for one in candidates(reel, Window("ada", 4.0, 5.0), 7.0)] == [6.0]
    with pytest.raises(ToolError, match="camera is off"):
        candidates(CameraReel(), Window(None, 0.0, 1.0), 1.0)
