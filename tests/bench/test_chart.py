"""The numbers of a chart end where they belong."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from bench.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Chart, Series, svg, ticks


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        (24, [0, 5, 10, 15, 20, 25]),
        (100, [0, 20, 40, 60, 80, 100]),
        (0.9, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (208.7, [0, 50, 100, 150, 200, 250]),
        (0, [0, 1]),
    ],
)
def test_ticks_are_round_and_reach_the_top(top: float, expected: list[float]) -> None:
    assert ticks(top) == pytest.approx(expected)


def drawn(chart: Chart) -> ElementTree.Element:
    return ElementTree.fromstring(svg(chart))


def places(chart: Chart) -> list[tuple[float, float]]:
    circles = drawn(chart).iter("{http://www.w3.org/2000/svg}circle")
    return [(float(c.attrib["cx"]), float(c.attrib["cy"])) for c in circles]


def test_points_lie_at_their_place_of_the_axes() -> None:
    series = Series("a", [(0, 0.0), (5, 50.0), (10, 100.0)], dots=True)
    left, bottom, right = LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT
    found = places(Chart("t", "x", "y", [series]))
    middle = (left + right) / 2, (TOP + bottom) / 2
    assert found == pytest.approx(np.array([(left, bottom), middle, (right, TOP)]), abs=0.1)


def test_the_vertical_axis_ends_no_lower_than_it_is_told() -> None:
    low = Series("a", [(0, 0.0), (10, 50.0)], dots=True)
    assert places(Chart("t", "x", "y", [low], y_top=100.0))[1][1] == pytest.approx(
        (TOP + HEIGHT - BOTTOM) / 2, abs=0.1
    )


def test_names_are_text_and_not_markup() -> None:
    text = svg(Chart("<b>", "x & y", "%", [Series("a<b", [(0, 1.0)])]))
    ElementTree.fromstring(text)
    assert "&lt;b&gt;" in text and "x &amp; y" in text and "a&lt;b" in text


def test_each_series_has_its_colour_in_light_and_in_dark() -> None:
    four = [Series(name, [(0, 1.0), (1, 2.0)]) for name in ("one", "two", "three", "four")]
    text = svg(Chart("t", "x", "y", four))
    light, dark = text.split("@media (prefers-color-scheme:dark)")
    for name in "abcd":
        assert f".{name}{{--c:" in light and f".{name}{{--c:" in dark.partition("</style>")[0]
        assert len(re.findall(f'class="line {name}"', text)) == 2  # in the legend, and the line


def test_a_chart_without_points_is_still_a_chart() -> None:
    drawn(Chart("t", "x", "y", [Series("a", [])]))
