"""The wheel by itself: built, unpacked, and run from an empty folder without the checkout.

An editable install puts the whole repository on the path, so that only this test notices code
that needs `tests/`, `deploy/` or the working folder.
"""

import configparser
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = ("pipeline", "transports", "processors", "emulator")
LIMIT_S: Final = 60.0

IMPORT_ALL: Final = """
import importlib, importlib.util, pathlib, sys
home = pathlib.Path(sys.argv[1])
for file in sorted(home.glob("*/**/*.py")):
    name = ".".join(file.relative_to(home).with_suffix("").parts).removesuffix(".__init__")
    if not name.endswith(("__main__", "_worker")):
        module = importlib.import_module(name)
        assert pathlib.Path(module.__file__).is_relative_to(home), module.__file__
for name in ("tests", "bench", "deploy", "docs"):
    assert name not in sys.modules and importlib.util.find_spec(name) is None, name
"""


@dataclass(frozen=True)
class Unpacked:
    """The wheel's content at `home`, and an empty folder to run it from."""

    home: Path
    empty: Path

    def command(self, *arguments: str) -> list[str]:
        """Python without site's `.pth` files, so that the checkout is not on the path."""
        return [sys.executable, "-S", "-W", "ignore", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        installed = sysconfig.get_path("platlib")
        return {**os.environ, "PYTHONPATH": os.pathsep.join((str(self.home), installed))}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.empty,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=LIMIT_S)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "home")
    (folder / "empty").mkdir()
    return Unpacked(folder / "home", folder / "empty")


def test_it_holds_our_packages_and_nothing_beside_them(unpacked: Unpacked) -> None:
    top = {path.name for path in unpacked.home.iterdir() if path.suffix != ".dist-info"}
    assert top == set(PACKAGES)


def test_it_holds_the_whole_page(unpacked: Unpacked) -> None:
    page = {file.relative_to(ROOT / "web") for file in (ROOT / "web").rglob("*") if file.is_file()}
    installed = unpacked.home / "pipeline" / "web"
    assert page == {f.relative_to(installed) for f in installed.rglob("*") if f.is_file()}
    assert Path("index.html") in page


def test_it_holds_the_licence_and_the_command(unpacked: Unpacked) -> None:
    (metadata,) = unpacked.home.glob("*.dist-info")
    assert (metadata / "licenses" / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    commands = configparser.ConfigParser()
    commands.read(metadata / "entry_points.txt")
    assert commands["console_scripts"]["easel"] == "pipeline.cli:main"


def test_every_module_imports_without_the_checkout(unpacked: Unpacked) -> None:
    ran = unpacked.run("-c", IMPORT_ALL, str(unpacked.home))
    assert ran.returncode == 0, ran.stderr


def test_it_helps(unpacked: Unpacked) -> None:
    ran = unpacked.run("-m", "pipeline", "--help")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("usage: easel")


def test_it_serves_its_page_and_ends_when_told(unpacked: Unpacked) -> None:
    """Talks to nobody: with `--gemini api` a connection is made when someone joins."""
    serve = unpacked.command("-m", "pipeline", "serve", "--gemini", "api", "--port", "0")
    environment = {**unpacked.environment, "GEMINI_API_KEY": "none"}
    with subprocess.Popen(
        serve, cwd=unpacked.empty, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None  # PIPE above
            words = process.stdout.readline().split()
            url = next(word for word in words if word.startswith("http://"))
            with urllib.request.urlopen(url, timeout=LIMIT_S) as response:
                assert response.read() == (ROOT / "web" / "index.html").read_bytes()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0
    assert list(unpacked.empty.iterdir()) == []


def test_the_emulator_runs_without_the_service(unpacked: Unpacked) -> None:
    """It is useful by itself: nothing of ours but its own package is needed."""
    alone = unpacked.home.parent / "alone"
    shutil.copytree(unpacked.home / "emulator", alone / "emulator")
    ran = Unpacked(alone, unpacked.empty).run("-m", "emulator", "--help")
    assert ran.returncode == 0, ran.stderr
