"""Starts the real emulator as a child process, for tests that speak to it from outside."""

from __future__ import annotations

import contextlib
import json
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Answers come at once and are over at once.
FAST = ("--speed", "50", "--hold", "0.02")
START_LIMIT_S = 30.0
STOP_LIMIT_S = 10.0


@dataclass(frozen=True)
class RunningEmulator:
    """Where a started emulator listens and what to trust."""

    base_url: str
    certificate: Path
    process: subprocess.Popen[str]

    @property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))

    def read(self, path: str) -> bytes:
        """The body of a GET."""
        with urllib.request.urlopen(
            self.base_url + path, context=self.context, timeout=10
        ) as answer:
            body: bytes = answer.read()
        return body

    def sessions(self) -> list[dict[str, Any]]:
        """The records of all Live connections."""
        records: list[dict[str, Any]] = json.loads(self.read("/emulator/sessions"))
        return records


@contextlib.contextmanager
def running_emulator(
    folder: Path, *arguments: str, program: Sequence[str] = ("-m", "emulator")
) -> Iterator[RunningEmulator]:
    """A child process on a free port, ended by SIGTERM; fails if it does not end in time."""
    where = ("--port", "0", "--cert-dir", str(folder), "--json", "--exit-with-parent")
    process = subprocess.Popen(
        [sys.executable, *program, *where, *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        line = json.loads(process.stdout.readline())
        yield RunningEmulator(line["listening"], Path(line["certificate"]), process)
        process.terminate()
        assert process.wait(STOP_LIMIT_S) == 0
    finally:
        process.kill()
        process.wait(STOP_LIMIT_S)
        process.stdout.close()
