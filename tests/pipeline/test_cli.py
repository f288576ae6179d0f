"""`easel` as people call it: a process of its own, its words, its exit status."""

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from pipeline import cli
from tests.private_data import private_data_in
from tests.talking_peer import talking_peer

START_LIMIT_S = 30.0
EXIT_LIMIT_S = 10.0


@dataclass
class Served:
    """`easel serve` in a process of its own."""

    process: asyncio.subprocess.Process
    words: list[str]

    @property
    def url(self) -> str:
        return self.words[0].removeprefix("Open ")

    def children(self) -> list[int]:
        files = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for file in files for pid in file.read_text().split()]

    async def end(self, number: signal.Signals) -> tuple[int, str]:
        """Its exit status and what it wrote to standard error."""
        self.process.send_signal(number)
        async with asyncio.timeout(EXIT_LIMIT_S):
            _, errors = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, errors.decode()


@asynccontextmanager
async def served(*arguments: str, **environment: str) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pipeline", "serve", "--port", "0", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "EASEL_ICE_HOSTS": "127.0.0.1", **environment},
    )
    assert process.stdout is not None  # PIPE above
    try:
        async with asyncio.timeout(START_LIMIT_S):
            words = [(await process.stdout.readline()).decode().strip() for _ in range(2)]
        yield Served(process, words)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def has_ended(pid: int) -> bool:
    """Whether the process ends within the limit, or is gone."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], EXIT_LIMIT_S)[0])
    finally:
        os.close(descriptor)


@pytest.mark.realtime
@pytest.mark.parametrize("storage", ["memory", "folder"])
async def test_it_says_where_it_is_and_ends_politely_with_people_in_a_room(storage: str) -> None:
    async with served(EASEL_STORAGE=storage) as easel:
        assert easel.words[0].startswith("Open http://127.0.0.1:")
        assert easel.words[1] == (
            "Easel talks to its own emulator, not to Gemini: no API key is set."
        )
        emulators = easel.children()
        assert len(emulators) == 1
        async with talking_peer(easel.url) as peer:
            await peer.join()
            status, errors = await easel.end(signal.SIGTERM)
            assert status == 0
            # Where the room is kept, whoever is in it may come back to the next service.
            farewell = {"type": "signalling", "message": {"type": "peerLeft"}}
            assert (farewell in peer.messages) == (storage == "memory")
        assert all(has_ended(pid) for pid in emulators)
    for words in ("room created", "OPEN -> LIVE", "CLOSING -> CLOSED", "room closed"):
        assert words in errors
    assert "Traceback" not in errors
    assert " WARNING " not in errors
    assert " ERROR " not in errors
    assert private_data_in(errors, ids=[peer.session_id, peer.token]) == []


async def test_with_a_key_it_talks_to_the_api_and_ends_by_ctrl_c() -> None:
    key = "AIza-for-tests-0123456789"
    async with served("--gemini", "api", GEMINI_API_KEY=key, EASEL_LOG_FORMAT="json") as easel:
        assert easel.words[1] == "Easel talks to the Gemini API."
        assert easel.children() == []
        async with aiohttp.ClientSession(easel.url) as http, http.get("/readyz") as response:
            assert response.status == 200
        assert await easel.end(signal.SIGINT) == (0, "")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        capture_output=True,
        text=True,
        timeout=START_LIMIT_S,
        env={**os.environ, **environment},
    )


def test_a_port_that_is_taken_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port), GEMINI_API_KEY="for-tests")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"easel: cannot listen on 127.0.0.1, port {port}: Address already in use\n"
    )


# What is wrong with the settings is found before anything is imported, so it can be tested here.


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(arguments) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert len(errors.splitlines()) == 1
    return errors


@pytest.mark.parametrize("port", ["notaport", "-1", "65536"])
def test_a_bad_port_is_a_sentence(capsys: pytest.CaptureFixture[str], port: str) -> None:
    assert complaint(capsys, "serve", f"--port={port}").startswith("easel: EASEL_PORT: port must")


def test_a_bad_setting_is_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EASEL_MAX_ROOMZ", "7")
    assert "EASEL_MAX_ROOMZ" in complaint(capsys, "serve")
    assert "did you mean EASEL_MAX_ROOMS?" in complaint(capsys, "serve")


def test_the_api_without_a_key_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert "neither GEMINI_API_KEY nor GOOGLE_API_KEY" in complaint(
        capsys, "serve", "--gemini", "api"
    )


def test_flags_win_over_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EASEL_PORT", "7000")
    monkeypatch.setenv("EASEL_GEMINI", "emulator")
    assert "EASEL_GEMINI" in complaint(capsys, "serve", "--gemini", "api")


@pytest.mark.parametrize("arguments", [[], ["dance"], ["serve", "--gemini", "maybe"]])
def test_a_wrong_command_says_how_it_is_used(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "usage: easel" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], ["serve", "emulator", "Live conversations"]),
        (["serve", "--help"], ["--host", "--port", "--gemini"]),
        (["emulator", "--help"], ["--scenario", "stand-in"]),
    ],
)
def test_help_is_at_hand(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert all(word in told for word in words)


def test_without_arguments_it_takes_those_of_the_process(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["easel", "serve", "--port", "nowhere"])
    assert cli.main() == 2
    assert "EASEL_PORT" in capsys.readouterr().err


def test_what_hangs_does_not_hang_for_ever() -> None:
    program = """
import threading
from pipeline.cli import exit_within

exit_within(0.2)
threading.Thread(target=threading.Event().wait).start()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=EXIT_LIMIT_S
    )
    assert done.returncode == 1
    assert done.stderr == "easel: something did not end in time; giving up\n"
