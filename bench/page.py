"""docs/benchmarks.md from what was measured. Pure but for `write_page`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import machine
from bench.chart import Chart, Series, svg
from bench.table import Measured, Row, as_markdown, rows

CHART: Final = "cpu-by-peers.svg"
DETAILS: Final = (
    ("peers", "peers"),
    ("cpu %", "CPU for each, %"),
    ("server %", "service, %"),
    ("load %", "peers and endpoint, %"),
    ("sent kbit/s", "sent for each, kbit/s"),
    ("spoken to %", "spoken to, %"),
    ("speech ms p50", "speech p50, ms"),
    ("speech ms p95", "speech p95, ms"),
    ("chunk ms p95", "chunks p95, ms"),
    ("answer ms p95", "answer p95, ms"),
    ("missing %", "missing, %"),
    ("pictures/s", "JPEG/s"),
    ("picture kB", "kB"),
    ("psnr dB p50", "PSNR p50, dB"),
    ("threads", "threads"),
)

METHOD: Final = """\
- The service has one core to itself; the synthetic peers and the Live endpoint share another. The
  rival is a stock pipecat bot: SmallWebRTCTransport capturing at 1 fps, GeminiLiveLLMService, its
  context aggregators, metrics on; all of its bots in one process, on asyncio's own loop: its
  runner takes uvloop only where that is installed, and its extras install none.
- Within each run Easel and stock alternate, with the same peers and the same endpoint, and each
  measurement has new processes. Figures are the median of the runs; a run's percentile is the
  nearest rank. The charts' points with other than four peers, Chromium and growth are of one run.
  Growth is measured over 300 visits, 12 at once, after 60 to fill pools; stock has 60, 4 at once,
  after 12: more would take it hours and gigabytes.
- A peer is a real WebRTC connection (ICE, DTLS, SRTP, RTCP, data channel) that sends ready
  packets: Opus at 32 kbit/s with FEC, VP8 by libvpx as browsers set it, about 1150 bytes of a
  picture in a packet. It answers a PLI with a key picture and a NACK with RTX. It begins to send a
  second after it has connected: what stock misses while it switches its receivers on, its jitter
  buffer would wait for, up to 200 ms, for the rest of the call.
- The endpoint has no ears. In each session it speaks for 3 seconds of every 9, in chunks of 200 ms
  at four times the speed of speech; windows are whole multiples of 9 seconds, after 8 seconds of
  rest. In the row of `interrupted` each answer is cut after 2 seconds.
- CPU is user and system time of the service's process. Delays compare one monotonic clock: each
  burst of speech has its own pitch, so that its beginning is matched to its own first packet; of
  every later chunk the age of its oldest sound counts.
- Each source picture carries its number; a JPEG is compared with the picture of that number. The
  clip's key pictures were encoded three seconds apart, so they are somewhat better than those of
  an encoder that is asked every second: Chromium's, below, are that, and a test holds 32 dB there.
- A measurement is doubted, and said to be, when the peers' core was more than 85 % full, when they
  sent more than 10 ms late, or when other programs used more than 10 % of the service's core."""


@dataclass(frozen=True, slots=True)
class Run:
    """What the page shows. `costs` and `chromium` are sections that are ready, or empty."""

    measured: Measured
    peers: dict[str, int]  # by the name of the load
    runs: int
    quick: bool
    costs: str
    chromium: str
    facts: Sequence[tuple[str, str]]
    doubted: Sequence[str] = ()


def write_page(run: Run, folder: Path) -> Path:
    chart = cpu_chart(run)
    if chart is not None:
        (folder / "images").mkdir(parents=True, exist_ok=True)
        (folder / "images" / CHART).write_text(chart)
    page = folder / "benchmarks.md"
    page.write_text(page_text(run))
    return page


def points(run: Run, kind: str) -> list[tuple[float, float]]:
    """Peers with cameras and the processor time of the whole service, in % of a core."""
    found = {
        run.peers[load]: figures["server %"]
        for (load, of), figures in run.measured.items()
        if of == kind and (load == "vga" or load.startswith("scale-")) and "server %" in figures
    }
    return [(float(peers), found[peers]) for peers in sorted(found)]


def cpu_chart(run: Run) -> str | None:
    """None when there are too few points for a line."""
    series = [
        Series(name, points(run, kind), dots=True)
        for name, kind in (("Easel", "easel"), ("stock pipecat bot", "stock"))
    ]
    if min(len(each.points) for each in series) < 3:
        return None
    title = "Processor time against peers with cameras (640×480, 30 fps) and speech"
    return svg(Chart(title, "peers", "% of a core", series, y_top=100.0))


def page_text(run: Run) -> str:
    quick = "make bench-quick` (the main rows only; `make bench` measures all)"
    command = quick if run.quick else "make bench`"
    chart = "" if cpu_chart(run) is None else f"\n![CPU against peers](images/{CHART})\n"
    parts = [
        "# Benchmarks",
        f"Written by `{command}, from {run.runs} run{'s' if run.runs > 1 else ''} of each"
        " row. Absolute figures are those of the machine below; the ratios carry over.",
        as_markdown(rows(run.measured)),
        _doubted(run),
        chart.strip(),
        run.chromium,
        "## Method",
        METHOD,
        "## All measurements",
        _details(run),
        run.costs,
        "## Machine",
        machine.table(run.facts),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def missed(run: Run) -> list[Row]:
    return [row for row in rows(run.measured) if row.reached is False]


def _doubted(run: Run) -> str:
    if not run.doubted:
        return ""
    return "\n".join(["**Doubtful measurements:**", "", *(f"- {line}" for line in run.doubted)])


def _details(run: Run) -> str:
    lines = [
        "| load | of | " + " | ".join(title for _, title in DETAILS) + " |",
        "|---" * (len(DETAILS) + 2) + "|",
    ]
    for (load, kind), figures in run.measured.items():
        if load not in run.peers:
            continue
        full = {**figures, "peers": float(run.peers[load])}
        cells = [f"{full[name]:.4g}" if name in full else "–" for name, _ in DETAILS]
        lines.append(f"| {load} | {kind} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
