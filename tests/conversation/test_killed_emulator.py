"""Gemini's machine dies in the middle of a sentence, and another one takes its place."""

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from bench.faults.gaps import Said
from bench.faults.journal import Journal
from bench.faults.lineage import count_words
from bench.faults.numbering import answer_to, utterance
from bench.faults.talker import Talker
from bench.rtp_stream import Pacer
from pipeline.service import serving
from pipeline.settings import load

LIMIT_S: Final = 20.0
ROOM: Final = "talk of the dead"
SETTINGS: Final = {
    "EASEL_PORT": "0",
    "EASEL_ICE_HOSTS": "127.0.0.1",
    "GEMINI_API_KEY": "for-tests",
}


@dataclass
class Machine:
    """An emulator's process; all of them are trusted by one certificate, and share a port."""

    process: asyncio.subprocess.Process
    url: str

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def machine(folder: Path, port: int = 0) -> AsyncIterator[Machine]:
    arguments = ("--json", "--port", str(port), "--cert-dir", str(folder), "--keep-certificate")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.faults.coded_emulator", *arguments),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None  # PIPE above
        async with asyncio.timeout(LIMIT_S):
            told: dict[str, Any] = json.loads(await process.stdout.readline())
        yield Machine(process, told["listening"])
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def talker() -> AsyncIterator[Talker]:
    """In a room of a service whose Gemini the environment names."""
    async with (
        serving(load(SETTINGS)) as running,
        aiohttp.ClientSession(f"http://127.0.0.1:{running.port}") as http,
    ):
        talker = Talker(http, Pacer(), seat=0)
        try:
            await talker.join({"systemInstruction": f"This is {ROOM}."})
            yield talker
        finally:
            await talker.close()


@pytest.mark.realtime
async def test_the_talk_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The sentence is answered whole, the next one too, and the new machine has heard each word:
    those before its time as well."""
    async with machine(tmp_path) as first:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", first.url)
        monkeypatch.setenv("GEMINI_API_KEY", SETTINGS["GEMINI_API_KEY"])
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        async with talker() as peer:
            await said_and_answered(peer, 0)
            sentence = asyncio.create_task(peer.mouth.say(utterance(0, 1)))
            await peer.mouth.half_said()
            await first.kill()
            async with machine(tmp_path, int(first.url.rpartition(":")[2])) as second:
                await answered(peer, await sentence)
                await said_and_answered(peer, 2)
                await nothing_is_missing(second, tmp_path)


async def said_and_answered(peer: Talker, turn: int) -> None:
    await answered(peer, await peer.mouth.say(utterance(0, turn)))


async def answered(peer: Talker, said: Said) -> None:
    assert await peer.hears(answer_to(said.numbers)[-1], said.began, LIMIT_S)


async def nothing_is_missing(machine: Machine, folder: Path) -> None:
    journal = Journal(machine.url, ssl.create_default_context(cafile=folder / "ca.pem"))
    await journal.finish()
    heard = [each.connection for each in journal.of_talk(ROOM)]
    count = count_words([*utterance(0, 1), *utterance(0, 2)], heard)
    assert (count.lost, count.doubled) == ((), ())
