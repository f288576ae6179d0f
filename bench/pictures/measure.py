"""The measurements of pictures, each a run of its own: service on one core, all else on another."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from bench.figures import gaps, percentile, rounded
from bench.processes import LOAD_CORE, Child, child, server

TALKS: Final = 6  # of each kind, in turn
TALK_LIMIT_S: Final = 16.0
SETTLE_S: Final = 2.0
MANY: Final = 1000
EACH: Final = 4  # of many, wished for at once
EVERY: Final = 100
LINE_LIMIT_S: Final = 600.0

Figures = dict[str, float]
Noted = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stand:
    """What takes part in a run; `room` is the watcher's session and token."""

    service: Child
    url: str
    painter: Child
    watcher: Child
    room: Mapping[str, str]

    async def ask(self, words: str) -> Any:
        """The watcher's answer; drawing hundreds of pictures takes its time."""
        await self.watcher.say(words)
        return json.loads(await self.watcher.line(LINE_LIMIT_S))


@asynccontextmanager
async def stand(
    *, kind: str = "jpeg", seconds: float = 1.2, others: int = 0
) -> AsyncIterator[Stand]:
    async with AsyncExitStack() as stack:
        paint = ("bench.pictures.painter", "--kind", kind, "--seconds", str(seconds))
        painter = await stack.enter_async_context(child(*paint, core=LOAD_CORE))
        told = json.loads(await painter.line())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        wires = {
            "EASEL_STORAGE": "folder",
            "EASEL_STORAGE_FOLDER": folder,
            "GOOGLE_GEMINI_BASE_URL": told["url"],
            "SSL_CERT_FILE": told["certificate"],
            "GEMINI_API_KEY": "bench",
            "EASEL_IDLE_TIMEOUT_S": "60",
        }
        running, url = await stack.enter_async_context(server("easel", wires, probed=True))
        watch = ("bench.pictures.watcher", url, "--others", str(others))
        watcher = await stack.enter_async_context(child(*watch, core=LOAD_CORE))
        yield Stand(running, url, painter, watcher, json.loads(await watcher.line()))


async def timing(kind: str, wishes: int, others: int) -> Figures:
    """From the tool call to the event at each peer, and from the last byte to the eye; in ms."""
    async with stand(kind=kind, others=others) as here:
        await here.ask("draw 2 1")  # the first pictures warm up what is lazy
        await here.ask(f"draw {wishes} 1")
        saw: Sequence[Noted] = await here.ask("saw")
        painted: Noted = await here.painter.report()
    started = [ms for page in saw for ms in _after(page, "started", painted["calls"])]
    draft = [ms for page in saw for ms in _after(page, "preview", painted["drafts"])]
    ready = [ms for page in saw for ms in _after(page, "ready", painted["finals"])]
    visible = _visible(saw[0], painted["finals"])
    return rounded(
        {
            "wishes": float(len(visible)),
            **_spread("started ms", started),
            **_spread("draft ms", draft),
            **_spread("ready ms", ready),
            **_spread("visible ms", visible),
        },
        1,
    )


def _number(prompt: str) -> str:
    return prompt.rpartition(" ")[2]


def _after(page: Noted, event: str, causes: Mapping[str, float]) -> list[float]:
    """From each cause to the first such event of its picture; what warmed up is left out."""
    first: dict[str, float] = {}
    for name, _, prompt, at_ms in page["events"]:
        if name == event:
            first.setdefault(_number(prompt), at_ms)
    late = {n: at_ms - 1000 * causes[n] for n, at_ms in first.items() if n in causes}
    return [late[n] for n in sorted(late, key=int)[2:]]


def _visible(page: Noted, finals: Mapping[str, float]) -> list[float]:
    numbers = {image_id: _number(prompt) for _, image_id, prompt, _ in page["events"] if prompt}
    shown = {numbers[image_id]: at_ms for image_id, at_ms in page["seen"] if image_id in numbers}
    late = {n: at_ms - 1000 * finals[n] for n, at_ms in shown.items() if n in finals}
    return [late[n] for n in sorted(late, key=int)[2:]]


def _spread(name: str, values: Sequence[float]) -> Figures:
    if not values:
        return {}
    return {f"{name} p50": median(values), f"{name} p95": percentile(values, 0.95)}


async def voice() -> Figures:
    """The gaps between the packets of an answer, with and without three pictures in the making."""
    async with stand(seconds=4.0) as here:
        listen = ("bench.pictures.listener", here.url, here.room["session"], here.room["token"])
        async with child(*listen, core=LOAD_CORE) as listener:
            await listener.line()
            await here.ask("draw 1 3")
            heard: dict[str, list[float]] = {"talk": [], "talk and draw 3": []}
            for words in [*heard] * TALKS:
                await asyncio.sleep(SETTLE_S)
                await listener.report()
                await here.ask(f"say {words}")
                await asyncio.sleep(TALK_LIMIT_S)
                heard[words] += gaps(await listener.report())
            drawn = len((await here.painter.report())["finals"])
    quiet, busy = (
        {
            f"{name} packets": float(len(found)),
            f"{name} gap ms p50": 1000 * median(found),
            f"{name} gap ms p99": 1000 * percentile(found, 0.99),
            f"{name} gap ms p99.9": 1000 * percentile(found, 0.999),
            f"{name} gap ms max": 1000 * max(found),
        }
        for name, found in zip(("talk", "draw"), heard.values(), strict=True)
    )
    return rounded({**quiet, **busy, "pictures": float(drawn)}, 2)


async def many() -> tuple[Figures, list[tuple[int, float]]]:
    """A thousand pictures in one room: the service's memory on the way, and the page at the end."""
    async with stand(seconds=0.05) as here:
        sizes = [(0, here.service.resident_bytes / 1e6)]
        for made in range(EVERY, MANY + 1, EVERY):
            await here.ask(f"draw {EVERY // EACH} {EACH}")
            sizes.append((made, round(here.service.resident_bytes / 1e6, 1)))
        saw: Sequence[Noted] = await here.ask("saw")
        walked = await here.ask("scroll")
        await here.ask("shot test-output/thousand-pictures.png")
    tasks = [duration for _, duration in saw[0]["long"]]
    figures = {
        "MB at 100": sizes[1][1],
        "MB at 500": sizes[5][1],
        "MB at 1000": sizes[-1][1],
        "frame ms p50": median(walked["frames"]),
        "frame ms p95": percentile(walked["frames"], 0.95),
        "frame ms max": max(walked["frames"]),
        "elements": float(walked["elements"]),
        "long tasks": float(len(tasks)),
        "longest task ms": max(tasks, default=0.0),
    }
    return rounded(figures, 1), sizes
