"""Easel against a stock pipecat bot: the same peers, the same Live endpoint, the same run."""

import argparse
import asyncio
import json
import statistics
from dataclasses import dataclass, field
from typing import Any, Final

from bench.camera_clip import ClipSpec, clip_file
from bench.processes import LOAD_CORE, child, live_endpoint, server

WARM_UP_S: Final = 6.0
WINDOW_S: Final = 20.0
MAX_DELAY_S: Final = 1.0  # between bursts


@dataclass(frozen=True, slots=True)
class Load:
    """What the peers of one measurement send. `clip` None: no camera."""

    name: str
    peers: int
    clip: ClipSpec | None = None
    mode: str = "talk"
    loss: float = 0.0
    one_room: bool = False
    mute: bool = False
    window_s: float = WINDOW_S


@dataclass
class Figures:
    """Of one run. `cpu_percent` of a core and `added_mb` are for each peer."""

    cpu_percent: float
    added_mb: float
    threads: int
    speech_ms: list[float] = field(default_factory=list)
    answer_ms: list[float] = field(default_factory=list)
    silence_ms: list[float] = field(default_factory=list)
    missing_percent: float = 0.0
    pictures_per_s: float = 0.0
    picture_gaps_s: list[float] = field(default_factory=list)
    picture_bytes: float = 0.0


async def measure(kind: str, load: Load) -> Figures:
    async with (
        live_endpoint(load.mode) as endpoint,
        server(kind, endpoint, video=load.clip is not None) as (running, url),
    ):
        before = running.resident_bytes
        arguments = [url, "--peers", str(load.peers), "--loss", str(load.loss)]
        if load.clip is not None:
            arguments += ["--clip", str(clip_file(load.clip)), "--fps", str(load.clip.fps)]
        arguments += [
            f"--{flag.replace('_', '-')}" for flag in ("one_room", "mute") if getattr(load, flag)
        ]
        async with child("bench.synthetic_peer", *arguments, core=LOAD_CORE) as peers:
            await peers.line()
            await asyncio.sleep(WARM_UP_S)
            first = await endpoint.child.report()
            cpu, at = running.cpu_s, asyncio.get_running_loop().time()
            await asyncio.sleep(load.window_s)
            cpu, took = running.cpu_s - cpu, asyncio.get_running_loop().time() - at
            last = await endpoint.child.report()
            figures = Figures(
                cpu_percent=100 * cpu / took / load.peers,
                added_mb=(running.resident_bytes - before) / load.peers / 1e6,
                threads=running.threads,
            )
            saw = await peers.report()
    _times(figures, last, saw)
    _amounts(figures, first, last, took)
    return figures


def _times(figures: Figures, sessions: list[dict[str, Any]], saw: list[dict[str, Any]]) -> None:
    """Sessions and peers are in the same order: peers join one after another."""
    for session, peer in zip(sessions, saw, strict=False):
        figures.speech_ms += delays(peer["bursts"], session["onsets"])
        figures.answer_ms += delays(session["answers"], first_of_bursts(peer["audible"]))
        figures.silence_ms += silences(session["cuts"], peer["audible"])


def delays(causes: list[float], effects: list[float]) -> list[float]:
    """From each effect back to the latest cause before it, in ms."""
    found = []
    for effect in effects:
        earlier = [cause for cause in causes if 0 <= effect - cause < MAX_DELAY_S]
        if earlier:
            found.append(1000 * (effect - earlier[-1]))
    return found


def first_of_bursts(times: list[float], pause_s: float = 0.5) -> list[float]:
    return [at for before, at in zip([-10.0, *times], times, strict=False) if at - before > pause_s]


def silences(cuts: list[float], audible: list[float]) -> list[float]:
    """From each cut to the last audible packet after it, in ms; 0 when there was none."""
    found = []
    for cut in cuts:
        after = [at - cut for at in audible if 0 <= at - cut < MAX_DELAY_S]
        if any(-0.2 < at - cut < 0 for at in audible):  # it was being heard
            found.append(1000 * max(after, default=0.0))
    return found


def _amounts(
    figures: Figures, first: list[dict[str, Any]], last: list[dict[str, Any]], took: float
) -> None:
    heard, sent, pictures = 0.0, 0.0, 0
    for before, after in zip(first, last, strict=False):
        heard += after["audio_s"] - before["audio_s"]
        sent += took
        new = after["pictures"][len(before["pictures"]) :]
        pictures += len(new)
        figures.picture_gaps_s += [b - a for a, b in zip(new, new[1:], strict=False)]
    figures.missing_percent = 100 * (1 - heard / sent) if sent else 0.0
    figures.pictures_per_s = pictures / sent if sent else 0.0
    sizes = [size for session in last for size in session["picture_bytes"]]
    figures.picture_bytes = statistics.mean(sizes) if sizes else 0.0


VGA: Final = ClipSpec()
HD: Final = ClipSpec(1280, 720, 30, 2_000_000)
PAGE: Final = ClipSpec(1280, 720, 2, 400_000)
LOADS: Final = {
    load.name: load
    for load in (
        Load("vga", 4, VGA),
        Load("hd", 4, HD),
        Load("page", 4, PAGE),
        Load("audio", 4),
        Load("loss", 4, loss=0.02),
        Load("interrupt", 4, mode="interrupt", window_s=30.0),
        Load("many", 20, VGA),
    )
}


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def summary(figures: Figures) -> dict[str, float]:
    out = {
        "cpu %": figures.cpu_percent,
        "MB": figures.added_mb,
        "threads": figures.threads,
        "missing %": figures.missing_percent,
        "pictures/s": figures.pictures_per_s,
        "gap p99 s": percentile(figures.picture_gaps_s, 0.99),
        "kB": figures.picture_bytes / 1000,
    }
    for name in ("speech_ms", "answer_ms", "silence_ms"):
        values = getattr(figures, name)
        if values:
            out |= {f"{name} p{int(p * 100)}": percentile(values, p) for p in (0.5, 0.95)}
            out[f"{name} n"] = len(values)
    return {name: round(value, 2) for name, value in out.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.against_stock")
    parser.add_argument("loads", nargs="*", default=list(LOADS))
    parser.add_argument("--kinds", default="easel,stock")
    parser.add_argument("--runs", type=int, default=1)
    arguments = parser.parse_args()
    for name in arguments.loads:
        for _ in range(arguments.runs):
            for kind in arguments.kinds.split(","):
                figures = asyncio.run(measure(kind, LOADS[name]))
                print(name, kind, json.dumps(summary(figures)), flush=True)


if __name__ == "__main__":
    main()
