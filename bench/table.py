"""The table of targets: what was to be reached, what was, and what stock needs. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

Figures = Mapping[str, float]
Measured = Mapping[tuple[str, str], Figures]  # by load and kind

FULL_LOAD_PERCENT: Final = 85.0
LATE_MS: Final = 10.0
OTHERS_PERCENT: Final = 10.0


@dataclass(frozen=True, slots=True)
class Row:
    """One line, in words. `reached` None: there is no target, or nothing to hold against it."""

    name: str
    stock: str
    easel: str
    against: str
    target: str
    reached: bool | None


@dataclass(frozen=True, slots=True)
class _Source:
    """The figures of one row's measurements; a figure that was not measured is None."""

    measured: Measured
    load: str

    def easel(self, name: str) -> float | None:
        return self.measured.get((self.load, "easel"), {}).get(name)

    def stock(self, name: str) -> float | None:
        return self.measured.get((self.load, "stock"), {}).get(name)


def rows(measured: Measured) -> list[Row]:
    """Those for which Easel was measured."""
    makers: Sequence[Callable[[Measured], Row | None]] = (
        lambda all_: _cpu(all_, "vga", "640×480, 30 fps, 1 Mbit/s, and speech", 5, 6),
        lambda all_: _cpu(all_, "hd", "1280×720, 30 fps, 2 Mbit/s, and speech", 8, 10),
        lambda all_: _cpu(all_, "page", "our page's camera, 2 fps, and speech", 7, 9),
        lambda all_: _cpu(all_, "audio", "speech only", 5, 6),
        _speech,
        _all_speech,
        _lossy_speech,
        _missing,
        _answer,
        _cut,
        _pictures,
        _gap,
        _quality,
        _added,
        _growth,
        _listener,
        _lag,
    )
    return [row for make in makers if (row := make(measured)) is not None]


def _cpu(measured: Measured, load: str, words: str, target: int, stretch: int) -> Row | None:
    easel = _Source(measured, load).easel("cpu %")
    if easel is None:
        return None
    rival = "vga" if load == "page" else load  # stock has no page of its own
    stock = _Source(measured, rival).stock("cpu %")
    ratio = stock / easel if stock is not None and easel else None
    return Row(
        f"CPU for each peer: {words}",
        "–" if stock is None else f"{stock:.1f} %" + (" (first row)" if rival != load else ""),
        f"{easel:.2f} %",
        "–" if ratio is None else f"1/{ratio:.1f}",
        f"1/{target} (stretch 1/{stretch})",
        None if ratio is None else ratio >= target,
    )


def _bounded(
    name: str,
    stock: float | None,
    easel: float | None,
    unit: str,
    limit: float,
    digits: int = 1,
    stretch: str = "",
) -> Row | None:
    """A figure that must stay below a limit."""
    if easel is None:
        return None
    space = "" if unit in ("", "%") else " "
    shown = [f"{v:.{digits}f}{space}{unit}" if v is not None else "–" for v in (stock, easel)]
    against = f"1/{stock / easel:.1f}" if stock is not None and stock > 0 and easel > 0 else "–"
    target = f"{limit:g}{space}{unit}{stretch}"
    return Row(name, shown[0], shown[1], against, target, easel <= limit)


def _speech(measured: Measured) -> Row | None:
    source, name = _Source(measured, "audio"), "speech ms p95"
    words = "speech, peer sends to endpoint receives: first chunk of an utterance, p95"
    return _bounded(words, source.stock(name), source.easel(name), "ms", 30, 0, " (stretch 25 ms)")


def _all_speech(measured: Measured) -> Row | None:
    """The worse of the two: first chunks, and all chunks by their oldest sound."""
    source = _Source(measured, "audio")
    stock, easel = _slowest(source.stock), _slowest(source.easel)
    words = "the same, p95 of the first chunks or of all, whichever is later"
    return _bounded(words, stock, easel, "ms", 30, 0, " (stretch 25 ms)")


def _slowest(find: Callable[[str], float | None]) -> float | None:
    found = [find(name) for name in ("speech ms p95", "chunk ms p95")]
    return max((value for value in found if value is not None), default=None)


def _lossy_speech(measured: Measured) -> Row | None:
    source = _Source(measured, "loss")
    clean = _slowest(_Source(measured, "audio").easel)
    limit = 60 + (clean if clean is not None else 30)
    words = "speech with 2 % random loss, likewise"
    stock, easel = _slowest(source.stock), _slowest(source.easel)
    return _bounded(words, stock, easel, "ms", round(limit), 0)


def _missing(measured: Measured) -> Row | None:
    source, name = _Source(measured, "loss"), "missing %"
    words = "the same: length of sound that never reached the endpoint"
    values = [None if v is None else max(0.0, v) for v in (source.stock(name), source.easel(name))]
    return _bounded(words, values[0], values[1], "%", 0.5)


