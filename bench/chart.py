"""Line charts as SVG: on a background of their own, so that they read on light and dark pages.

Pure: numbers in, text out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 760
HEIGHT: Final = 380
LEFT: Final = 64
RIGHT: Final = 24
TOP: Final = 84
BOTTOM: Final = 56
STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)  # of a decade, between two ticks
LEGEND_GAP: Final = 34
CHARACTER: Final = 6.8  # px, of the legend's letters

STYLE: Final = """
.page{fill:#ffffff;stroke:#d0d7de}.title{fill:#1f2328;font-weight:600;font-size:15px}
.text{fill:#59636e;font-size:12px}.grid{stroke:#d8dee4}.axis{stroke:#818b98}
.a{--c:#0550ae}.b{--c:#bc4c00}.c{--c:#1a7f37}.d{--c:#8250df}
.line{stroke:var(--c);stroke-width:2;fill:none;stroke-linejoin:round}.dot{fill:var(--c)}
@media (prefers-color-scheme:dark){
.page{fill:#0d1117;stroke:#3d444d}.title{fill:#f0f6fc}.text{fill:#9198a1}
.grid{stroke:#262c36}.axis{stroke:#656c76}
.a{--c:#79c0ff}.b{--c:#ffa657}.c{--c:#56d364}.d{--c:#d2a8ff}}
""".replace("\n", "")


@dataclass(frozen=True, slots=True)
class Series:
    """`dots` marks each point: for points that were measured one by one."""

    name: str
    points: Sequence[tuple[float, float]]
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Both axes begin at 0; at most four series. `y_top`: the axis ends there or higher.

    The horizontal axis ends with the last point.
    """

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    y_top: float = 0.0


def ticks(top: float, wanted: int = 5) -> list[float]:
    """Round numbers from 0 to the first that is not below `top`, about `wanted` steps."""
    if top <= 0:
        return [0.0, 1.0]
    rough = top / wanted
    decade = 10.0 ** math.floor(math.log10(rough))
    step = next(s * decade for s in STEPS if s * decade >= rough * (1 - 1e-9))
    count = math.ceil(top / step - 1e-9)
    return [round(n * step, 9) for n in range(count + 1)]


def svg(chart: Chart) -> str:
    points = [point for series in chart.series for point in series.points]
    x_top = max([x for x, _ in points] + [0.0]) or 1.0
    x_ticks = [tick for tick in ticks(x_top, 6) if tick <= x_top]
    y_ticks = ticks(max([y for _, y in points] + [chart.y_top]))
    scale = _Scale(x_top, y_ticks[-1])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"'
        f' height="{HEIGHT}" role="img" font-family="system-ui,sans-serif">',
        f"<title>{escape(chart.title)}</title><style>{STYLE}</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="6"/>',
        f'<text class="title" x="{LEFT}" y="30">{escape(chart.title)}</text>',
        *_legend(chart.series),
        *_axes(chart, scale, x_ticks, y_ticks),
        *(_drawn(series, name, scale) for series, name in zip(chart.series, "abcd", strict=False)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


@dataclass(frozen=True, slots=True)
class _Scale:
    x_top: float
    y_top: float

    def x(self, value: float) -> float:
        return round(LEFT + value / self.x_top * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        return round(HEIGHT - BOTTOM - value / self.y_top * (HEIGHT - TOP - BOTTOM), 1)


def _legend(series: Sequence[Series]) -> list[str]:
    parts, x = [], float(LEFT)
    for each, name in zip(series, "abcd", strict=False):
        parts.append(f'<path class="line {name}" d="M{x:.0f} 52h22"/>')
        parts.append(f'<text class="text" x="{x + 28:.0f}" y="56">{escape(each.name)}</text>')
        x += 28 + CHARACTER * len(each.name) + LEGEND_GAP
    return parts


def _axes(
    chart: Chart, scale: _Scale, x_ticks: Sequence[float], y_ticks: Sequence[float]
) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = []
    for value in y_ticks:
        y = scale.y(value)
        line = "grid" if value else "axis"
        parts.append(f'<path class="{line}" d="M{LEFT} {y}H{right}"/>')
        parts.append(
            f'<text class="text" x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{value:g}</text>'
        )
    for value in x_ticks:
        x = scale.x(value)
        parts.append(f'<path class="axis" d="M{x} {bottom}v5"/>')
        parts.append(
            f'<text class="text" x="{x}" y="{bottom + 19}" text-anchor="middle">{value:g}</text>'
        )
    middle = (LEFT + right) / 2
    parts.append(
        f'<text class="text" x="{middle}" y="{HEIGHT - 14}" text-anchor="middle">'
        f"{escape(chart.x_label)}</text>"
    )
    parts.append(f'<text class="text" x="14" y="{TOP - 12}">{escape(chart.y_label)}</text>')
    return parts


def _drawn(series: Series, name: str, scale: _Scale) -> str:
    places = [(scale.x(x), scale.y(y)) for x, y in series.points]
    line = "L".join(f"{x} {y}" for x, y in places)
    parts = [f'<path class="line {name}" d="M{line}"/>'] if places else []
    if series.dots:
        parts += [f'<circle class="dot {name}" cx="{x}" cy="{y}" r="4"/>' for x, y in places]
    return "".join(parts)
