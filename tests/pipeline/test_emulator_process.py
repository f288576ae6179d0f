"""The real emulator as our child, and children that do not behave."""

import asyncio
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from emulator.certificate import make_certificate
from pipeline import emulator_process as module
from pipeline.emulator_process import EMULATOR_KEY, EmulatorFailed, emulator_process

WAIT_LIMIT_S = 10.0
SHORT_S = 0.3


async def test_it_listens_where_it_says_and_is_gone_afterwards(
    unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    """That no process is left is checked for every test."""
    async with emulator_process(unused_tcp_port) as endpoint:
        assert endpoint.base_url == f"https://127.0.0.1:{unused_tcp_port}"
        assert endpoint.api_key == EMULATOR_KEY
        url = f"{endpoint.base_url}/emulator/sessions"
        assert endpoint.tls is not None
        async with aiohttp.ClientSession() as http, http.get(url, ssl=endpoint.tls) as response:
            assert await response.json() == []
    assert "has ended" not in caplog.text


async def test_a_port_that_is_taken_is_a_clear_failure(unused_tcp_port: int) -> None:
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", unused_tcp_port)
    async with server:
        with pytest.raises(EmulatorFailed, match=r"did not start: .*address already in use"):
            async with emulator_process(unused_tcp_port):
                pass


def test_it_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """And removes its files. Not by the Ctrl-C of a terminal, which is sent to the parent's
    whole group: it must outlive the calls."""
    program = """
import asyncio
from pathlib import Path
from pipeline.emulator_process import emulator_process

async def main():
    async with emulator_process():
        files = Path("/proc/self/task").glob("*/children")
        print(*(file.read_text() for file in files), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        try:
            assert parent.stdout is not None  # PIPE above
            pid = int(parent.stdout.readline())
            child = os.pidfd_open(pid)
            assert os.getpgid(pid) != os.getpgid(parent.pid)
        finally:
            parent.kill()
    try:
        assert parent.returncode == -signal.SIGKILL
        assert select.select([child], [], [], WAIT_LIMIT_S)[0], "the emulator lives on"
        assert list(tmp_path.iterdir()) == []
    finally:
        os.close(child)


@pytest.fixture
def misbehave(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.setattr(module, "MODULE", "tests.pipeline.bad_emulator")
    certificate = make_certificate(tmp_path).path
    monkeypatch.setenv("EASEL_TEST_CERTIFICATE", str(certificate))
    return monkeypatch


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("silent", "the emulator did not say within 0.3 s where it listens"),
        ("mute", "the emulator did not start: it gave no reason"),
        ("crashing", "the emulator did not start: first word / last word"),
        ("babbling", "the emulator talks nonsense"),
        ("incomplete", "the emulator talks nonsense"),
        ("endless", "the emulator talks nonsense"),
    ],
)
async def test_a_failed_start_says_why(
    misbehave: pytest.MonkeyPatch, how: str, sentence: str
) -> None:
    misbehave.setenv("EASEL_TEST_EMULATOR", how)
    if how == "silent":
        misbehave.setattr(module, "START_LIMIT_S", SHORT_S)
    with pytest.raises(EmulatorFailed) as told:
        async with emulator_process():
            pass
    assert str(told.value) == sentence


async def test_a_certificate_that_cannot_be_read_is_nonsense_too(
    misbehave: pytest.MonkeyPatch,
) -> None:
    misbehave.setenv("EASEL_TEST_EMULATOR", "deaf")
    misbehave.setenv("EASEL_TEST_CERTIFICATE", "/nowhere/ca.pem")
    misbehave.setattr(module, "STOP_LIMIT_S", SHORT_S)
    with pytest.raises(EmulatorFailed, match="talks nonsense"):
        async with emulator_process():
            pass


async def test_a_python_that_is_not_there_is_a_clear_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(EmulatorFailed, match="the emulator cannot be started: .*No such file"):
        async with emulator_process():
            pass


async def test_one_that_does_not_listen_to_sigterm_is_killed(
    misbehave: pytest.MonkeyPatch,
) -> None:
    misbehave.setenv("EASEL_TEST_EMULATOR", "deaf")
    misbehave.setattr(module, "STOP_LIMIT_S", SHORT_S)
    async with emulator_process():
        begun = time.monotonic()
    assert time.monotonic() - begun < 2.0


class Ears(logging.Handler):
    """Waits for a line."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.heard = asyncio.Event()
        self._words = words

    def emit(self, record: logging.LogRecord) -> None:
        if self._words in record.getMessage():
            self.heard.set()


@contextmanager
def ears(words: str) -> Iterator[Ears]:
    handler = Ears(words)
    module.logger.addHandler(handler)
    try:
        yield handler
    finally:
        module.logger.removeHandler(handler)


async def test_what_it_says_is_logged_and_never_blocks_it(
    misbehave: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    misbehave.setenv("EASEL_TEST_EMULATOR", "chatty")
    with ears("emulator: all said") as ear:
        async with emulator_process(), asyncio.timeout(WAIT_LIMIT_S):
            await ear.heard.wait()
    assert caplog.records[0].levelno == logging.WARNING
    assert caplog.records[0].getMessage().startswith("emulator: line 0 x")


async def test_that_it_died_is_logged(misbehave: pytest.MonkeyPatch) -> None:
    misbehave.setenv("EASEL_TEST_EMULATOR", "dying")
    with ears("the emulator has ended with status 5") as ear:
        async with emulator_process(), asyncio.timeout(WAIT_LIMIT_S):
            await ear.heard.wait()
