"""What somebody points at while they speak, for a while."""

from processors.images.marks import CAMERA, FRESH_S, Mark, Marks
from processors.images.region import region_untrusted

REGION = region_untrusted({"box": {"x": 0.1, "y": 0.1, "width": 0.2, "height": 0.2}})


def test_the_last_one_counts_for_a_while() -> None:
    marks = Marks()
    assert marks.fresh(0.0) is None
    marks.put(Mark(REGION, "a", "ada", 1.0))
    second = Mark(REGION, CAMERA, "ben", 2.0)
    marks.put(second)
    assert marks.fresh(2.0 + FRESH_S) is second
    assert marks.fresh(2.1 + FRESH_S) is None
    assert marks.clear()
    assert not marks.clear()
