"""One measurement: a server on its core, peers and the Live endpoint on another, for a while."""

import asyncio
import base64
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image

from bench.camera_clip import ClipSpec, clip_file, source_picture
from bench.figures import (
    delays_ms,
    first_of_bursts,
    gaps,
    percentile,
    rounded,
    silences_ms,
)
from bench.loads import Load
from bench.markers import PACKET_S, packet_place
from bench.picture_quality import psnr_db, read_number
from bench.processes import LOAD_CORE, SERVER_CORE, Child, busy_s, child, live_endpoint, server

WARM_UP_S: Final = 8.0  # stock's streams need some seconds to settle
MAX_SPEECH_DELAY_S: Final = 5.0
MAX_ANSWER_DELAY_S: Final = 1.0

Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Usage:
    """What cores and processes have used so far, in seconds."""

    at: float
    server: float
    load: float
    server_core: float
    load_core: float


@dataclass(frozen=True, slots=True)
class Window:
    begin: Usage
    end: Usage

    @property
    def took_s(self) -> float:
        return self.end.at - self.begin.at

    def percent(self, of: str) -> float:
        return 100 * float(getattr(self.end, of) - getattr(self.begin, of)) / self.took_s

    def holds(self, at: float) -> bool:
        return self.begin.at <= at < self.end.at


def usage(running: Child, *loading: Child) -> Usage:
    return Usage(
        at=time.monotonic(),
        server=running.cpu_s,
        load=sum(each.cpu_s for each in loading),
        server_core=busy_s(SERVER_CORE),
        load_core=busy_s(LOAD_CORE),
    )


async def measure(kind: str, load: Load) -> dict[str, float]:
    """All figures of one run, by name; `cpu %` is of a core and for each peer."""
    async with (
        live_endpoint(load.mode, load.keep_pictures) as endpoint,
        server(kind, endpoint.environment, video=load.clip is not None, probed=load.probed) as (
            running,
            url,
        ),
        child("bench.synthetic_peer", *_arguments(load, url), core=LOAD_CORE) as peers,
    ):
        await peers.line()
        await asyncio.sleep(WARM_UP_S)
        first = await endpoint.child.report()
        before = await peers.report()
        if load.probed:
            await running.report()
        begin = usage(running, endpoint.child, peers)
        await asyncio.sleep(load.window_s)
        window = Window(begin, usage(running, endpoint.child, peers))
        probe = await running.report() if load.probed else {}
        resident_mb, threads = running.resident_bytes / 1e6, running.threads
        last = await endpoint.child.report()
        told = await peers.report("all")
    figures = {
        "cpu %": window.percent("server") / load.peers,
        "server %": window.percent("server"),
        "load %": window.percent("load"),
        "others on server core %": window.percent("server_core") - window.percent("server"),
        "load core %": window.percent("load_core"),
        "late ms": told["late_ms_p99"],
        "sent kbit/s": (told["octets"] - before["octets"]) * 8 / 1000 / window.took_s / load.peers,
        "spoken to %": spoken_to_percent(told["peers"], window),
        "resident MB": resident_mb,
        "threads": float(threads),
    }
    if load.probed:
        figures["lag ms"] = probe["lag_ms_p99"]
    figures |= of_speech(paired(last, told["peers"]), window)
    figures |= of_amounts(first, last, window)
    if load.clip is not None:
        figures |= of_pictures(first, last, load.clip)
    return rounded(figures)


def spoken_to_percent(peers: Sequence[Report], window: Window) -> float:
    """How much of the time the model is heard by a peer: the same of both stacks, or unfair."""
    packets = sum(window.holds(at) for peer in peers for at in peer["audible"])
    return 100 * packets * PACKET_S / window.took_s / len(peers)


def _arguments(load: Load, url: str) -> list[str]:
    arguments = [url, "--peers", str(load.peers), "--loss", str(load.loss)]
    if load.clip is not None:
        arguments += ["--clip", str(clip_file(load.clip)), "--fps", str(load.clip.fps)]
    if load.one_room:
        arguments.append("--one-room")
    return arguments


