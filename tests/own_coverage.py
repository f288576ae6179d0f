"""Whether each pure core is covered completely, lines and branches, by its own test file.

    python -m tests.own_coverage [WORD …]

runs those test files, and fails when one of them fails or leaves something of its core out.
Coverage that comes by the way, from the tests of other files, does not count. With words, only
the cores whose name holds one of them.
"""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import coverage

ROOT: Final = Path(__file__).resolve().parent.parent
CONTRACT: Final = "Pure cores"
IMPORTED: Final = "^$"  # what runs when a module is imported is in no test's context


@dataclass(frozen=True, slots=True)
class Core:
    """A pure file and the test file that is its own; both relative to the root."""

    source: str
    test: str


def cores() -> list[Core]:
    """Those that the import contracts name."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    (contract,) = (each for each in contracts if each["name"].startswith(CONTRACT))
    return [_core(module) for module in contract["source_modules"]]


def _core(module: str) -> Core:
    *packages, name = module.split(".")
    folder = "/".join(packages)
    return Core(f"{folder}/{name}.py", f"tests/{folder}/test_{name}.py")


def own_tests(chosen: Sequence[Core]) -> list[str]:
    """The test files there are: one that only declares things needs none."""
    return [core.test for core in chosen if (ROOT / core.test).exists()]


def run(chosen: Sequence[Core], data_file: Path) -> int:
    """pytest's exit status."""
    packages = sorted({core.source.partition("/")[0] for core in chosen})
    command = [sys.executable, "-m", "pytest", *own_tests(chosen)]
    command += [f"--cov={package}" for package in packages]
    command += ["--cov-context=test", "--cov-report="]
    environment = {**os.environ, "COVERAGE_FILE": str(data_file)}
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


def left_out(chosen: Sequence[Core], data_file: Path) -> Iterator[str]:
    """A line for each core of which its own tests leave something out."""
    measured = coverage.Coverage(data_file=str(data_file), branch=True)
    measured.load()
    for core in chosen:
        found = _of_core(measured, core)
        if found["missing_lines"] or found["missing_branches"]:
            branches = [f"{start}->{end}" for start, end in found["missing_branches"]]
            places = ", ".join([*map(str, found["missing_lines"]), *branches])
            yield f"{core.source} is not covered by {core.test}: {places}"


def _of_core(measured: coverage.Coverage, core: Core) -> dict[str, Any]:
    contexts = [IMPORTED, f"^{core.test}::"]
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        measured.json_report([str(ROOT / core.source)], outfile=out.name, contexts=contexts)
        (found,) = json.load(out)["files"].values()
    return dict(found)


def main(words: Sequence[str]) -> int:
    chosen = [core for core in cores() if not words or any(word in core.source for word in words)]
    if not chosen:
        print("no pure core has such a name", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        data_file = Path(folder) / "coverage"
        status = run(chosen, data_file)
        if status:
            return status
        lines = list(left_out(chosen, data_file))
    print(*lines, f"{len(chosen) - len(lines)} passed, {len(lines)} failed", sep="\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
