"""The emulator's command line: `python -m emulator` and `easel emulator`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from emulator.server import EmulatorServer

# How often a child asks whether its parent still lives.
PARENT_POLL_S = 0.25


def parser() -> argparse.ArgumentParser:
    """The arguments, so that another command line can show them too."""
    arguments = argparse.ArgumentParser(
        prog="emulator", description="A local stand-in for Gemini's Live and image wire."
    )
    arguments.add_argument("--host", default="127.0.0.1", help="address to bind")
    arguments.add_argument("--port", type=int, default=8443, help="0 picks a free port")
    arguments.add_argument("--cert-dir", type=Path, help="folder for ca.pem (default: a new one)")
    arguments.add_argument("--scenario", type=Path, help="a written conversation (YAML or JSON)")
    arguments.add_argument("--json", action="store_true", help="print the JSON line only")
    arguments.add_argument(
        "--exit-with-parent", action="store_true", help="end when the starting process ends"
    )
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit status."""
    options = parser().parse_args(argv)
    parent = os.getppid() if options.exit_with_parent else None
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(options, parent))
    return 0


async def _serve(options: argparse.Namespace, parent: int | None) -> None:
    directory = options.cert_dir or Path(tempfile.mkdtemp(prefix="gemini-emulator-"))
    server = EmulatorServer()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        port, certificate = await server.start(options.host, options.port, directory)
        base_url = f"https://{options.host}:{port}"
        print(json.dumps({"listening": base_url, "certificate": str(certificate)}), flush=True)
        if not options.json:
            print(
                f"Point any google-genai client here:\n"
                f"  export GOOGLE_GEMINI_BASE_URL={base_url}\n"
                f"  export SSL_CERT_FILE={certificate}",
                flush=True,
            )
        await _until_stopped(stop, parent)
    finally:
        await server.close()


async def _until_stopped(stop: asyncio.Event, parent: int | None) -> None:
    while not stop.is_set():
        if parent is not None and os.getppid() != parent:
            print("The starting process has ended.", file=sys.stderr)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PARENT_POLL_S if parent is not None else None):
                await stop.wait()
