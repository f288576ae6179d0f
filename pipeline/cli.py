"""The console script `easel`."""

import argparse
import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Sequence

import uvloop

from pipeline import log
from pipeline.service_settings import EXIT_LIMIT_S
from pipeline.settings import Settings, SettingsError, load

TO_MEND = 2
GAVE_UP = 1
THREADS_TAKE_TURNS_S = 0.001  # instead of 0.005: that of the voice waits less for the others
MARGIN_S = 0.5  # between giving up and the limit


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 2 when something that the caller can mend is wrong; 1 when the doctor
    has found a difference."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["emulator"]:
        return _emulator(arguments[1:])
    if arguments[:1] == ["doctor"]:
        return _doctor(arguments[1:])
    return _serve(_parser().parse_args(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="easel", description="Live conversations with Gemini over WebRTC."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run the service")
    serve.add_argument("--host", help="address to listen on (EASEL_HOST)")
    serve.add_argument("--port", help="port to listen on (EASEL_PORT); 0 takes a free one")
    serve.add_argument(
        "--gemini",
        choices=["auto", "api", "emulator"],
        help="auto: the API when a key or Vertex AI is configured, else the emulator",
    )
    commands.add_parser("emulator", help="run the stand-in for Gemini alone", add_help=False)
    commands.add_parser(
        "doctor", help="check the installation and, with a key, the API", add_help=False
    )
    return parser


def _emulator(arguments: Sequence[str]) -> int:
    """In this process: the emulator is imported by nothing else of ours."""
    from emulator.cli import main as emulate

    return emulate(arguments)


def _doctor(arguments: Sequence[str]) -> int:
    log.configure("error", "text")
    from pipeline.doctor.command import main as examine

    return examine(arguments, os.environ)


def _serve(arguments: argparse.Namespace) -> int:
    try:
        settings = load({**os.environ, **_flags(arguments)})
    except SettingsError as error:
        return _refuse(error)
    log.configure(settings.service.log_level, settings.service.log_format)
    # Only now, since pipecat logs a banner when it is imported, and imports take a second.
    from pipeline.emulator_process import EmulatorFailed
    from pipeline.service import StartFailed
    from processors.tools import ToolUnusable

    try:
        uvloop.run(_until_stopped(settings))
    except (EmulatorFailed, StartFailed, ToolUnusable) as error:
        return _refuse(error)
    return 0


def _refuse(error: Exception) -> int:
    print(f"easel: {error}", file=sys.stderr)
    return TO_MEND


def _flags(arguments: argparse.Namespace) -> dict[str, str]:
    """Flags are settings too: they win over the environment."""
    given = {name: getattr(arguments, name) for name in ("host", "port", "gemini")}
    return {f"EASEL_{name.upper()}": value for name, value in given.items() if value is not None}


async def _until_stopped(settings: Settings) -> None:
    from pipeline.service import serving

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    sys.setswitchinterval(THREADS_TAKE_TURNS_S)
    async with serving(settings) as running:
        # What is loaded by now stays: a full collection that walks it takes 50 ms.
        gc.collect()
        gc.freeze()
        print(f"Open {running.url}", f"Easel talks to {running.talks_to}.", sep="\n", flush=True)
        await stop.wait()
        exit_within(EXIT_LIMIT_S - MARGIN_S)


def exit_within(limit_s: float) -> None:
    """Ends this process with status 1 after that time, whatever hangs: the loop, or a thread
    that the interpreter would wait for."""
    timer = threading.Timer(limit_s, _give_up)
    timer.daemon = True
    timer.start()


def _give_up() -> None:
    print("easel: something did not end in time; giving up", file=sys.stderr, flush=True)
    os._exit(GAVE_UP)