def paired(sessions: Sequence[Report], peers: Sequence[Report]) -> list[tuple[Report, Report]]:
    """Each session with the peer whose speech it heard: they need not come in the same order."""
    left, pairs = list(peers), []
    for session in sessions:
        if not left:
            break
        best = min(left, key=lambda peer: _unlikeness(session, peer))
        left.remove(best)
        pairs.append((session, best))
    return pairs


def _unlikeness(session: Report, peer: Report) -> tuple[int, float]:
    delays = _first_delays(session, peer, session["bursts"])
    return -len(delays), percentile(delays, 0.5)


def _first_delays(session: Report, peer: Report, heard: Sequence[Report]) -> list[float]:
    causes = [(at, burst) for at, burst in peer["bursts"]]
    effects = [(each["at"], each["burst"]) for each in heard if each["burst"] >= 0]
    return delays_ms(causes, effects, MAX_SPEECH_DELAY_S)


def of_speech(pairs: Sequence[tuple[Report, Report]], window: Window) -> dict[str, float]:
    """Speech, answers and cuts, of what fell into the window."""
    first, every, answers, cut_off = [], [], [], []
    for session, peer in pairs:
        heard = [each for each in session["bursts"] if window.holds(each["at"])]
        first += _first_delays(session, peer, heard)
        every += _chunk_delays(peer, heard)
        begun = [(at, 0) for at in first_of_bursts(peer["audible"]) if window.holds(at)]
        answers += delays_ms([(at, 0) for at in session["answers"]], begun, MAX_ANSWER_DELAY_S)
        cuts = [at for at in session["cuts"] if window.holds(at)]
        cut_off += silences_ms(cuts, peer["audible"])
    out: dict[str, float] = {}
    named = {"speech": first, "chunk": every, "answer": answers, "cut": cut_off}
    for name, values in named.items():
        if values:
            out |= {f"{name} ms p{n}": percentile(values, n / 100) for n in (50, 95)}
            out[f"{name} n"] = float(len(values))
    return out


def _chunk_delays(peer: Report, heard: Sequence[Report]) -> list[float]:
    """Of the oldest sound in each message of a burst, from when its packet was sent."""
    found = []
    for each in heard:
        causes = [at for at, burst in peer["bursts"] if burst == each["burst"] and at <= each["at"]]
        if causes and each["at"] - max(causes) < MAX_SPEECH_DELAY_S:
            for at, offset in [(each["at"], 0.0), *each["chunks"]]:
                sent = max(causes) + PACKET_S * packet_place(offset)
                found.append(1000 * (at - sent))
    return found


def of_amounts(first: Sequence[Report], last: Sequence[Report], window: Window) -> dict[str, float]:
    heard = sum(
        after["audio_s"] - before["audio_s"] for before, after in zip(first, last, strict=False)
    )
    sent = window.took_s * len(first)
    return {"missing %": 100 * (1 - heard / sent) if sent else 0.0}


def of_pictures(
    first: Sequence[Report], last: Sequence[Report], clip: ClipSpec
) -> dict[str, float]:
    between: list[float] = []
    rates, sizes, quality = [], [], []
    for before, after in zip(first, last, strict=False):
        new = after["pictures"][len(before["pictures"]) :]
        between += gaps(new)
        rates.append(_rate(new))
        sizes += after["picture_bytes"][len(before["pictures"]) :]
        quality += [found for data in after["kept"] if (found := _quality(data, clip)) is not None]
    out = {
        "pictures/s": sum(rates) / len(rates) if rates else 0.0,
        "gap s p99": percentile(between, 0.99),
        "picture kB": sum(sizes) / len(sizes) / 1000 if sizes else 0.0,
    }
    if quality:
        out |= {"psnr dB p50": percentile(quality, 0.5), "psnr dB least": min(quality)}
        out["psnr n"] = float(len(quality))
    return out


def _rate(times: Sequence[float]) -> float:
    """By the time between the first and the last: a window's edges would round it."""
    return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0


def _quality(data: str, clip: ClipSpec) -> float | None:
    """Of a picture in base64. None when it has another size than its source, or no number."""
    raw = base64.b64decode(data.translate(str.maketrans("-_", "+/")) + "==")
    picture = Image.open(io.BytesIO(raw)).convert("RGB")
    number = read_number(picture, clip.height)
    if number is None or picture.size != (clip.width, clip.height):
        return None
    return psnr_db(picture, source_picture(clip, number))
