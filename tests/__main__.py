"""Every test there is: `python -m tests`.

Those that talk in real time wait most of the time, so the others run beside them: first the pure
cores with their coverage (and beside them what waits most of all), then the rest. What these print
comes when both parts are done.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

TALKS: Final = ("tests/browser", "tests/conversation")
WAITS: Final = "tests/pipeline/doctor/test_doctor_on_emulator.py"  # for a minute, and does little
OTHERS_LOG: Final = Path("test-output/others.log")
WAITS_LOG: Final = Path("test-output/waits.log")
BESIDE: Final = "--beside"
NICE: Final = 5


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 when every test passed."""
    if BESIDE in arguments:
        return _others()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    OTHERS_LOG.parent.mkdir(exist_ok=True)
    with OTHERS_LOG.open("w") as log:
        command = (sys.executable, "-m", "tests", BESIDE)
        others = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            talks = _pytest(*TALKS)
            rest = others.wait()
        finally:
            with suppress(ProcessLookupError):  # else: interrupted, and nothing may stay
                os.killpg(others.pid, signal.SIGTERM)
            others.wait()
    print(OTHERS_LOG.read_text())
    return talks or rest


def _others() -> int:
    os.nice(NICE)
    with WAITS_LOG.open("w") as log:
        waiting = subprocess.Popen((sys.executable, "-m", "pytest", WAITS), stdout=log, stderr=log)
        try:
            cores = subprocess.run((sys.executable, "-m", "tests.own_coverage")).returncode
            waits = waiting.wait()
        finally:
            waiting.terminate()
            waiting.wait()
    print(WAITS_LOG.read_text(), flush=True)
    rest = _pytest("--without-cores", *(f"--ignore={folder}" for folder in (*TALKS, WAITS)))
    return cores or waits or rest


def _pytest(*arguments: str) -> int:
    return subprocess.run((sys.executable, "-m", "pytest", *arguments)).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
