"""What a measurement of faults stands on: one service, and an emulator at one place after another.

The emulators share a port and a certificate, so that the service need not be started anew.
"""

import json
import ssl
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.faults.coded_emulator import ARMED, CALLS_FIRST
from bench.faults.journal import Journal
from bench.faults.rows import Row, Talk
from bench.processes import LOAD_CORE, Child, child, server

KEY: Final = "bench"


@dataclass(frozen=True, slots=True)
class Stand:
    """A running service ("easel" or "stock"), and where its emulators have to stand."""

    kind: str
    url: str
    service: Child
    emulator_url: str
    folder: Path

    @asynccontextmanager
    async def emulator(self, row: Row) -> AsyncIterator[Journal]:
        arguments = [*row.arguments, *(part for each in row.armed for part in (ARMED, each))]
        arguments += [CALLS_FIRST] if row.talk is Talk.WITH_CALLS else []
        port = int(self.emulator_url.rpartition(":")[2])
        async with coded_emulator(self.folder, port, arguments):
            tls = ssl.create_default_context(cafile=self.folder / "ca.pem")
            yield Journal(self.emulator_url, tls)


@asynccontextmanager
async def coded_emulator(
    folder: Path, port: int, arguments: Sequence[str] = ()
) -> AsyncIterator[str]:
    """Its address; port 0 takes a free one."""
    place = ("--json", "--port", str(port), "--cert-dir", str(folder), "--keep-certificate")
    command = ("bench.faults.coded_emulator", *place, *arguments)
    async with child(*command, core=LOAD_CORE) as running:
        yield json.loads(await running.line())["listening"]


@asynccontextmanager
async def standing(kind: str, *, probed: bool = False) -> AsyncIterator[Stand]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with coded_emulator(folder, 0) as emulator_url:
            pass  # its certificate is made, and there is a port that was free
        wires = {
            "GOOGLE_GEMINI_BASE_URL": emulator_url,
            "SSL_CERT_FILE": str(folder / "ca.pem"),
            "GEMINI_API_KEY": KEY,
            "EASEL_TOOLS_MODULE": "bench.faults.tools",
        }
        async with server(kind, wires, video=False, probed=probed) as (service, url):
            yield Stand(kind, url, service, emulator_url, folder)
