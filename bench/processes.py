"""The processes of a measurement, each pinned to its core, and what the kernel counts of them."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

CORES: Final = sorted(os.sched_getaffinity(0))
SERVER_CORE: Final = CORES[0]
LOAD_CORE: Final = CORES[-1]
START_LIMIT_S: Final = 60.0
ANSWER_LIMIT_S: Final = 60.0
STOP_LIMIT_S: Final = 15.0
MAX_LINE_BYTES: Final = 64 << 20
IDLE_TIMEOUT_S: Final = 5.0  # a room without peers ends soon, so that what is left can be counted
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Child:
    """A process that talks in lines."""

    process: asyncio.subprocess.Process

    async def line(self, limit_s: float = START_LIMIT_S) -> str:
        assert self.process.stdout is not None  # PIPE below
        async with asyncio.timeout(limit_s):
            said = await self.process.stdout.readline()
        if not said:
            raise RuntimeError("a process of the measurement ended")
        return said.decode().strip()

    async def say(self, words: str = "") -> None:
        assert self.process.stdin is not None  # as above
        self.process.stdin.write(words.encode() + b"\n")
        await self.process.stdin.drain()

    async def report(self, words: str = "") -> Any:
        """What it answers to a line."""
        await self.say(words)
        return json.loads(await self.line(ANSWER_LIMIT_S))

    @property
    def cpu_s(self) -> float:
        """User and system time of all its threads, so far."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / _TICKS_PER_S

    @property
    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.M)
        return int(found[1]) * 1024 if found else 0

    @property
    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    @property
    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))


@asynccontextmanager
async def child(
    *arguments: str, core: int, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Child]:
    """`python -m …` on that core; ended by SIGTERM, then SIGKILL."""
    process = await asyncio.create_subprocess_exec(
        "taskset",
        "-c",
        str(core),
        sys.executable,
        "-m",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=MAX_LINE_BYTES,
        env={**os.environ, **(environment or {})},
    )
    try:
        yield Child(process)
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(STOP_LIMIT_S):
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.communicate()


def busy_s(core: int) -> float:
    """What all programs have used of that core so far."""
    line = re.search(rf"^cpu{core} (.+)$", Path("/proc/stat").read_text(), re.M)
    if line is None:
        return 0.0
    user, nice, system, _, _, *others = map(int, line[1].split())
    return (user + nice + system + sum(others[:3])) / _TICKS_PER_S


@dataclass(frozen=True, slots=True)
class Endpoint:
    child: Child
    environment: Mapping[str, str]


@asynccontextmanager
async def live_endpoint(mode: str, keep_pictures: int = 0) -> AsyncIterator[Endpoint]:
    arguments = ("--mode", mode, "--keep-pictures", str(keep_pictures))
    async with child("bench.live_endpoint", *arguments, core=LOAD_CORE) as endpoint:
        told = json.loads(await endpoint.line())
        environment = {
            "GOOGLE_GEMINI_BASE_URL": told["url"],
            "SSL_CERT_FILE": told["certificate"],
            "GEMINI_API_KEY": "bench",
        }
        yield Endpoint(endpoint, environment)


@asynccontextmanager
async def server(
    kind: str, wires: Mapping[str, str], *, video: bool = True, probed: bool = False
) -> AsyncIterator[tuple[Child, str]]:
    """ "easel" or "stock", and its address.

    `wires`: the environment that leads to its endpoint, and more. `probed`: it reports as
    `bench.loop_probe` says.
    """
    settings: dict[str, str] = {}
    command: tuple[str, ...]
    if kind == "easel":
        start = ("bench.probed_easel",) if probed else ("pipeline", "serve")
        command = (*start, "--port", "0")
        settings = {"EASEL_ICE_HOSTS": "127.0.0.1", "EASEL_LOG_LEVEL": "warning"}
        settings["EASEL_STORAGE"] = "memory"
        settings["EASEL_IDLE_TIMEOUT_S"] = str(IDLE_TIMEOUT_S)
    else:
        flags = {"--audio-only": not video, "--probed": probed}
        command = ("bench.stock_bot", *(flag for flag, given in flags.items() if given))
    environment = {**settings, **wires}
    async with child(*command, core=SERVER_CORE, environment=environment) as running:
        url = (await running.line()).split()[-1]
        if kind == "easel":
            await running.line()  # whom it talks to
        yield running, url
