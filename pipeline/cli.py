"""The console script `easel`."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence

import uvloop

from pipeline.service import serving
from pipeline.settings import Settings, SettingsError, load


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        settings = load({**os.environ, **_flags(arguments)})
    except SettingsError as error:
        print(f"easel: {error}", file=sys.stderr)
        return 2
    logging.basicConfig(level=settings.service.log_level.upper())
    uvloop.run(_serve(settings))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="easel")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run the service")
    serve.add_argument("--host")
    serve.add_argument("--port")
    serve.add_argument("--gemini", choices=["auto", "api", "emulator"])
    return parser


def _flags(arguments: argparse.Namespace) -> dict[str, str]:
    """Flags are settings too: they win over the environment."""
    given = {name: getattr(arguments, name) for name in ("host", "port", "gemini")}
    return {f"EASEL_{name.upper()}": value for name, value in given.items() if value is not None}


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serving(settings) as running:
        print(f"Easel is at {running.url} and talks to {running.talks_to}.", flush=True)
        await stop.wait()
