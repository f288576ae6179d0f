"""What was measured, kept from run to run: an interrupted benchmark goes on where it stopped."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

MEASURED: Final = ("bench", "pipeline", "processors", "transports")
# What only shows figures changes none.
SHOWING: Final = ("page.py", "table.py", "chart.py", "machine.py", "soak_page.py")
BESIDE: Final = ("constraints.txt", "pyproject.toml")

Figures = dict[str, float]


def fingerprint(root: Path) -> str:
    """Of all code that a measurement runs: other code, other results."""
    files = [path for folder in MEASURED for path in (root / folder).rglob("*.py")]
    files = [path for path in files if path.parent.name != "bench" or path.name not in SHOWING]
    files += [root / name for name in BESIDE]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


class Results:
    """Of one state of the code. A line of JSON for each measurement; each is written at once."""

    def __init__(self, path: Path, code: str) -> None:
        self._path = path
        self._code = code
        self._found: dict[str, Figures] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                self._read(line)

    def _read(self, line: str) -> None:
        """A line that was being written when the machine stopped counts as none."""
        try:
            kept = json.loads(line)
            code, key, figures = kept["code"], kept["key"], kept["figures"]
        except (ValueError, KeyError, TypeError):
            return
        if code == self._code:
            self._found[key] = figures

    def get(self, key: str) -> Figures | None:
        return self._found.get(key)

    def put(self, key: str, figures: Figures) -> None:
        self._found[key] = figures
        self._path.parent.mkdir(parents=True, exist_ok=True)
        begun = self._path.exists() and not self._path.read_bytes().endswith(b"\n")
        with self._path.open("a") as out:
            line = json.dumps({"code": self._code, "key": key, "figures": figures})
            out.write(("\n" if begun else "") + line + "\n")

    def of(self, keys: Iterable[str]) -> list[Figures]:
        """Those of these keys that were measured."""
        return [self._found[key] for key in keys if key in self._found]

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)
        self._found.clear()
