"""The emulator's command line: `python -m emulator` and `easel emulator`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from emulator.faults import Fault, FaultError, explain, parse_fault
from emulator.image_options import ImageOptions
from emulator.lifetime import AUDIO_LIMIT_S, GO_AWAY_AFTER_S, GO_AWAY_LEFT_S, VIDEO_LIMIT_S, Limits
from emulator.options import Options
from emulator.profiles import PROFILES
from emulator.replay import Recorded, ReplayError, read_recording
from emulator.resumption import HANDLE_TTL_S
from emulator.scenario import Scenario, ScenarioError, load_scenario
from emulator.senses import Senses, standard_senses
from emulator.server import EmulatorServer

# How often a child asks whether its parent still lives.
PARENT_POLL_S: Final = 0.25
USAGE_ERROR: Final = 2

NewSenses = Callable[[Scenario | None], Senses]


def _positive(text: str) -> float:
    value = _not_negative(text)
    if value == 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


def _not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError("must be a number from 0 on")
    return value


def _seconds(text: str) -> float | None:
    return None if text == "off" else _positive(text)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 2**16:
        raise argparse.ArgumentTypeError("must be a number from 0 to 65535")
    return port


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("must be a number from 1 on")
    return count


def _model(text: str) -> tuple[str, str]:
    name, _, profile = text.partition("=")
    if not name or profile not in PROFILES:
        raise argparse.ArgumentTypeError(f"ID=PROFILE with a profile of {', '.join(PROFILES)}")
    return name, profile


def _fault(text: str) -> Fault:
    if text == "help":
        print(explain())
        raise SystemExit(0)
    try:
        return parse_fault(text)
    except FaultError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


# Flag, type, default, unit, meaning.
_BEHAVIOUR: Final[tuple[tuple[str, Callable[[str], float | None], float | None, str, str], ...]] = (
    ("--speed", _positive, 4.0, "X", "seconds of sound sent in a second"),
    ("--hold", _not_negative, 1.0, "SHARE", "of the playback for which turnComplete is held"),
    ("--latency", _not_negative, 0.0, "SHARE", "of the model's measured time to first sound"),
    ("--clock", _positive, 1.0, "X", "how much faster limits, goAway and handles grow old"),
    ("--go-away-after", _seconds, GO_AWAY_AFTER_S, "S", "age of a connection at goAway, or off"),
    ("--go-away-left", _not_negative, GO_AWAY_LEFT_S, "S", "from goAway to the close"),
    ("--audio-limit", _seconds, AUDIO_LIMIT_S, "S", "life of an uncompressed session, or off"),
    ("--video-limit", _seconds, VIDEO_LIMIT_S, "S", "the same once it saw pictures, or off"),
    ("--image-latency", _not_negative, 0.0, "S", "that every picture takes at least"),
    ("--pong-delay", _not_negative, 0.0, "S", "from a websocket's ping to its pong"),
    ("--replay-speed", _positive, 1.0, "X", "how much faster than recorded --replay plays"),
    ("--handle-interval", _seconds, None, "S", "between resumption handles outside of answers"),
)


def parser() -> argparse.ArgumentParser:
    """The arguments, so that another command line can show them too."""
    arguments = argparse.ArgumentParser(
        prog="emulator", description="A local stand-in for Gemini's Live and image wire."
    )
    add = arguments.add_argument
    add("--host", default="127.0.0.1", help="address to bind (default 127.0.0.1)")
    add("--port", type=_port, default=8443, help="0 picks a free port (default 8443)")
    add("--cert-dir", type=Path, help="folder for ca.pem (default: one that is removed at the end)")
    add("--keep-certificate", action="store_true",
        help="leave the key in --cert-dir too, and use both again at the next start")  # fmt: skip
    add("--scenario", type=Path, help="a written conversation, YAML or JSON")
    add("--replay", type=Path, action="append", default=[], metavar="FILE",
        help="play a wire log of the service instead of answering, repeatable")  # fmt: skip
    add("--json", action="store_true", help="print the JSON line only")
    add("--verbose", action="store_true", help="log every connection to stderr")
    add("--exit-with-parent", action="store_true", help="end when the starting process ends")
    _add_behaviour(arguments)
    return arguments


def _add_behaviour(arguments: argparse.ArgumentParser) -> None:
    for flag, kind, default, metavar, text in _BEHAVIOUR:
        shown = "off" if default is None else f"{default:g}"
        arguments.add_argument(
            flag, type=kind, default=default, metavar=metavar, help=f"{text} (default {shown})"
        )
    add = arguments.add_argument
    add("--api-key", action="append", default=[], metavar="KEY", help="a valid key, repeatable")
    add("--model", action="append", default=[], type=_model, metavar="ID=PROFILE",
        help=f"one more model; profiles: {', '.join(PROFILES)}")  # fmt: skip
    add("--fault", action="append", default=[], type=_fault, metavar="KIND[@WHEN][,KEY=VALUE…]",
        help="what shall go wrong, repeatable; `--fault help` lists all")  # fmt: skip
    add("--handles", choices=("snapshot", "live"), default="snapshot",
        help="bring back the time of the handle, or the connection's end")  # fmt: skip
    add("--consumed-index", action="store_true", help="in every handle, not only if transparent")
    add("--max-sessions", type=_count, metavar="N", help="concurrent Live connections")
    add("--voice-activity", action="store_true", help="emit voiceActivity unasked")
    add("--image-type", choices=("image/png", "image/jpeg"), help="of every drawn picture")
    add("--strict-signatures", action="store_true", help="400 when a chat lost its signatures")
    add("--seed", type=int, default=0, help="of call ids, handles and tokens (default 0)")


def main(argv: Sequence[str] | None = None, new_senses: NewSenses = standard_senses) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit status.

    `new_senses` takes the scenario, if there is one.
    """
    arguments = parser().parse_args(argv)
    if arguments.keep_certificate and arguments.cert_dir is None:
        parser().error("--keep-certificate needs --cert-dir")
    logging.basicConfig(
        level=logging.INFO if arguments.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    parent = os.getppid() if arguments.exit_with_parent else None
    try:
        options = options_of(arguments)
        with contextlib.suppress(KeyboardInterrupt), _folder(arguments.cert_dir) as folder:
            asyncio.run(_serve(arguments, options, new_senses(options.scenario), folder, parent))
    except (ScenarioError, ReplayError, OSError) as error:
        print(f"emulator: {error}", file=sys.stderr)
        return USAGE_ERROR
    return 0


def options_of(arguments: argparse.Namespace) -> Options:
    """The behaviour that the arguments ask for. Raises ScenarioError, OSError."""
    scenario: Scenario | None = None
    if arguments.scenario is not None:
        scenario = _read_scenario(arguments.scenario)
    return Options(
        speed=arguments.speed,
        hold_scale=arguments.hold,
        latency_scale=arguments.latency,
        limits=Limits(
            go_away_after_s=arguments.go_away_after,
            go_away_left_s=arguments.go_away_left,
            audio_limit_s=arguments.audio_limit,
            video_limit_s=arguments.video_limit,
        ).faster(arguments.clock),
        handle_ttl_s=HANDLE_TTL_S / arguments.clock,
        handle_interval_s=arguments.handle_interval,
        api_keys=frozenset(arguments.api_key),
        models=dict(arguments.model),
        max_sessions=arguments.max_sessions,
        voice_activity=arguments.voice_activity,
        pong_delay_s=arguments.pong_delay,
        seed=arguments.seed,
        live_handles=arguments.handles == "live",
        consumed_index=arguments.consumed_index,
        faults=tuple(
            dataclasses.replace(fault, origin=f"option {number}")
            for number, fault in enumerate(arguments.fault, 1)
        ),
        images=ImageOptions(
            output=arguments.image_type or "",
            strict_signatures=arguments.strict_signatures,
            latency_s=arguments.image_latency,
        ),
        scenario=scenario,
        recording=_read_recording(arguments.replay),
        replay_speed=arguments.replay_speed,
    )


def _read_recording(paths: Sequence[Path]) -> tuple[Recorded, ...]:
    """Of several files the connections follow each other, and may go on from one to the next."""
    try:
        texts = [path.read_text(encoding="utf-8") for path in paths]
    except UnicodeDecodeError as error:
        raise ReplayError(f"the recording is not UTF-8 text: {error}") from None
    lines = [line for text in texts for line in text.rstrip("\n").split("\n")]
    return read_recording(lines) if paths else ()


def _read_scenario(path: Path) -> Scenario:
    try:
        return load_scenario(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path} is not UTF-8 text: {error}") from None


async def _serve(
    arguments: argparse.Namespace,
    options: Options,
    senses: Senses,
    folder: Path,
    parent: int | None,
) -> None:
    server = EmulatorServer(options, senses)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    port, certificate = await server.start(
        arguments.host, arguments.port, folder, keep_certificate=arguments.keep_certificate
    )
    try:
        host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
        base_url = f"https://{host}:{port}"
        print(json.dumps({"listening": base_url, "certificate": str(certificate)}), flush=True)
        if not arguments.json:
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
    """Wait for a signal or, when there is a parent to watch, for its end.

    An orphan gets another parent at once, so asking for it is enough, on every Unix and whichever
    thread of the parent started us.
    """
    while not stop.is_set():
        if parent is not None and os.getppid() != parent:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if parent is None else PARENT_POLL_S):
                await stop.wait()


@contextlib.contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    """The certificate's folder: the chosen one, or one that lives as long as the emulator."""
    if chosen is not None:
        yield chosen
        return
    made = Path(tempfile.mkdtemp(prefix="gemini-emulator-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
