from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from emulator.prompts import Region, Side
from emulator.regions import find, grow, half, label_patches, to_lab
from tests.emulator.painted import Mask, decoded, encoded, plain, room


def overlap(found: Mask, wanted: Mask) -> float:
    """Intersection over union."""
    return float((found & wanted).sum() / (found | wanted).sum())


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (1376, 768), (120, 90)])
def test_the_wall_and_the_floor(size: tuple[int, int]) -> None:
    painted = room(*size)
    assert overlap(find(painted.picture, Region.WALL, Side.WHOLE), painted.wall) > 0.985
    assert overlap(find(painted.picture, Region.FLOOR, Side.WHOLE), painted.floor) > 0.985


def test_through_jpeg_with_noise_and_uneven_light() -> None:
    painted = room(noise=9.0, light=40.0)
    seen = decoded(encoded(painted.picture, "JPEG", quality=60))
    assert overlap(find(seen, Region.WALL, Side.WHOLE), painted.wall) > 0.97


def test_a_half() -> None:
    painted = room()
    left = find(painted.picture, Region.WALL, Side.LEFT)
    assert not left[:, 320:].any()
    assert overlap(left, painted.wall & half(640, Side.LEFT)[None, :]) > 0.985


def test_the_ceiling_is_not_the_wall() -> None:
    painted = room()
    picture = painted.picture.copy()
    picture.paste((250, 250, 250), (0, 0, 640, 50))
    ceiling = np.zeros_like(painted.wall)
    ceiling[:50] = True
    assert overlap(find(picture, Region.CEILING, Side.WHOLE), ceiling) > 0.97
    assert overlap(find(picture, Region.WALL, Side.WHOLE), painted.wall & ~ceiling) > 0.97


def test_the_sky_and_the_background() -> None:
    picture = plain((120, 170, 230), (320, 240))
    picture.paste((60, 120, 50), (0, 150, 320, 240))
    sky = np.zeros((240, 320), np.bool_)
    sky[:150] = True
    assert overlap(find(picture, Region.SKY, Side.WHOLE), sky) > 0.98
    portrait = plain((200, 200, 200), (320, 240))
    portrait.paste((180, 60, 60), (100, 60, 220, 200))
    background = np.ones((240, 320), np.bool_)
    background[60:200, 100:220] = False
    assert overlap(find(portrait, Region.BACKGROUND, Side.WHOLE), background) > 0.98


def test_the_whole_picture() -> None:
    assert find(plain((1, 2, 3)), Region.PICTURE, Side.WHOLE).all()
    assert find(plain((1, 2, 3)), Region.PICTURE, Side.RIGHT).sum() == 32 * 48


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (300, 2)])
def test_tiny_pictures(size: tuple[int, int]) -> None:
    assert find(plain((90, 90, 90), size), Region.WALL, Side.WHOLE).all()


def test_pictures_of_noise_do_not_break_it() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    mask = find(Image.fromarray(noise), Region.WALL, Side.WHOLE)
    assert mask.shape == (90, 120)


def test_patches_are_connected() -> None:
    groups = np.array([[0, 0, 1], [1, 0, 1], [1, 1, 0], [0, 1, 0]])
    labels = label_patches(groups)
    assert labels[0, 0] == labels[1, 1]
    assert labels[1, 0] == labels[2, 1] == labels[3, 1]
    assert labels[0, 2] == labels[1, 2] != labels[1, 0]
    assert len({int(labels[3, 0]), int(labels[2, 2]), int(labels[0, 0])}) == 3
    assert sorted(set(labels.ravel().tolist())) == list(range(5))


def test_growing() -> None:
    dot = np.zeros((5, 5), np.bool_)
    dot[2, 2] = True
    assert grow(dot, 0).sum() == 1
    assert grow(dot, 1).sum() == 5
    assert grow(dot, 2).sum() == 13


def test_lab_of_known_colours() -> None:
    lab = to_lab(np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0]], np.uint8))
    assert np.allclose(lab[0], (100, 0, 0), atol=0.5)
    assert np.allclose(lab[1], (0, 0, 0), atol=0.5)
    assert np.allclose(lab[2], (53.2, 80.1, 67.2), atol=0.7)
