"""The real service and the real emulator, each a process of its own, for tests."""

import asyncio
import json
import os
import ssl
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

START_LIMIT_S: Final = 30.0
STOP_LIMIT_S: Final = 12.0


@dataclass(frozen=True)
class Emulator:
    """Where it is, and what it saw of its clients."""

    url: str
    certificate: Path

    @property
    def environment(self) -> dict[str, str]:
        """As a user would set it for any google-genai client."""
        return {
            "GOOGLE_GEMINI_BASE_URL": self.url,
            "SSL_CERT_FILE": str(self.certificate),
            "GEMINI_API_KEY": "for-tests",
        }

    async def sessions(self) -> list[dict[str, Any]]:
        """One entry for each Live connection so far."""
        tls = ssl.create_default_context(cafile=self.certificate)
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{self.url}/emulator/sessions", ssl=tls) as response:
                listed: list[dict[str, Any]] = await response.json()
                return listed


@asynccontextmanager
async def emulator(folder: Path, *arguments: str) -> AsyncIterator[Emulator]:
    command = ("-m", "emulator", "--json", "--port", "0", "--exit-with-parent", "--cert-dir")
    async with _process(*command, str(folder), *arguments, environment={}) as process:
        told = json.loads(await _line(process))
        yield Emulator(told["listening"], Path(told["certificate"]))


@dataclass(frozen=True)
class Service:
    url: str
    process: asyncio.subprocess.Process


@asynccontextmanager
async def service(environment: Mapping[str, str]) -> AsyncIterator[Service]:
    """Nothing of it outlives it, unless `environment` says so."""
    settings = {
        "EASEL_ICE_HOSTS": "127.0.0.1",
        "EASEL_PORT": "0",
        "EASEL_STORAGE": "memory",
        **environment,
    }
    async with _process("-m", "pipeline", "serve", environment=settings) as process:
        words = (await _line(process)).split()
        yield Service(words[-1], process)


@asynccontextmanager
async def _process(
    *arguments: str, environment: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(STOP_LIMIT_S):
            await process.communicate()


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None  # PIPE above
    async with asyncio.timeout(START_LIMIT_S):
        return (await process.stdout.readline()).decode().strip()
