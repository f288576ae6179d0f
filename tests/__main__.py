"""Every test there is: `python -m tests`.

Two chains at a time, as for two cores: in each first what talks in real time, then what does not.
The former waits half of the time; the pure cores, whose tests know no time, take what it leaves.
What a part prints comes when all are done, but for the first one's.
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
    talks = _pytest("tests/browser", f"--ignore={STORIES}")
    elsewhere = ("tests/browser", "tests/conversation", "tests/pipeline")
    return _pytest("--without-cores", *(f"--ignore={each}" for each in elsewhere)) or talks


def _service() -> int:
    talks = _pytest("tests/conversation", STORIES)
    return _pytest("--without-cores", "tests/pipeline") or talks


def _cores() -> int:
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    return subprocess.run((sys.executable, "-m", "tests.own_coverage")).returncode


def _pytest(*arguments: str) -> int:
    return subprocess.run((sys.executable, "-m", "pytest", *arguments)).returncode


PARTS: Final = {"page": _page, "service": _service, "cores": _cores}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
