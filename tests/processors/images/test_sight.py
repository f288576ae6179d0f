"""What the Live model is shown."""

import io

import numpy as np
from PIL import Image

from processors.images.region import region_untrusted
from processors.images.sight import LONG_SIDE, sight
from tests.processors.images.test_compositing import noise


def test_it_is_a_jpeg_no_larger_than_a_camera_picture() -> None:
    seen = sight(noise(1600, 1200, 1, "RGBA"))
    assert (seen.mime_type, seen.width, seen.height) == ("image/jpeg", LONG_SIDE, 576)
    assert Image.open(io.BytesIO(seen.data)).mode == "RGB"
    assert sight(noise(60, 40, 1)).width == 60


def test_what_somebody_points_at_is_marked() -> None:
    region = region_untrusted({"box": {"x": 0.2, "y": 0.2, "width": 0.5, "height": 0.5}})
    plain, marked = sight(noise(400, 300, 1)), sight(noise(400, 300, 1), region)
    one, other = (np.asarray(Image.open(io.BytesIO(each.data))) for each in (plain, marked))
    assert not np.array_equal(one, other)
