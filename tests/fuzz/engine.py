"""Fuzzes one target in this process, guided by coverage, until the time is over or it breaks.

    python -m tests.fuzz.engine TARGET SECONDS KNOWN_FOLDER BROKEN_PREFIX

`atheris` (libFuzzer for Python) instruments what the target imports, so it must come first. The
process ends with status 0 when nothing broke; libFuzzer ends it otherwise.
"""

import importlib
import sys
from pathlib import Path
from typing import Any, Final

INSTRUMENTED: Final = ("transports", "aiortc", "aioice", "processors")
LIMIT_S: Final = 5  # of one input, instrumented and beside other work; a replay has less
MEMORY_MB: Final = 2048


def main(name: str, seconds: str, known: str, broken: str) -> None:
    atheris: Any = importlib.import_module("atheris")  # in an extra of its own, and without types
    with atheris.instrument_imports(include=list(INSTRUMENTED)):
        targets = importlib.import_module("tests.fuzz.targets")
    target = targets.TARGETS[name]
    for number, seed in enumerate(target.seeds()):
        Path(known, f"seed-{number}").write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={target.max_bytes}",
        f"-timeout={LIMIT_S}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-artifact_prefix={broken}",
        "-print_final_stats=1",
        "-verbosity=0",
        known,
    ]
    atheris.Setup([sys.argv[0], *options], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:5])