def _answer(measured: Measured) -> Row | None:
    load = "vga" if ("vga", "easel") in measured else "audio"  # where more else is going on
    source, name = _Source(measured, load), "answer ms p95"
    words = f"answer, endpoint sends to first packet at the peer, p95 (load {load})"
    return _bounded(words, source.stock(name), source.easel(name), "ms", 10, 1, " (stretch 5 ms)")


def _cut(measured: Measured) -> Row | None:
    source = _Source(measured, "interrupt")
    easel = [source.easel(f"cut ms p{n}") for n in (50, 95)]
    stock = [source.stock(f"cut ms p{n}") for n in (50, 95)]
    if easel[0] is None or easel[1] is None:
        return None
    shown = "–" if stock[0] is None else f"{stock[0]:.0f} / {stock[1]:.0f} ms"
    words = "`interrupted` to the last audible packet, p50 / p95"
    reached = easel[0] <= 20 and easel[1] <= 40
    return Row(words, shown, f"{easel[0]:.0f} / {easel[1]:.0f} ms", "–", "20 / 40 ms", reached)


def _pictures(measured: Measured) -> Row | None:
    source, name = _Source(measured, "vga"), "pictures/s"
    easel, stock = source.easel(name), source.stock(name)
    if easel is None:
        return None
    shown = "–" if stock is None else f"{stock:.2f}"
    reached = 0.97 <= round(easel, 2) <= 1.0
    return Row("JPEGs a second, 30 fps camera", shown, f"{easel:.2f}", "–", "0.97 to 1.00", reached)


def _gap(measured: Measured) -> Row | None:
    source, name = _Source(measured, "vga"), "gap s p99"
    return _bounded(
        "time between two JPEGs, p99", source.stock(name), source.easel(name), "s", 1.4, 2
    )


def _quality(measured: Measured) -> Row | None:
    source, name = _Source(measured, "vga"), "psnr dB least"
    easel, stock = source.easel(name), source.stock(name)
    if easel is None:
        return None
    shown = "–" if stock is None else f"{stock:.1f} dB"
    words = "least likeness (PSNR, luma) of a JPEG to its source, 1 Mbit/s"
    return Row(words, shown, f"{easel:.1f} dB", "–", "at least 32 dB", easel >= 32)


def _added(measured: Measured) -> Row | None:
    source, name = _Source(measured, "scale"), "MB per peer"
    words = "memory for each further peer with a camera"
    return _bounded(words, source.stock(name), source.easel(name), "MB", 3)


def _growth(measured: Measured) -> Row | None:
    source, name = _Source(measured, "growth"), "MB per visit"
    easel = source.easel(name)
    left = [source.easel(each) or 0.0 for each in ("threads", "descriptors", "tasks")]
    words = (
        f"memory kept of each peer that came and went, over {source.easel('visits') or 0:.0f}"
        f", stock over {source.stock('visits') or 0:.0f} (threads, sockets, tasks more than before:"
        f" {', '.join(f'{n:.0f}' for n in left)})"
    )
    row = _bounded(words, source.stock(name), easel, "MB", 0.05, 3)
    if row is None or max(left) <= 0:
        return row
    return Row(row.name, row.stock, row.easel, row.against, row.target, False)


def _listener(measured: Measured) -> Row | None:
    few, many = (_Source(measured, f"listeners-{n}").easel("server %") for n in (2, 12))
    if few is None or many is None:
        return None
    words = "CPU for each further listener in a room, no camera"
    return _bounded(words, None, (many - few) / 10, "%", 0.3, 2, " (stretch 0.2 %)")


def _lag(measured: Measured) -> Row | None:
    lag = _Source(measured, "lag").easel("lag ms")
    return _bounded("lag of the event loop, p99, 20 peers with cameras", None, lag, "ms", 20)


def doubts(load: str, kind: str, figures: Figures) -> list[str]:
    """Why one measurement is not to be trusted."""
    found = []
    if figures.get("load core %", 0.0) > FULL_LOAD_PERCENT:
        found.append(f"the peers' core was {figures['load core %']:.0f} % full")
    if figures.get("late ms", 0.0) > LATE_MS:
        found.append(f"the peers sent {figures['late ms']:.0f} ms late (p99)")
    if figures.get("others on server core %", 0.0) > OTHERS_PERCENT:
        found.append(
            f"other programs used {figures['others on server core %']:.0f} % of the service's core"
        )
    return [f"{load}, {kind}: {', '.join(found)}"] if found else []


def as_markdown(shown: Sequence[Row]) -> str:
    lines = [
        "| figure | stock | Easel | Easel / stock | target | reached |",
        "|---|---|---|---|---|---|",
    ]
    words = {True: "yes", False: "**no**", None: "–"}
    lines += [
        f"| {r.name} | {r.stock} | {r.easel} | {r.against} | {r.target} | {words[r.reached]} |"
        for r in shown
    ]
    return "\n".join(lines)
