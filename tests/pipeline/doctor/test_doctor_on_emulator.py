"""`easel doctor` against emulators: as expected, and with an assumption that does not hold.

Each emulator and each doctor is a process of its own; all of them run at the same time, since
they mostly wait for sound to be played.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline.doctor.checks import CHECKS, IMAGES, LIVE
from tests.emulator.emulator_process import RunningEmulator, running_emulator

LIMIT_S: Final = 200.0
pytestmark = pytest.mark.timeout(LIMIT_S + 30)

SHORT: Final = [
    {"hear": hear, "say": say, "repeat": True}
    for hear, say in (
        ("hello", "Hello, nice to meet you."),
        ("count to ten", "One, two."),
        ("flower", "A rose."),
        ("what do you see", "A circle."),
    )
]
LATE: Final = [
    {
        "hear": "hello",
        "say": "Good morning to you all, my friends.",
        "words": "late",
        "stall": 3,
        "repeat": True,
    }
]
BROKEN: Final = [
    {"hear": "hello"},
    {"hear": "what do you see", "say": "Oh no.", "close": "internal_error"},
]


@dataclass(frozen=True)
class Case:
    """`differs` are the checks that differ, `status` the exit status."""

    emulator: tuple[str, ...] = ()
    doctor: tuple[str, ...] = ()
    scenario: list[dict[str, Any]] | None = None
    environment: tuple[tuple[str, str], ...] = ()
    differs: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset({"context update"})
    status: int = 0


REALTIME: Final = ("--speed", "8")
CASES: Final = {
    "all is well": Case(
        emulator=(*REALTIME, "--go-away-after", "4", "--go-away-left", "90"),
        doctor=("--long",),
        scenario=[],
    ),
    "turns end too soon": Case(
        emulator=(*REALTIME, "--hold", "0"),
        doctor=("--live",),
        scenario=[],
        differs=frozenset({"turn end"}),
        status=1,
    ),
    "another profile than Easel thinks": Case(
        emulator=(*REALTIME, "--hold", "0.9", "--model", "gemini-3.8-live=3.1"),
        doctor=("--live",),
        scenario=[],
        differs=frozenset({"tool behaviour", "tool result"}),
        status=1,
    ),
    "stalls, and words after the turn": Case(
        emulator=(*REALTIME, "--hold", "0.9"),
        doctor=("--live",),
        scenario=LATE,
        differs=frozenset({"pace", "output transcript"}),
        status=1,
    ),
    "an empty turn, and a close in the middle": Case(
        emulator=(*REALTIME, "--hold", "0.9"),
        doctor=("--live",),
        scenario=BROKEN,
        differs=frozenset({"text turn", "resume"}),  # a fresh session begins with it again
        skipped=frozenset(
            {
                *("context update", "turn order", "sound format", "pace", "output transcript"),
                *("usage", "turn end", "handles", "handles while answering", "memory"),
            }
        ),
        status=1,
    ),
    "a key that is refused": Case(
        emulator=("--api-key", "another"),
        doctor=("--live",),
        skipped=frozenset(
            name for name, check in CHECKS.items() if check.topic == LIVE
        ) - {"setup", "go away"},
        status=2,
    ),
    "Vertex AI, where the context can be changed": Case(
        emulator=(*REALTIME, "--hold", "0.9"),
        doctor=("--live",),
        scenario=[],
        environment=(("GOOGLE_GENAI_USE_VERTEXAI", "true"), ("GOOGLE_API_KEY", "any")),
        skipped=frozenset({"wrong key"}),
    ),
}  # fmt: skip


def doctor(
    emulator: RunningEmulator, arguments: tuple[str, ...], environment: dict[str, str]
) -> subprocess.Popen[str]:
    where = {
        "GOOGLE_GEMINI_BASE_URL": emulator.base_url,
        "GOOGLE_VERTEX_BASE_URL": emulator.base_url,
        "SSL_CERT_FILE": str(emulator.certificate),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", "doctor", "--json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **where, **environment},
    )


@pytest.fixture(scope="module")
def results(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, tuple[int, dict[str, Any], str]]]:
    """Of each case, the exit status, the JSON and what stood on stderr."""
    with ExitStack() as stack:
        running: dict[str, subprocess.Popen[str]] = {}
        for number, (name, case) in enumerate(CASES.items()):
            folder = tmp_path_factory.mktemp(f"doctor-{number}")
            arguments = list(case.emulator)
            if case.scenario is not None:
                scenario = folder / "scenario.json"
                scenario.write_text(json.dumps({"steps": [*case.scenario, *SHORT]}))
                arguments += ["--scenario", str(scenario)]
            emulator = stack.enter_context(running_emulator(folder, *arguments))
            running[name] = doctor(emulator, case.doctor, dict(case.environment))
        out: dict[str, tuple[int, dict[str, Any], str]] = {}
        try:
            for name, process in running.items():
                written, errors = process.communicate(timeout=LIMIT_S)
                out[name] = process.returncode, json.loads(written), errors
        finally:
            for process in running.values():
                process.kill()
                process.communicate()
        yield out


@pytest.mark.realtime
@pytest.mark.parametrize("name", CASES)
def test_what_differs_is_found_and_nothing_else(
    name: str, results: dict[str, tuple[int, dict[str, Any], str]]
) -> None:
    case, (status, document, errors) = CASES[name], results[name]
    findings = {found["name"]: found for found in document["findings"]}
    seen = {found["name"]: found["seen"] for found in document["findings"]}
    by_verdict = {
        verdict: {name for name, found in findings.items() if found["verdict"] == verdict}
        for verdict in ("differs", "skipped", "failed")
    }
    skipped = by_verdict["skipped"] - {"certificate"}
    assert by_verdict["differs"] == case.differs, seen
    assert skipped == case.skipped, seen
    assert (status, document["exitStatus"]) == (case.status, case.status)
    assert by_verdict["failed"] == ({"setup"} if status == 2 else set()), seen
    assert "Traceback" not in errors
    assert document["talksTo"] in errors, "it says before what it will use"


def test_each_check_was_made(results: dict[str, tuple[int, dict[str, Any], str]]) -> None:
    _, document, _ = results["all is well"]
    assert {found["name"] for found in document["findings"]} == CHECKS.keys()


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", "doctor", *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env={**os.environ, **environment},
    )


def test_without_a_key_only_the_installation_is_looked_at() -> None:
    ran = run(EASEL_PORT="0")
    live, images = (
        sum(1 for check in CHECKS.values() if check.topic == topic) for topic in (LIVE, IMAGES)
    )
    assert f"skipped  {live - 1} checks" in ran.stdout, "all but the long one"
    assert f"skipped  {images} checks" in ran.stdout
    assert "set GEMINI_API_KEY" in ran.stdout
    assert ran.returncode in (0, 1), "a machine may allow for too few open files"
    assert ran.stderr == ""


def test_settings_that_are_not_accepted_are_said_and_that_is_all() -> None:
    ran = run(EASEL_PROT="1")
    assert ran.returncode == 2
    assert "EASEL_PROT: there is no such setting; did you mean EASEL_PORT?" in ran.stdout
    assert "Live API" not in ran.stdout


def test_nobody_there_is_a_failure_in_few_words(tmp_path: Path) -> None:
    ran = run("--image", GOOGLE_GEMINI_BASE_URL="https://127.0.0.1:9", EASEL_PORT="0")
    assert ran.returncode == 2
    assert "failed   image " in ran.stdout
    assert "not reached" in ran.stdout
    assert "Installation" not in ran.stdout


def test_it_helps() -> None:
    ran = run("--help")
    assert ran.returncode == 0
    assert "--long" in ran.stdout
