"""Fuzzes what reads the bytes of strangers: `make fuzz`.

    python -m tests.fuzz [--seconds 300] [TARGET …]

Each target gets an equal share of the time, in a process of its own. What was learned is kept
in `test-output/fuzz` and used by the next run; an input that breaks a target's invariant is
written to `tests/fuzz/corpus`, where `make test` finds it. Then the property tests of the same
readers run with many examples. The status is 1 when anything broke.
"""

import argparse
import importlib.util
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fuzz.targets import TARGETS
from tests.own_coverage import ROOT

DEFAULT_S: Final = 300
START_LIMIT_S: Final = 60  # to import and instrument, beside other work
PROPERTIES_SHARE: Final = 0.2
PROPERTY_TESTS: Final = (
    "rtp_packet",
    "rtp_sequence",
    "opus_packet",
    "jitter",
    "reorder_wait",
    "depacketise",
    "parameter_sets",
    "picture_assembly",
    "picture_sampler",
)
EXECUTIONS: Final = re.compile(r"^stat::number_of_executed_units: (\d+)$", re.M)
TOLD_LINES: Final = 60  # of what a target that broke has to say


@dataclass(frozen=True, slots=True)
class Result:
    executions: int
    known: int
    broke: bool
    told: str


def fuzz(name: str, seconds: int) -> Result:
    known = ROOT / "test-output" / "fuzz" / name
    broken = ROOT / "tests" / "fuzz" / "corpus" / name
    known.mkdir(parents=True, exist_ok=True)
    broken.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz.engine", name, str(seconds), f"{known}"]
    try:
        ended = subprocess.run(
            [*command, f"{broken}/"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds + START_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return Result(0, _count(known), True, "did not end by itself")
    finally:
        if not any(broken.iterdir()):
            broken.rmdir()
    told = f"{ended.stdout}{ended.stderr}ended with status {ended.returncode}"
    counted = EXECUTIONS.search(told)
    executions = int(counted.group(1)) if counted else 0
    return Result(executions, _count(known), ended.returncode != 0, told)


def _count(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())


def properties(seconds: float) -> str:
    """ "passed", "failed", or that the time was over."""
    files = [f"tests/transports/test_{name}.py" for name in PROPERTY_TESTS]
    command = [sys.executable, "-m", "pytest", "-q", "--hypothesis-profile=fuzz", *files]
    try:
        ended = subprocess.run(command, cwd=ROOT, timeout=seconds, capture_output=True, text=True)
    except subprocess.TimeoutExpired:
        return "stopped when the time was over"
    if ended.returncode:
        print(ended.stdout)
    return "failed" if ended.returncode else "passed"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description="ARGS passes options on")
    parser.add_argument("--seconds", type=int, default=DEFAULT_S, help="of all together")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=" ".join(TARGETS))
    options = parser.parse_args(arguments)
    names = options.targets or list(TARGETS)
    if unknown := set(names) - TARGETS.keys():
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed; it has wheels for Python 3.11 to 3.13", file=sys.stderr)
        return 2
    share = max(1, int(options.seconds * (1 - PROPERTIES_SHARE) / len(names)))
    broke = False
    print(f"{len(names)} targets, {share} s each", flush=True)
    for name in names:
        result = fuzz(name, share)
        broke = broke or result.broke
        state = "BROKE" if result.broke else "held"
        print(
            f"{name:18}{result.executions:>10} executions {result.known:>6} inputs known  {state}"
        )
        if result.broke:
            print("\n".join(result.told.splitlines()[-TOLD_LINES:]), flush=True)
    if not options.targets:
        outcome = properties(options.seconds * PROPERTIES_SHARE)
        broke = broke or outcome == "failed"
        print(f"property tests with many examples: {outcome}")
    return 1 if broke else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
