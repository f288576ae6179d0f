"""What a measurement was made on, in words: never a name of the machine or of a person."""

import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bench.processes import CORES

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = (
    "aiortc",
    "aioice",
    "av",
    "pylibsrtp",
    "pipecat-ai",
    "google-genai",
    "websockets",
    "aiohttp",
    "numpy",
    "uvloop",
)
GIT_LIMIT_S: Final = 20.0


def facts() -> list[tuple[str, str]]:
    """Names and values, in the order in which a page shows them."""
    memory = _found(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    gigabytes = f"{int(memory) / 1e6:.0f} GB" if memory else "unknown"
    return [
        ("date", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
        ("processor", f"{processor()}, {len(CORES)} cores"),
        ("memory", gigabytes),
        ("system", f"{platform.system()} {platform.release().partition('-')[0]}"),
        ("Python", platform.python_version()),
        ("packages", ", ".join(f"{name} {version(name)}" for name in PACKAGES)),
        ("commit", commit()),
    ]


def processor() -> str:
    return _found(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text()) or "unknown"


def commit() -> str:
    """Of the code that is measured: short, with a word when files differ from it."""
    changed = _git("status", "--porcelain", "--", "*.py", "pyproject.toml", "constraints.txt")
    return (_git("rev-parse", "--short=10", "HEAD") or "unknown") + (
        " and changes" if changed else ""
    )


def table(rows: Sequence[tuple[str, str]]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _found(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text, re.M)
    return match[1] if match else None


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=GIT_LIMIT_S
        )
    except OSError as error:
        print(f"git does not start: {error}", file=sys.stderr)
        return ""
    return done.stdout.strip()
