"""Every test there is: `python -m tests`.

Four parts at a time. The two that talk in real time wait half of the time; the others take what
they leave of the machine: the pure cores with their coverage, and then the rest. What a part prints
comes when all are done, but for the first one's.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

STORIES: Final = "tests/browser/test_image_stories.py"  # as long as a third of the others there
SERVICE: Final = ("tests/pipeline", "tests/web", "tests/emulator")
OUTPUT: Final = Path("test-output")


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 when every test passed."""
    if arguments:
        return PARTS[arguments[0]]()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    OUTPUT.mkdir(exist_ok=True)
    first, *others = PARTS
    with ExitStack() as stack:
        running = [_begun(name, stack) for name in others]
        statuses = [PARTS[first](), *(part.wait() for part in running)]
    for name in others:
        print(_log(name).read_text(), flush=True)
    return next(filter(None, statuses), 0)


def _begun(name: str, stack: ExitStack) -> "subprocess.Popen[bytes]":
    log = stack.enter_context(_log(name).open("w"))
    command = (sys.executable, "-m", "tests", name)
    # A group, but no session of its own: how idle one is counts within a session only (sched(7)).
    part = subprocess.Popen(command, stdout=log, stderr=log, process_group=0)
    stack.callback(_end, part)
    return part


def _end(part: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):  # else: interrupted, and nothing may stay
        os.killpg(part.pid, signal.SIGTERM)
    part.wait()


def _log(name: str) -> Path:
    return OUTPUT / f"{name}.log"


def _page() -> int:
    return _pytest("tests/browser", f"--ignore={STORIES}")


def _talks() -> int:
    return _pytest("tests/conversation", STORIES)


def _service() -> int:
    return _aside(("emulator/", "pipeline/"), *SERVICE)


def _media() -> int:
    elsewhere = ("tests/browser", "tests/conversation", *SERVICE)
    return _aside(("processors/", "transports/"), *(f"--ignore={each}" for each in elsewhere))


def _aside(cores: Sequence[str], *others: str) -> int:
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    covered = subprocess.run((sys.executable, "-m", "tests.own_coverage", *cores)).returncode
    return _pytest("--without-cores", *others) or covered


def _pytest(*arguments: str) -> int:
    return subprocess.run((sys.executable, "-m", "pytest", *arguments)).returncode


PARTS: Final = {"page": _page, "talks": _talks, "service": _service, "media": _media}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
